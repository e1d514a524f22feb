"""The sequence table, the import command, and tables of downloads."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from data_makers import box, rail_labels, write_rail

from vcmflow.__main__ import stage
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import record
from vcmflow.core.sequence import Sequence, read_sequence, write_sequence
from vcmflow.data.catalogue import Entry, read_catalogue
from vcmflow.data.osdar23 import RULES
from vcmflow.data.sequences import list_sequences
from vcmflow.data.table import COLUMNS, row_of

ROOT = Path(__file__).parents[2]
SEQUENCE = Sequence("a-b", "own", "a", "none", 4, 12.5, 40, 24)


def written(folder: Path, sequence: Sequence) -> list[str]:
    """The flags of `sequences` for a sequence without an object."""
    folder.mkdir()
    write_sequence(folder / "sequence.json", sequence)
    (folder / "truth.json").write_text('{"annotations": []}', "utf-8")
    names = {"info": "sequence.json", "frames": "frames.mkv", "truth": "truth.json"}
    return [f"--{flag}={folder / name}" for flag, name in names.items()]


def test_a_description_comes_back_as_it_was_written(tmp_path: Path) -> None:
    for sequence in (SEQUENCE, replace(SEQUENCE, camera="rgb_center", annotations="masks")):
        write_sequence(tmp_path / "sequence.json", sequence)
        assert read_sequence(tmp_path / "sequence.json") == sequence


def test_the_sequence_table_has_a_row_per_sequence(tmp_path: Path) -> None:
    flags = written(tmp_path / 'x "y", z', SEQUENCE)
    assert stage(["sequences", *flags, f"--out={tmp_path / 'sequences.csv'}"]) == 0
    with (tmp_path / "sequences.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    described = {key: str(value or "") for key, value in asdict(SEQUENCE).items()}
    assert {key: row[key] for key in described} == described
    assert (row["objects"], row["frames_path"]) == ("0", str(tmp_path / 'x "y", z/frames.mkv'))


def test_the_table_of_downloads_has_the_columns_of_its_model() -> None:
    known = {field.alias or name for name, field in Entry.model_fields.items()} | {"page"}
    with (ROOT / "data/datasets.csv").open(encoding="utf-8", newline="") as file:
        assert set(next(csv.reader(file))) <= known
    assert len(read_catalogue(ROOT / "data/datasets.csv")) > 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fps": 0}, "above 0"),
        ({"fps": "fast"}, "not a sequence's description"),
        ({"frames": 0}, "above 0"),
        ({"annotations": "tracks"}, "annotations is 'tracks'; allowed: boxes, masks, label, none"),
        ({"width": None}, "not a sequence's description"),
    ],
)
def test_a_wrong_description_is_one_line(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "sequence.json"
    write_sequence(path, SEQUENCE)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    record(path).unlink()
    with pytest.raises(VcmflowError, match=words):
        read_sequence(path)


def test_double_ids_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = written(tmp_path / "a", SEQUENCE)
    double = [word for flag in flags for word in (*flag.split("="), flag.split("=")[1])]
    out = tmp_path / "sequences.csv"
    assert stage(["sequences", *double, f"--out={out}"]) == 2
    assert "two sequences of 'own' have the id 'a-b'" in capsys.readouterr().err
    assert not out.exists()


def test_the_command_imports_and_tables_what_planning_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "9_station_9.2"
    labels = rail_labels([[box("person", 1, 10, 4, 4), box("crowd", 9, 9, 4, 4)]] * 2)
    write_rail(tmp_path / "data", name, labels)
    dataset = {
        "loader": "osdar23",
        "path": str(tmp_path / "data"),
        "sequences": {name: ["rgb_center"]},
    }
    (spec,) = list_sequences("railway", dataset).values()
    outputs = [tmp_path / "frames.mkv", tmp_path / "truth.json", tmp_path / "sequence.json"]
    flags = ["--frames-out", "--truth-out", "--info-out"]
    named = [str(word) for pair in zip(flags, outputs, strict=True) for word in pair]
    assert stage(["import", *spec.arguments(), *named]) == 0
    assert "2 frames 40x24, 2 objects, 2 crowd, 0 ignored, 2 clipped" in capsys.readouterr().err
    row = row_of(outputs[2], outputs[0], outputs[1])
    assert [row[key] for key in ("id", "scene", "camera", "frames", "objects")] == [
        f"{name}-rgb_center", "9_station", "rgb_center", "2", "2"
    ]  # fmt: skip
    info = json.loads(outputs[2].read_text("utf-8"))
    assert info["dataset"] == "railway"
    first = [path.read_bytes() for path in outputs]
    assert stage(["import", *spec.arguments(), *named]) == 0
    assert [path.read_bytes() for path in outputs] == first


def test_the_command_by_hand_uses_the_loaders_own_table_of_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rail(tmp_path, "s", rail_labels([[box("road_vehicle", 9, 9, 4, 4, type="car")]]))
    common = ["import", "--loader=osdar23", f"--path={tmp_path}", "--sequence=s"]
    common += ["--camera=rgb_center"]
    out = ["--frames-out", "f.mkv", "--truth-out", "t.json", "--info-out", "i.json"]
    out = [str(tmp_path / word) if "." in word else word for word in out]
    assert stage([*common, *out]) == 0
    assert "1 objects" in capsys.readouterr().err
    assert RULES.classes["road_vehicle:car"] == "car"
    for wrong, words in (
        (["--loader={loader: osdar23, classes: car}"], "option classes is 'car'"),
        (["--loader={loader: osdar23, classes: {car: truck}}"], "'person', 'bicycle' or 'car'"),
        (["--loader={loader: osdar23, year: 2016}"], "has no option 'year'; allowed: classes"),
        (["--loader={gaps: keep}"], "a mapping such as"),
        (["--loader={loader: osdar23, gaps: no}"], "allowed: 'error' or 'keep'"),
        (["--first=-1"], "--first is -1"),
        (["--fps=0"], "--fps is 0"),
        (["--id=a/b"], "--id is 'a/b'"),
    ):
        assert stage([*common, *wrong, *out]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
