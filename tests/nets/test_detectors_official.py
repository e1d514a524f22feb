"""The official detectors and segmenters behind the task stage's interface."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torchvision.models import get_model_weights
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

from vcmflow.core.detections import Detections, Detector
from vcmflow.core.errors import VcmflowError
from vcmflow.core.models import load_model
from vcmflow.core.registry import lookup
from vcmflow.core.video import Frame
from vcmflow.nets.faster_rcnn.network import FasterRcnn, FasterRcnnConfig
from vcmflow.nets.yolact.config import LightSpec, YolactConfig
from vcmflow.nets.yolact.network import Yolact
from vcmflow.nets.yolact.postprocess import NmsSettings
from vcmflow.task.faster_rcnn_x101 import FasterRcnnX101
from vcmflow.task.found import group_size, groups, ranked
from vcmflow.task.registry import DETECTORS, SEGMENTERS, TASKS
from vcmflow.task.torchvision_detectors import _names_for, network, new_name
from vcmflow.task.yolact_plus import YolactPlus

TORCHVISION = sorted(
    name
    for name, where in {**DETECTORS, **SEGMENTERS}.items()
    if "torchvision_detectors" in where.builder
)


def load_detector(
    task: str, name: str, weights: Path | None, device: str, options: dict[str, Any]
) -> Detector:
    instance = yaml.safe_dump({"model": name, **options})
    detector: Detector = load_model(TASKS[task], "model", instance, weights, device, 1)
    return detector


def frames(count: int, height: int = 40, width: int = 56) -> list[Frame]:
    rng = np.random.default_rng(5)
    return list(rng.integers(0, 256, (count, height, width, 3)).astype(np.uint8))


def seeded(make: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make().eval()


def faster_rcnn(group: int) -> FasterRcnnX101:
    shape = FasterRcnnConfig(blocks=(1, 1, 1, 1), groups=1, pyramid=16, hidden=32)
    small = seeded(lambda: FasterRcnn(shape))
    # Untrained scores lie near 1 / 81; sharper ones pass the threshold.
    small.box_head.cls_score.weight.data *= 40
    return FasterRcnnX101(small, "cpu", (64, 96), group)


def yolact(group: int) -> YolactPlus:
    shape = YolactConfig(
        backbone=LightSpec(),
        input_size=(256, 249),
        fpn_width=16,
        prototypes=8,
        proto_convs=1,
        anchor_scales=tuple((side,) for side in (8.0, 16.0, 32.0, 64.0)),
    )
    small = seeded(lambda: Yolact(shape))
    generator = torch.Generator().manual_seed(0)
    small.prediction_layers[0].conf_layer.bias.data.normal_(0, 3, generator=generator)
    small.prediction_layers[0].mask_layer.bias.data += 1
    small.proto_net[-1].bias.data += 0.2
    small.maskiou_net.maskiou_net[10].bias.data += 0.5
    return YolactPlus(small, "cpu", NmsSettings(), 15, 0.15, True, group)


def same(one: Detections, other: Detections) -> None:
    np.testing.assert_array_equal(one.categories, other.categories)
    np.testing.assert_allclose(one.boxes, other.boxes, atol=0.05)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    if one.masks is not None and other.masks is not None:
        assert (one.masks != other.masks).mean() < 1e-3


@pytest.mark.parametrize("make", [faster_rcnn, yolact])
def test_batches_give_what_single_frames_give(make: Any) -> None:
    pictures = [*frames(3), *frames(2, 30, 20)]
    alone: Detector = make(1)
    together: Detector = make(4)
    results = together.detect(pictures)
    assert len(results) == 5 and sum(map(len, results)) > 5
    for picture, result in zip(pictures, results, strict=True):
        assert result.boxes.min(initial=0) >= 0
        assert result.boxes[:, 2].max(initial=0) <= picture.shape[1]
        assert result.boxes[:, 3].max(initial=0) <= picture.shape[0]
        same(alone.detect([picture])[0], result)
    assert together.detect([]) == []


def test_segmenters_give_masks_of_the_frames_size() -> None:
    (found,) = yolact(1).detect(frames(1, 33, 47))
    assert found.masks is not None and found.masks.shape == (len(found), 33, 47) and len(found)
    assert found.masks.any(axis=(1, 2)).all() and len(found) <= 15
    assert found.scores.min() > 0.15


def test_frames_without_objects() -> None:
    segmenter = yolact(1)
    segmenter._score_threshold = 1.0
    (found,) = segmenter.detect(frames(1))
    assert len(found) == 0 and found.masks is not None and found.masks.shape == (0, 40, 56)


def test_ranking_drops_what_has_no_area_and_keeps_ties_in_order() -> None:
    boxes = np.array([[0, 0, 1, 1], [2, 2, 2, 5], [0, 0, 3, 3], [1, 1, 2, 2]], np.float64)
    scores = np.array([0.5, 0.9, 0.7, 0.5])
    found = ranked(boxes, scores, np.array([1, 2, 3, 4]))
    assert found.categories.tolist() == [3, 1, 4]
    masks = np.zeros((4, 2, 2), bool)
    masks[[0, 1]] = True
    assert ranked(boxes, scores, np.array([1, 2, 3, 4]), masks).categories.tolist() == [1]


def test_groups_are_of_one_size() -> None:
    pictures = [*frames(3), *frames(1, 8, 8), *frames(2)]
    assert [len(group) for group in groups(pictures, 2)] == [2, 1, 1, 2]
    assert group_size(None, "cpu") == 1 and group_size(None, "cuda") > 1
    assert group_size(3, "cpu") == 3


@pytest.mark.parametrize(
    ("task", "name", "options", "said"),
    [
        ("detection", "faster_rcnn_x101", {"score_threshold": 1.5}, "less than or equal to 1"),
        ("detection", "faster_rcnn_x101", {"min_size": 900, "max_size": 800}, "is below min_size"),
        ("detection", "faster_rcnn_x101", {"batch": 0}, "greater than or equal to 1"),
        ("segmentation", "yolact_plus_base", {"rescore": 3}, "allowed: a valid boolean"),
        ("segmentation", "yolact_plus_resnet50", {"nms_iou": "low"}, "allowed: a valid number"),
        ("segmentation", "yolact_plus_resnet50", {"size": 3}, "no option 'size'"),
        ("detection", "ssd300_vgg16", {"min_size": 300}, "input size is fixed"),
        ("detection", "fcos_resnet50_fpn", {"detections": 0}, "greater than or equal to 1"),
    ],
)
def test_bad_options_are_named(task: str, name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(VcmflowError, match=said):
        load_detector(task, name, None, "cpu", options)


@pytest.mark.parametrize("name", ["faster_rcnn_x101", "yolact_plus_base", "fcos_resnet50_fpn"])
def test_a_missing_file_is_named(name: str) -> None:
    registry = DETECTORS if name in DETECTORS else SEGMENTERS
    with pytest.raises(VcmflowError, match=r"nowhere.*no such file"):
        lookup(registry, name, "model")(Path("nowhere") / "w.pth", "cpu")


def test_detectron2_says_how_to_get_it() -> None:
    if importlib.util.find_spec("detectron2") is not None:
        pytest.skip("detectron2 is installed here")
    with pytest.raises(VcmflowError, match=r"envs/detectron2\.yaml.*faster_rcnn_x101") as error:
        load_detector("detection", "detectron2", None, "cpu", {})
    assert "\n" not in str(error.value)


class TestTorchvision:
    @pytest.mark.parametrize("name", TORCHVISION)
    def test_networks_are_those_of_the_published_weights(self, name: str) -> None:
        with torch.device("meta"):
            module = network(name)
        published = next(iter(get_model_weights(name))).meta["num_params"]
        assert sum(value.numel() for value in module.parameters()) == published

    @pytest.mark.parametrize("name", TORCHVISION)
    def test_present_names_stay(self, name: str) -> None:
        with torch.device("meta"):
            state = network(name).state_dict()
        assert list(_names_for(name)(state)) == list(state)

    def test_names_of_older_files(self) -> None:
        for old, new in (
            ("backbone.fpn.inner_blocks.2.bias", "backbone.fpn.inner_blocks.2.0.bias"),
            ("rpn.head.conv.weight", "rpn.head.conv.0.0.weight"),
            ("head.regression_head.conv.6.weight", "head.regression_head.conv.3.0.weight"),
            ("roi_heads.mask_head.mask_fcn2.bias", "roi_heads.mask_head.1.0.bias"),
            ("roi_heads.box_head.fc6.bias", "roi_heads.box_head.fc6.bias"),
        ):
            assert new_name(old) == new

    def test_an_older_file_gives_torchvisions_own_result(self, tmp_path: Path) -> None:
        name = "fasterrcnn_mobilenet_v3_large_320_fpn"
        reference = seeded(
            lambda: fasterrcnn_mobilenet_v3_large_320_fpn(
                weights=None, weights_backbone=None, box_score_thresh=0.0
            )
        )
        older = {
            key.replace("_blocks.0.0.", "_blocks.0.")
            .replace("_blocks.1.0.", "_blocks.1.")
            .replace("rpn.head.conv.0.0.", "rpn.head.conv."): value
            for key, value in reference.state_dict().items()
        }
        assert set(older) != set(reference.state_dict())
        torch.save(older, tmp_path / "w.pth")
        (frame,) = frames(1, 100, 140)
        detector = load_detector(
            "detection", name, tmp_path / "w.pth", "cpu", {"score_threshold": 0.0}
        )
        (found,) = detector.detect([frame])
        image = torch.from_numpy(frame).permute(2, 0, 1).float() / 255
        with torch.inference_mode():
            expected = reference([image])[0]
        assert len(found) == len(expected["scores"]) > 10
        np.testing.assert_allclose(found.scores, expected["scores"].numpy(), atol=1e-5)
        np.testing.assert_allclose(found.boxes, expected["boxes"].numpy(), atol=1e-2)
        np.testing.assert_array_equal(found.categories, expected["labels"].numpy())
