"""torchvision's detectors and segmenters trained on COCO, by their names there.

Nothing is downloaded: the weights file (data/weights.csv says where it is) is given by its path.
torchvision and its weights are under the BSD-3-Clause licence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.ops import FrozenBatchNorm2d

from vcmflow.core.detections import Detections
from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Count, Share
from vcmflow.core.video import Frame
from vcmflow.nets.checkpoint import build as build_network
from vcmflow.task.found import AtMost, Side, group_size, groups, ranked

# COCO's categories, with background (0) and the unused ids: labels are category ids.
CLASSES = 91

# Backbones whose batch normalisation is frozen in the published weights -> the epsilon there.
FROZEN_EPSILON: dict[str, float] = {
    "fasterrcnn_mobilenet_v3_large_320_fpn": 1e-5,
    "fasterrcnn_mobilenet_v3_large_fpn": 1e-5,
    "fasterrcnn_resnet50_fpn": 0.0,
    "fcos_resnet50_fpn": 1e-5,
    "maskrcnn_resnet50_fpn": 0.0,
    "retinanet_resnet50_fpn": 0.0,
}

# What two families of detectors call the same thresholds, in the order score, NMS, count.
TWO_STAGE = ("box_score_thresh", "box_nms_thresh", "box_detections_per_img")
ONE_STAGE = ("score_thresh", "nms_thresh", "detections_per_img")


# Files from before torchvision 0.13 -> the names since then.
_RENAMES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"(.*\.(?:inner|layer)_blocks\.\d+|rpn\.head\.conv)\.(weight|bias)"),
        lambda m: f"{m[1]}.0.{m[2]}" if "_blocks" in m[1] else f"{m[1]}.0.0.{m[2]}",
    ),
    (
        re.compile(r"(head\.(?:classification|regression)_head\.conv)\.(\d)\.(weight|bias)"),
        lambda m: f"{m[1]}.{int(m[2]) // 2}.0.{m[3]}",
    ),
    (
        re.compile(r"(.*mask_head)\.mask_fcn(\d)\.(weight|bias)"),
        lambda m: f"{m[1]}.{int(m[2]) - 1}.0.{m[3]}",
    ),
)


def new_name(name: str) -> str:
    """A tensor's present name in torchvision, from its name in an older file."""
    for pattern, rename in _RENAMES:
        match = pattern.fullmatch(name)
        if match:
            return rename(match)
    return name


def _freeze(module: nn.Module, epsilon: float) -> None:
    """Replace the batch normalisations below a module by frozen ones."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(child.num_features, eps=epsilon)
            frozen.load_state_dict(child.state_dict(), strict=True, assign=True)
            setattr(module, name, frozen)
        else:
            _freeze(child, epsilon)


def network(name: str, **options: Any) -> nn.Module:
    """Make torchvision's network of this name for COCO, as its published weights need it."""
    module: nn.Module = get_model(
        name, weights=None, weights_backbone=None, num_classes=CLASSES, **options
    )
    if name in FROZEN_EPSILON and isinstance(module.backbone, nn.Module):
        _freeze(module.backbone, FROZEN_EPSILON[name])
    return module


def _names_for(name: str) -> Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]:
    # FCOS has plain layers under names that elsewhere are the old ones.
    if name.startswith("fcos"):
        return dict
    return lambda state: {new_name(key): value for key, value in state.items()}


class TorchvisionDetector:
    """A torchvision network as a ``Detector`` of COCO's 80 classes."""

    def __init__(self, module: nn.Module, device: str, group: int, with_masks: bool) -> None:
        self._module = module.to(device)
        self._device = device
        self._group = group
        self._with_masks = with_masks
        self.parameters = sum(value.numel() for value in module.parameters())

    @torch.inference_mode()
    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect in frames (uint8 H x W x 3, RGB); see ``vcmflow.core.detections.Detector``.

        Raises:
            VcmflowError: a frame so long and narrow that nothing of it is left after resizing.
        """
        results: list[Detections] = []
        for group in groups(frames, self._group):
            self._check_shape(*group[0].shape[:2])
            pictures = torch.from_numpy(np.stack(group)).to(self._device)
            images = pictures.permute(0, 3, 1, 2).float() / 255
            for found in self._module(list(images)):
                masks = found["masks"][:, 0] > 0.5 if self._with_masks else None
                results.append(
                    ranked(
                        found["boxes"].cpu().numpy(),
                        found["scores"].cpu().numpy(),
                        found["labels"].cpu().numpy(),
                        None if masks is None else masks.cpu().numpy(),
                    )
                )
        return results

    def _check_shape(self, height: int, width: int) -> None:
        """Refuse frames whose shorter side torchvision would resize to less than a pixel."""
        transform: Any = self._module.transform
        if transform.fixed_size is None:
            # torchvision cuts fractions of a pixel off.
            short, long = min(height, width), max(height, width)
            limit = int(transform.max_size)
            if short * limit < long:
                raise VcmflowError(
                    f"frames of {width}x{height} vanish when their longer side is resized to "
                    f"{limit} pixels; allowed: sides at most 1 : {limit}, or set max_size"
                )


def build(
    name: str,
    weights: Path | None,
    device: str,
    score_threshold: Share = 0.05,
    detections: AtMost = 100,
    nms_iou: Share = 0.5,
    min_size: Side | None = None,
    max_size: Side | None = None,
    batch: Count | None = None,
) -> TorchvisionDetector:
    """Build a detector or segmenter.

    Args:
        name: torchvision's name of it.
        weights: torchvision's ``.pth`` for COCO; None for fixed random values.
        device: "cpu" or "cuda".
        score_threshold: detections not above this score are dropped, 0..1.
        detections: at most this many per frame.
        nms_iou: a box that overlaps a better one of its class by more than this is dropped, 0..1.
        min_size: pixels of the shorter side after resizing; None: torchvision's default.
        max_size: limit of the longer side; None: torchvision's default.
        batch: frames per pass; None: 1 on a CPU, 8 on a GPU.

    Raises:
        VcmflowError: an option out of range or not known to this network, or weights that cannot
            be read or do not fit.
    """
    names = TWO_STAGE if "rcnn" in name else ONE_STAGE
    options: dict[str, Any] = dict(
        zip(names, (score_threshold, nms_iou, int(detections)), strict=True)
    )
    for key, value in (("min_size", min_size), ("max_size", max_size)):
        if value is None:
            continue
        if name.startswith("ssd"):
            raise VcmflowError(f"{name}: has no {key}; its input size is fixed")
        options[key] = int(value)
    group = group_size(batch, device)
    module = build_network(lambda: network(name, **options), weights, name, _names_for(name))
    return TorchvisionDetector(module, device, group, name.startswith("maskrcnn"))


fasterrcnn_mobilenet_v3_large_320_fpn = partial(build, "fasterrcnn_mobilenet_v3_large_320_fpn")
fasterrcnn_mobilenet_v3_large_fpn = partial(build, "fasterrcnn_mobilenet_v3_large_fpn")
fasterrcnn_resnet50_fpn = partial(build, "fasterrcnn_resnet50_fpn")
fasterrcnn_resnet50_fpn_v2 = partial(build, "fasterrcnn_resnet50_fpn_v2")
fcos_resnet50_fpn = partial(build, "fcos_resnet50_fpn")
maskrcnn_resnet50_fpn = partial(build, "maskrcnn_resnet50_fpn")
maskrcnn_resnet50_fpn_v2 = partial(build, "maskrcnn_resnet50_fpn_v2")
retinanet_resnet50_fpn = partial(build, "retinanet_resnet50_fpn")
retinanet_resnet50_fpn_v2 = partial(build, "retinanet_resnet50_fpn_v2")
ssd300_vgg16 = partial(build, "ssd300_vgg16")
ssdlite320_mobilenet_v3_large = partial(build, "ssdlite320_mobilenet_v3_large")
