"""Which sequences a plan leaves out once a selection has counted their objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vcmflow.config.load import load_settings
from vcmflow.core.errors import VcmflowError
from vcmflow.data.objects import digest, without_objects, write_selection
from vcmflow.data.sequences import list_sequences
from vcmflow.plan.grid import build_grid, selection_file

ROOT = Path(__file__).parents[2]
DATASET: dict[str, Any] = {
    "loader": "osdar23",
    "path": "data/osdar23",
    "tasks": ["detector"],
    "sequences": ["1_calibration_1.1", "3_fire_site_3.2"],
    "cameras": ["rgb_left", "rgb_center"],
    "require_objects": True,
}


def test_only_counted_sequences_without_an_object_are_left_out(tmp_path: Path) -> None:
    specs = list_sequences("d", DATASET)
    first, second, third, _ = specs  # the fourth was not counted
    path = tmp_path / "selection.csv"
    write_selection(
        path,
        [
            (first, 0, digest(specs[first])),
            (second, 7, digest(specs[second])),
            (third, 0, "0" * 16),  # counted with other settings
            ("another", 0, digest(specs[first])),
        ],
    )
    assert without_objects(path, specs) == {first}
    assert without_objects(tmp_path / "none.csv", specs) == set()


def test_whatever_changes_the_count_changes_the_digest() -> None:
    digests = [
        digest(next(iter(list_sequences("d", DATASET | change).values())))
        for change in ({}, {"occlusion_max": 50}, {"min_size": 20}, {"frames": 5}, {"height": 400})
    ]
    assert len(set(digests)) == len(digests)
    assert digests[0] == digest(next(iter(list_sequences("d", DATASET).values())))


def test_pseudo_ground_truth_is_never_left_out_before_it_exists(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").touch()
    specs = list_sequences(
        "d", {"loader": "folder", "path": str(tmp_path), "tasks": ["detector"], "fps": 5}
    )
    write_selection(tmp_path / "s.csv", [("a", 0, digest(specs["a"]))])
    assert without_objects(tmp_path / "s.csv", specs) == set()


@pytest.mark.parametrize("content", [b"id,objects\na,0\n", b"\xff\xfe", b'id,objects,settings\n"a'])
def test_a_broken_selection_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "selection.csv"
    path.write_bytes(content)
    with pytest.raises(VcmflowError, match=r"selection\.csv: .*remove it"):
        without_objects(path, {})


def test_where_no_object_can_be_known_none_can_be_required() -> None:
    frames_alone = DATASET | {"annotation_type": "none"}
    assert list_sequences("d", frames_alone)
    with pytest.raises(VcmflowError, match="require_objects: means nothing"):
        list_sequences("d", frames_alone | {"tasks": []})


def test_the_grid_keeps_its_parts_when_sequences_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(ROOT / "params.yaml", {"preset": "paper"})
    monkeypatch.chdir(tmp_path)
    whole = build_grid(settings)["osdar23"]
    gone = list(whole.planned)[3]
    rows = [(name, int(name != gone), digest(spec)) for name, spec in whole.planned.items()]
    write_selection(selection_file("paper", "osdar23"), rows)
    selected = build_grid(settings)["osdar23"]
    assert list(selected.planned) == list(whole.planned)
    assert set(whole.sequences) - set(selected.sequences) == {gone}
    left = {part: names for part, names in whole.parts().items() if names != [gone]}
    assert selected.parts() == left

    write_selection(
        selection_file("paper", "osdar23"), [(name, 0, settings) for name, _, settings in rows]
    )
    with pytest.raises(VcmflowError, match="osdar23: no sequence has an object"):
        build_grid(settings)
