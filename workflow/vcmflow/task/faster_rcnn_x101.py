"""The paper's detector: Faster R-CNN X101-32x8d-FPN with detectron2's weights; and R50-FPN.

The network is ``vcmflow.nets.faster_rcnn``; detectron2 need not be installed. Weights:
``faster_rcnn_X_101_32x8d_FPN_3x`` of detectron2's model zoo (Apache-2.0), see data/weights.csv; for
the second ``faster_rcnn_R_50_FPN_1x`` or ``_3x``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from vcmflow.core.detections import Detections, Result, to_results
from vcmflow.core.device import autocast, choose_precision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import Features
from vcmflow.core.ranges import Count, NetworkPrecision, Share
from vcmflow.core.video import Frame
from vcmflow.nets.faster_rcnn.load import R50_NAME, SIDES, SPACE, load
from vcmflow.nets.faster_rcnn.network import R50, FasterRcnn, FasterRcnnConfig, Found, to_output
from vcmflow.nets.faster_rcnn.resize import resize, resized_shape
from vcmflow.nets.spaces import checked
from vcmflow.task.coco_ids import COCO_IDS
from vcmflow.task.found import AtMost, Side, group_size, groups, ranked

NAME = "faster_rcnn_x101"


class FasterRcnnX101:
    """The network as a ``Detector`` of COCO's 80 classes."""

    def __init__(
        self,
        network: FasterRcnn,
        device: str,
        sides: tuple[int, int],
        group: int,
        precision: str = "fp32",
    ) -> None:
        self._network = network.to(device)
        self._device = device
        self._precision = precision
        self._sides = sides
        self._group = group
        self.parameters = sum(value.numel() for value in network.parameters())

    @torch.inference_mode()
    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect in frames (uint8 H x W x 3, RGB); see ``vcmflow.core.detections.Detector``."""
        results: list[Detections] = []
        for group in groups(frames, self._group):
            output = (group[0].shape[0], group[0].shape[1])
            size = resized_shape(*output, *self._sides)
            pictures = np.stack([resize(frame, size) for frame in group])
            images = self._network.prepare(torch.from_numpy(pictures).to(self._device))
            with autocast(self._device, self._precision):
                batch = self._network(images, size)
            results += [_detections(found, size, output) for found in batch]
        return results

    @torch.inference_mode()
    def run(self, features: Iterable[Features]) -> Iterator[Result]:
        """Go on from ResNet-50's maps at stride 4; one frame at a time.

        Args:
            features: of each frame ``faster_rcnn_r50.res2``, float32 (256, h, w) of the resized and
                padded frame, and ``size``, height and width of the frame.

        Raises:
            VcmflowError: features of something else.
        """
        for number, given in enumerate(features):
            maps, height, width = checked(given, SPACE, f"frame {number}")
            size = resized_shape(height, width, *SIDES)
            x = torch.from_numpy(np.array(maps, np.float32))[None].to(self._device)
            with autocast(self._device, self._precision):
                (found,) = self._network.from_features(x, size)
            yield from to_results(number, _detections(found, size, (height, width)))


def _detections(found: Found, size: tuple[int, int], output: tuple[int, int]) -> Detections:
    """What was found in a picture of ``size``, in a frame of ``output`` (height, width)."""
    final = to_output(found, size, output)
    return ranked(
        final.boxes.cpu().numpy(),
        final.scores.cpu().numpy(),
        COCO_IDS[final.classes.cpu().numpy()],
    )


def build(
    weights: Path | None,
    device: str,
    score_threshold: Share = 0.05,
    detections: AtMost = 100,
    min_size: Side = 800,
    max_size: Side = 1333,
    batch: Count | None = None,
    precision: NetworkPrecision = "auto",
) -> FasterRcnnX101:
    """Build the detector; the defaults are detectron2's.

    Args:
        weights: ``model_final_68b088.pkl``; None for fixed random values.
        device: "cpu" or "cuda".
        score_threshold: detections not above this score are dropped, 0..1.
        detections: at most this many per frame.
        min_size: frames are resized so that their shorter side has this many pixels, ...
        max_size: ... unless the longer one would then exceed this many.
        batch: frames per pass; None: 1 on a CPU, 8 on a GPU.
        precision: "auto" is "fp32", which gives the original's results; "bf16" and "fp16" are
            faster on a GPU and move scores and boxes a little.

    Raises:
        VcmflowError: weights that cannot be read or do not fit.
    """
    if max_size < min_size:
        raise VcmflowError(f"{NAME}: max_size = {max_size} is below min_size = {min_size}")
    config = FasterRcnnConfig(score_threshold=score_threshold, detections=detections)
    group = group_size(batch, device)
    chosen = choose_precision(precision, device, NAME)
    return FasterRcnnX101(load(weights, config), device, (min_size, max_size), group, chosen)


def r50(
    weights: Path | None,
    device: str,
    score_threshold: Share = 0.05,
    detections: AtMost = 100,
    batch: Count | None = None,
    precision: NetworkPrecision = "auto",
) -> FasterRcnnX101:
    """Build detectron2's R50-FPN, which can go on from features; frames are resized as there.

    Args:
        weights: ``model_final_*.pkl`` of ``faster_rcnn_R_50_FPN_1x`` or ``_3x``; None for fixed
            random values.
        device: "cpu" or "cuda".
        score_threshold: detections not above this score are dropped, 0..1.
        detections: at most this many per frame.
        batch: frames per pass; None: 1 on a CPU, 8 on a GPU.
        precision: as of ``build``.

    Raises:
        VcmflowError: weights that cannot be read or do not fit.
    """
    config = replace(R50, score_threshold=score_threshold, detections=detections)
    chosen = choose_precision(precision, device, R50_NAME)
    network = load(weights, config, R50_NAME)
    return FasterRcnnX101(network, device, SIDES, group_size(batch, device), chosen)
