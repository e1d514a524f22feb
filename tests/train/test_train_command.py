"""The training command on sequence folders, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from vcmflow.__main__ import stage
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import write_json
from vcmflow.core.rle import encode_mask
from vcmflow.core.video import write_video
from vcmflow.train.models.folders import read_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    write_video(tmp_path / "frames.mkv", rng.integers(0, 256, (2, 96, 128, 3)).astype(np.uint8), 10)
    disc = np.hypot(*np.mgrid[-40:56, -60:68]) < 20
    annotations = [
        {"image_id": 0, "category_id": 3, "bbox": [10, 20, 60, 50], "area": 3000.0},
        {"image_id": 0, "category_id": 1, "bbox": [40, 20, 41, 41], "area": 1200.0}
        | {"segmentation": encode_mask(disc)},
        {"image_id": 0, "category_id": 2, "bbox": [0, 0, 9, 9], "area": 81.0, "iscrowd": 1},
        {"image_id": 1, "category_id": 2, "bbox": [100, 70, 60, 60], "area": 3600.0},
    ]
    write_json(tmp_path / "truth.json", {"annotations": annotations})
    return tmp_path


def test_folders_give_visible_pixels_the_smaller_object_in_front(folder: Path) -> None:
    first, second = read_folder(folder)
    boxes, categories, masks = first.objects(1)
    np.testing.assert_array_equal(categories, [3, 1])
    np.testing.assert_array_equal(boxes[0], [10, 20, 70, 70])
    assert not (masks[0] & masks[1]).any() and masks[1][40, 60]
    np.testing.assert_array_equal(second.objects(1)[0], [[100, 70, 128, 96]])


@pytest.mark.parametrize(
    "change",
    [
        {"bbox": [1, 2, 3]},
        {"category_id": None},
        {"segmentation": {"size": [4, 4], "counts": "0"}},
        {"image_id": "x"},
    ],
)
def test_a_bad_annotation_is_named(folder: Path, change: dict[str, object]) -> None:
    good = {"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12.0}
    write_json(folder / "truth.json", {"annotations": [good | change]})
    with pytest.raises(VcmflowError, match=r"truth\.json"):
        read_folder(folder)


def command(model: str, folder: Path, out: Path, *more: str, **options: object) -> list[str]:
    instance = yaml.safe_dump({"trainee": model, "batch": 2, **options}, default_flow_style=True)
    words = ["train", "--trainee", instance, "--device", "cpu", "--sequences", str(folder)]
    return [*words, "--weights-out", str(out), "--log-out", str(out.with_suffix(".csv")), *more]


@pytest.mark.parametrize("model", ["faster_rcnn_mini", "yolact_mini"])
def test_two_runs_give_the_same_bytes(model: str, folder: Path, tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        out = tmp_path / f"{name}.safetensors"
        more = ("--validation-sequences", str(folder))
        assert stage(command(model, folder, out, *more, steps=2, seed=3)) == 0
        written.append(out.read_bytes() + out.with_suffix(".csv").read_bytes())
    assert written[0] == written[1]


@pytest.mark.workflow
@pytest.mark.parametrize("model", ["faster_rcnn_mini", "yolact_mini"])
def test_two_processes_train_together(model: str, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    more = ("--validation-sequences", str(folder), "--processes", "2")
    words = command(model, folder, out, *more, steps=2)
    subprocess.run([sys.executable, "-m", "vcmflow", "stage", *words], check=True, timeout=300)
    assert out.is_file()


@pytest.mark.parametrize(
    ("options", "more", "said"),
    [
        ({"steps": 0}, ("--validation-sequences", "x"), "option steps is 0; allowed: greater"),
        ({"precision": "float8"}, (), "option precision is 'float8'"),
        ({}, (), "give the option validation_scenes (1 or more) or --validation-sequences"),
        ({"scenes": -3}, ("--validation-sequences", "x"), "option scenes is -3"),
        ({"batch": 0}, ("--validation-sequences", "x"), "option batch is 0"),
        ({"steps": 1, "validation_scenes": 1}, ("--sequences", "nowhere"), "nowhere"),
    ],
)
def test_bad_calls_end_in_one_line(
    options: dict[str, object],
    more: tuple[str, ...],
    said: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "w.safetensors"
    assert stage(command("faster_rcnn_mini", folder, out, *more, **options)) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not out.exists()
