"""Every registered detector and segmenter, and the shipped weights."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from vcmflow.core.detections import Detector
from vcmflow.core.errors import VcmflowError
from vcmflow.core.models import load_model
from vcmflow.core.registry import check_names, lookup
from vcmflow.core.video import Frame
from vcmflow.task.registry import TASKS
from vcmflow.task.run import detect_video

MODELS = Path(__file__).parents[2] / "models"
MINI = {"faster_rcnn_mini": "detection", "yolact_mini": "segmentation"}
ENTRIES = [(task, name) for task in sorted(TASKS) for name in sorted(TASKS[task])]
SMALL = {*MINI, "fasterrcnn_mobilenet_v3_large_320_fpn", "ssdlite320_mobilenet_v3_large"}
# These build nothing without a file of the user's, or without a package that is not installed here.
NEEDS_MORE = {"onnx", "detectron2"}


def load_detector(
    task: str, name: str, weights: Path | None, device: str, options: Mapping[str, Any]
) -> Detector:
    instance = yaml.safe_dump({"model": name, **options})
    detector: Detector = load_model(TASKS[task], "model", instance, weights, device, 1)
    return detector


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (5, 16, 26, 3))
    return list(np.kron(coarse, np.ones((1, 8, 8, 1), np.int64)).astype(np.uint8))


@pytest.mark.parametrize(("task", "name"), ENTRIES)
def test_every_entry_is_a_builder_of_weights_and_device(task: str, name: str) -> None:
    builder = lookup(TASKS[task], name, "model")
    if not {"weights", "device"} <= set(inspect.signature(builder).parameters):
        pytest.skip("without weights, or another program's")
    assert list(inspect.signature(builder).parameters)[:2] == ["weights", "device"]
    # What the plan reads from the source is what the builder takes.
    given = ["weights", "device"]
    own = {"tracking": ["detector", "tracker"], "action": []}
    options = own.get(task, ["score_threshold", "detections"])
    check_names(TASKS[task], name, "model", options, given)
    with pytest.raises(VcmflowError, match="no option 'name'"):
        check_names(TASKS[task], name, "model", ["name"], given)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        pytest.param(*entry, marks=() if entry[1] in SMALL else pytest.mark.slow)
        for entry in ENTRIES
        if entry[0] in ("detection", "segmentation") and entry[1] not in NEEDS_MORE
    ],
)
def test_every_entry_builds_and_keeps_to_the_interface(
    task: str, name: str, frames: list[Frame]
) -> None:
    detector = load_detector(task, name, None, "cpu", {})
    assert detector.parameters > 10_000
    (found,) = detector.detect(frames[:1])
    height, width = frames[0].shape[:2]
    assert found.boxes.dtype == np.float32 and found.boxes.shape == (len(found), 4)
    assert (found.masks is not None) == (name in TASKS["segmentation"])
    if found.masks is not None:
        assert found.masks.shape == (len(found), height, width)
    if len(found):
        assert found.boxes.min() >= 0
        assert found.boxes[:, [0, 2]].max() <= width and found.boxes[:, [1, 3]].max() <= height
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
        assert found.scores.min() >= 0 and found.scores.max() <= 1
    assert detector.detect([]) == []


@pytest.fixture(scope="module", params=sorted(MINI))
def shipped(request: pytest.FixtureRequest) -> Detector:
    name = request.param
    return load_detector(MINI[name], name, MODELS / f"{name}.safetensors", "cpu", {})


def test_the_batch_size_does_not_change_the_result(shipped: Detector, frames: list[Frame]) -> None:
    expected = list(detect_video(shipped, frames, 1))
    for batch in (2, 3, 5, 10):
        assert list(detect_video(shipped, iter(frames), batch)) == expected


def test_a_flat_picture_has_no_confident_objects(shipped: Detector) -> None:
    (found,) = shipped.detect([np.full((240, 416, 3), 120, np.uint8)])
    assert (found.scores > 0.5).sum() == 0


def test_frames_of_another_size_are_understood(shipped: Detector) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (101, 203, 3)).astype(np.uint8)
    (found,) = shipped.detect([frame])
    if len(found):
        assert found.boxes[:, 2].max() <= 203 and found.boxes[:, 3].max() <= 101


@pytest.mark.parametrize("name", sorted(MINI))
def test_a_threshold_nobody_reaches_gives_empty_results(name: str, frames: list[Frame]) -> None:
    detector = load_detector(MINI[name], name, None, "cpu", {"score_threshold": 1.0})
    assert list(detect_video(detector, frames, 2)) == []


@pytest.mark.parametrize("name", sorted(MINI))
def test_nothing_is_found_below_the_threshold(name: str, frames: list[Frame]) -> None:
    """Also of classes that an anchor has beside its best one."""
    for threshold in (0.05, 0.15, 0.5):
        options = {"score_threshold": threshold}
        detector = load_detector(MINI[name], name, MODELS / f"{name}.safetensors", "cpu", options)
        picture = np.random.default_rng(3).integers(0, 256, (15, 26, 3)).astype(np.uint8)
        busy = [*frames, cv2.resize(picture, (416, 240), interpolation=cv2.INTER_CUBIC)]
        scores = np.concatenate([found.scores for found in detector.detect(busy)])
        assert len(scores) or threshold == 0.5
        assert (scores > threshold).all()


@pytest.mark.parametrize("name", sorted(MINI))
class TestWrongWeights:
    def load(self, name: str, path: Path) -> str:
        with pytest.raises(VcmflowError) as error:
            load_detector(MINI[name], name, path, "cpu", {})
        assert "\n" not in str(error.value)
        return str(error.value)

    def test_missing(self, name: str, tmp_path: Path) -> None:
        assert "no such weights file" in self.load(name, tmp_path / "no.safetensors")

    def test_truncated(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / "cut.safetensors"
        for keep in (5, 1000, -7):
            path.write_bytes((MODELS / f"{name}.safetensors").read_bytes()[:keep])
            assert "damaged weights file" in self.load(name, path)

    def test_of_the_other_model(self, name: str) -> None:
        (other,) = set(MINI) - {name}
        said = self.load(name, MODELS / f"{other}.safetensors")
        assert f"weights of {other}, not {name}" in said

    def test_tensor_missing_misshapen_or_not_finite(self, name: str, tmp_path: Path) -> None:
        good = load_file(MODELS / f"{name}.safetensors")
        path = tmp_path / "changed.safetensors"
        victim = sorted(good)[0]
        changes = {
            "lacks tensor": {key: value for key, value in good.items() if key != victim},
            "unknown tensor": good | {"zzz": torch.zeros(2)},
            "needs": good | {victim: torch.zeros(1, 2, 3)},
            "not finite": good | {victim: torch.full_like(good[victim], float("nan"))},
        }
        for said, tensors in changes.items():
            save_file(tensors, path, {"vcmflow": json.dumps({"model": name})})
            assert said in self.load(name, path)


@pytest.mark.parametrize(
    ("task", "name", "options", "said"),
    [
        ("detection", "nothing", {}, "unknown model 'nothing'; allowed: .*faster_rcnn_mini"),
        ("segmentation", "faster_rcnn_mini", {}, "unknown model"),
        ("detection", "faster_rcnn_mini", {"size": 3}, "no option 'size'; allowed: score_thresh"),
        ("detection", "faster_rcnn_mini", {"score_threshold": 2}, "less than or equal to 1"),
        ("detection", "faster_rcnn_mini", {"detections": 0}, "greater than or equal to 1"),
        ("segmentation", "yolact_mini", {"nms_iou": -1}, "greater than or equal to 0"),
        ("segmentation", "yolact_mini", {"score_threshold": "low"}, "allowed: a valid number"),
    ],
)
def test_bad_settings_are_named(
    task: str, name: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises(VcmflowError, match=said):
        load_detector(task, name, None, "cpu", options)


def test_shipped_weights_are_small() -> None:
    sizes = [path.stat().st_size for path in MODELS.glob("*.safetensors")]
    # A few MB each; together they are what every clone carries.
    assert len(sizes) >= 2 and max(sizes) <= 6_000_000 and sum(sizes) <= 3_000_000 * len(sizes)
