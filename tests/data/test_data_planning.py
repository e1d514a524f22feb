"""From configuration to sequences without data, and one line for what is wrong with it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import parameters
from vcmflow.core.sequence import ANNOTATIONS
from vcmflow.data.command import add_arguments, spec_of
from vcmflow.data.davis import ONLY_2017, VAL_2017
from vcmflow.data.registry import LOADERS
from vcmflow.data.sequences import list_sequences, make_loader
from vcmflow.data.types import SequenceSpec

ROOT = Path(__file__).parents[2]
BRIDGE = "4_station_pedestrian_bridge_4.4"
RAILWAY: dict[str, Any] = {
    "loader": "osdar23",
    "path": "no/such/folder",
    "sequences": {"1_calibration_1.1": ["rgb_center", "rgb_left"], BRIDGE: ["rgb_center"]},
    "window": 10,
    "lengths": {BRIDGE: 98},
}
DAVIS: dict[str, Any] = {
    "loader": "davis",
    "path": "no/such/folder",
    "sequences": "val",
}
OWN: dict[str, Any] = {
    "loader": "folder",
    "path": "no/such/folder",
    "sequences": ["a b", "clip.mp4"],
    "fps": 25,
}


def test_windows_of_a_long_sequence_are_planned_without_the_data() -> None:
    specs = list_sequences("railway", RAILWAY)
    assert list(specs)[:3] == [
        "1_calibration_1.1-rgb_center",
        "1_calibration_1.1-rgb_left",
        f"{BRIDGE}-rgb_center-w00",
    ]
    windows = [spec for spec in specs.values() if spec.sequence == BRIDGE]
    assert [(spec.first, spec.frames) for spec in windows] == [(10 * k, 10) for k in range(9)]
    assert {spec.scene for spec in windows} == {"4_station_pedestrian_bridge"}
    short = specs["1_calibration_1.1-rgb_center"]
    assert (short.frames, short.max_length, short.length) == (None, 10, 10)


def test_the_rest_after_the_last_window_can_be_kept() -> None:
    specs = list_sequences("railway", RAILWAY | {"tail": "keep"})
    last = list(specs.values())[-1]
    assert (last.id, last.first, last.frames) == (f"{BRIDGE}-rgb_center-w09", 90, 8)


def test_the_validation_sets_of_davis_add_up_to_their_published_sizes() -> None:
    specs = list_sequences("davis", DAVIS)
    assert len(specs) == 30
    assert sum(spec.length or 0 for spec in specs.values()) == 1999
    older = list_sequences("davis", DAVIS | {"year": 2016})
    assert len(older) == 20
    assert sum(spec.length or 0 for spec in older.values()) == 1376
    assert set(VAL_2017) >= ONLY_2017


def test_excluded_sequences_are_left_out_by_their_exact_id() -> None:
    specs = list_sequences("railway", RAILWAY | {"exclude": ["1_calibration_1.1-rgb_left"]})
    assert "1_calibration_1.1-rgb_left" not in specs
    assert "1_calibration_1.1-rgb_center" in specs
    with pytest.raises(VcmflowError, match=r"exclude.*'1_calibration_1'"):
        list_sequences("railway", RAILWAY | {"exclude": ["1_calibration_1"]})


@pytest.mark.parametrize("dataset", [RAILWAY, DAVIS, OWN, OWN | {"annotations": "a 'b': c.json"}])
def test_the_flags_name_the_same_sequence_again(dataset: dict[str, Any]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    outputs = ["--frames-out=a.mkv", "--truth-out=b.json", "--info-out=c.json"]
    changes = {"height": 100, "frames": 3, "exclude": []}
    for spec in list_sequences("set", dataset | changes).values():
        again = spec_of(parser.parse_args(spec.arguments() + outputs))
        for name in SequenceSpec.__dataclass_fields__:
            if name not in ("inputs", "length"):
                assert getattr(again, name) == getattr(spec, name), name


def test_names_that_only_differ_in_special_characters_stay_apart() -> None:
    names = ["a b", "a'b", 'a"b', "a-b", "-ab", "äb", "日本", "x--20b", " b"]
    specs = list_sequences("own", OWN | {"sequences": names})
    assert [spec.sequence for spec in specs.values()] == names


@pytest.mark.parametrize(
    ("base", "change", "words"),
    [
        (RAILWAY, {"resolutoin": 1}, ["loader 'osdar23' has no option 'resolutoin'", "min_size"]),
        (RAILWAY, {"loader": "osdar"}, ["unknown loader 'osdar'", "classes, davis, folder"]),
        (
            RAILWAY,
            {"annotation_type": "masks"},
            ["is 'masks'", "'boxes' or 'none'"],
        ),
        (DAVIS, {"annotation_type": "boxes"}, ["is 'boxes'", "'masks' or 'none'"]),
        (RAILWAY, {"year": 2017}, ["loader 'osdar23' has no option 'year'"]),
        (DAVIS, {"classes": {"person": "person"}}, ["has no option 'classes'", "year"]),
        (DAVIS, {"cameras": ["rgb_left"]}, ["cameras: means nothing"]),
        (RAILWAY, {"classes": {"person": "human"}}, ["classes", "'human'", "bicycle"]),
        (RAILWAY, {"classes": {}}, ["classes", "empty"]),
        (RAILWAY, {"classes": {"crowd": "person"}}, ["'crowd' stands in classes and in crowd"]),
        (RAILWAY, {"occlusion_max": 101}, ["occlusion_max is 101", "100"]),
        (RAILWAY, {"min_size": -1}, ["min_size is -1", "0"]),
        (RAILWAY, {"sequences": {BRIDGE: []}}, ["has no camera"]),
        (RAILWAY, {"sequences": ["a", "a"]}, ["two sequences have the id 'a-rgb_center'"]),
        (RAILWAY, {"sequences": ["../x"]}, ["'../x'", "not the name of a folder"]),
        (RAILWAY, {"sequences": {"x": ["../y"]}}, ["'../y'", "leads out"]),
        (DAVIS, {"sequences": ["../x"]}, ["'../x'", "leads out"]),
        (OWN, {"sequences": ["/x.mp4"]}, ["'/x.mp4'", "leads out"]),
        (RAILWAY, {"sequences": "auto"}, ["auto needs the data", "no/such/folder"]),
        (RAILWAY, {"sequences": []}, ["none is left"]),
        (DAVIS, {"sequences": "auto"}, ["auto needs the data", "no/such/folder"]),
        (DAVIS, {"sequences": "test"}, ["no set 'test'"]),
        (DAVIS, {"sequences": "../../etc/passwd"}, ["is not a set"]),
        (DAVIS, {"year": 2018}, ["year is 2018", "2016 or 2017"]),
        (OWN, {"fps": None}, ["fps: missing", "'a b'"]),
        (OWN, {"sequences": ["a.mp4", "a.avi"]}, ["two sequences have the id 'a'", "'a.avi'"]),
        (OWN, {"sequences": "auto"}, ["no such folder no/such/folder"]),
    ],
)
def test_a_wrong_configuration_is_one_line(
    base: dict[str, Any], change: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(VcmflowError) as caught:
        list_sequences("mine", base | change)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_planning_imports_nothing_heavy() -> None:
    code = (
        "import sys; from vcmflow.data.sequences import list_sequences\n"
        f"assert len(list_sequences('r', {RAILWAY!r})) == 11\n"
        f"assert len(list_sequences('d', {DAVIS!r})) == 30\n"
        f"assert len(list_sequences('o', {OWN!r})) == 2\n"
        "heavy = {'torch', 'numpy', 'cv2', 'av', 'PIL', 'raillabel', 'pandas'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=60)


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_every_loader_keeps_to_the_interface(name: str) -> None:
    assert make_loader(name, {}).annotations in ANNOTATIONS
    assert "gaps" in parameters(LOADERS[name].builder)
