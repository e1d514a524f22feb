"""The sequence table, the import command, and tables against their schemas."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from data_makers import box, rail_labels, write_rail

from vcmflow.__main__ import main
from vcmflow.core.errors import VcmflowError
from vcmflow.data.osdar23 import Osdar23
from vcmflow.data.sequences import list_sequences
from vcmflow.data.table import COLUMNS, SequenceRow, read_table, row_of, write_table

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "workflow" / "schemas"
ROW = SequenceRow(
    id="a-b",
    dataset="own",
    scene="a",
    camera="",
    fps=12.5,
    frames=4,
    width=40,
    height=24,
    task="detection",
    ground_truth="pseudo",
    objects=0,
    frames_path="results/x y/frames.mkv",
    truth_path='results/"x",y/truth.json',
)


def schema(name: str) -> dict[str, Any]:
    rules: dict[str, Any] = yaml.safe_load((SCHEMAS / name).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(rules)
    return rules


def typed(row: dict[str, str], rules: dict[str, Any]) -> dict[str, Any]:
    """A CSV row as Snakemake's validation sees it: numbers as numbers, empty cells left out."""
    kinds = {"integer": int, "number": float}
    return {
        key: kinds.get(rules["properties"][key].get("type"), str)(value)
        for key, value in row.items()
        if value != ""
    }


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    rows = [ROW, replace(ROW, id="c", camera="rgb_center", objects=7)]
    write_table(tmp_path / "sequences.csv", rows)
    assert read_table(tmp_path / "sequences.csv") == rows


def test_the_schema_of_the_sequence_table_agrees_with_the_code(tmp_path: Path) -> None:
    rules = schema("sequences.schema.yaml")
    assert tuple(rules["properties"]) == COLUMNS
    write_table(tmp_path / "sequences.csv", [ROW])
    with (tmp_path / "sequences.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            jsonschema.validate(typed(row, rules), rules)


def test_the_table_of_downloads_keeps_to_its_schema() -> None:
    rules = schema("datasets.schema.yaml")
    with (ROOT / "data/datasets.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert set(reader.fieldnames or ()) == set(rules["properties"])
        for row in reader:
            jsonschema.validate(typed(row, rules), rules)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "-x"}, "line 2: id is '-x'"),
        ({"fps": "0"}, "line 2: fps"),
        ({"fps": "fast"}, "line 2: fps"),
        ({"frames": "0"}, "line 2: frames is '0'"),
        ({"frames": "2.5"}, "line 2: frames"),
        ({"task": "tracking"}, "line 2: task is 'tracking'; allowed: detection"),
        ({"ground_truth": ""}, "line 2: ground_truth"),
    ],
)
def test_a_wrong_cell_is_one_line(change: dict[str, str], words: str, tmp_path: Path) -> None:
    path = tmp_path / "sequences.csv"
    write_table(path, [ROW])
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row | change for row in csv.DictReader(file)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(VcmflowError, match=words):
        read_table(path)


def test_other_columns_and_double_ids_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sequences.csv"
    with pytest.raises(VcmflowError, match="two sequences of 'own' have the id 'a-b'"):
        write_table(path, [ROW, ROW])
    assert not path.exists()
    write_table(path, [ROW, replace(ROW, dataset="other")])
    path.write_text(path.read_text("utf-8").replace("fps", "rate"), "utf-8")
    with pytest.raises(VcmflowError, match="columns are id, dataset"):
        read_table(path)


def test_the_command_imports_and_tables_what_planning_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "9_station_9.2"
    labels = rail_labels([[box("person", 1, 10, 4, 4), box("crowd", 9, 9, 4, 4)]] * 2)
    write_rail(tmp_path / "data", name, labels)
    dataset = {
        "loader": "osdar23",
        "path": str(tmp_path / "data"),
        "task": "detection",
        "sequences": {name: ["rgb_center"]},
    }
    (spec,) = list_sequences("railway", dataset).values()
    outputs = [tmp_path / "frames.mkv", tmp_path / "truth.json", tmp_path / "sequence.json"]
    flags = ["--frames-out", "--truth-out", "--info-out"]
    named = [str(word) for pair in zip(flags, outputs, strict=True) for word in pair]
    assert main(["import", *spec.arguments(), *named]) == 0
    assert "2 frames 40x24, 2 objects, 2 crowd, 0 ignored, 2 clipped" in capsys.readouterr().err
    row = row_of(outputs[2], outputs[0], outputs[1])
    assert (row.id, row.scene, row.camera) == (f"{name}-rgb_center", "9_station", "rgb_center")
    assert (row.frames, row.objects) == (2, 2)
    info = json.loads(outputs[2].read_text("utf-8"))
    assert info["dataset"] == "railway"
    first = [path.read_bytes() for path in outputs]
    assert main(["import", *spec.arguments(), *named]) == 0
    assert [path.read_bytes() for path in outputs] == first


def test_the_command_by_hand_uses_the_loaders_own_table_of_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rail(tmp_path, "s", rail_labels([[box("road_vehicle", 9, 9, 4, 4, type="car")]]))
    common = ["import", "--loader=osdar23", f"--path={tmp_path}", "--sequence=s"]
    common += ["--camera=rgb_center", "--task=detection"]
    out = ["--frames-out", "f.mkv", "--truth-out", "t.json", "--info-out", "i.json"]
    out = [str(tmp_path / word) if "." in word else word for word in out]
    assert main([*common, *out]) == 0
    assert "1 objects" in capsys.readouterr().err
    assert Osdar23.labels.classes["road_vehicle:car"] == "car"
    for wrong, words in (
        (["--class=car"], "label=class"),
        (["--class=car=truck"], "classes: person, bicycle, car"),
        (["--first=-1"], "--first is -1"),
        (["--fps=0"], "--fps is 0"),
        (["--id=a/b"], "--id is 'a/b'"),
        (["--task=segmentation"], "detection, none"),
        (["--option=gaps"], "key=value"),
    ):
        assert main([*common, *wrong, *out]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
