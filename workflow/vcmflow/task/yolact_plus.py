"""The paper's segmenter: YOLACT++ (ResNet-50 or ResNet-101) with the official weights.

The network is ``vcmflow.nets.yolact``. Weights: github.com/dbolya/yolact (MIT), see
data/weights.csv.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from vcmflow.core.detections import Detections
from vcmflow.core.device import autocast, choose_precision
from vcmflow.core.ranges import Count, NetworkPrecision, Share
from vcmflow.core.video import Frame
from vcmflow.nets.yolact.load import load
from vcmflow.nets.yolact.network import Yolact
from vcmflow.nets.yolact.postprocess import NmsSettings, detect, finish
from vcmflow.task.coco_ids import COCO_IDS
from vcmflow.task.found import AtMost, group_size, groups, ranked


class YolactPlus:
    """The network as a ``Detector`` with masks, of COCO's 80 classes."""

    def __init__(
        self,
        network: Yolact,
        device: str,
        settings: NmsSettings,
        detections: int,
        score_threshold: float,
        rescore: bool,
        group: int,
        precision: str = "fp32",
    ) -> None:
        self._network = network.to(device)
        self._device = device
        self._settings = settings
        self._detections = detections
        self._score_threshold = score_threshold
        self._rescore = rescore
        self._group = group
        self._precision = precision
        self.parameters = sum(value.numel() for value in network.parameters())

    @torch.inference_mode()
    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Segment frames (uint8 H x W x 3, RGB); see ``vcmflow.core.detections.Detector``."""
        results: list[Detections] = []
        for group in groups(frames, self._group):
            pictures = torch.from_numpy(np.stack(group)).to(self._device)
            images = self._network.prepare(pictures)
            with autocast(self._device, self._precision):
                output = self._network(images)
            for index, frame in enumerate(group):
                instances = finish(
                    output.prototypes[index],
                    detect(output, index, self._settings),
                    (frame.shape[0], frame.shape[1]),
                    self._network.maskiou_net,
                    self._score_threshold,
                )
                scores = instances.mask_scores if self._rescore else instances.scores
                best = scores.argsort(descending=True, stable=True)[: self._detections]
                if self._score_threshold > 0:
                    best = best[scores[best] > self._score_threshold]
                results.append(
                    ranked(
                        instances.boxes[best].cpu().numpy(),
                        scores[best].cpu().numpy(),
                        COCO_IDS[instances.classes[best].cpu().numpy()],
                        instances.masks[best].cpu().numpy(),
                    )
                )
        return results


def build(
    name: str,
    weights: Path | None,
    device: str,
    score_threshold: Share = 0.15,
    detections: AtMost = 15,
    rescore: bool = True,
    nms_iou: Share = 0.5,
    across_classes: bool = False,
    batch: Count | None = None,
    precision: NetworkPrecision = "auto",
) -> YolactPlus:
    """Build a segmenter; the defaults are those of the official demonstrations.

    Args:
        name: "yolact_plus_resnet50" or "yolact_plus_base".
        weights: the official ``.pth``; None for fixed random values.
        device: "cpu" or "cuda".
        score_threshold: detections not above this score are dropped, 0..1; 0 drops none, not even
            those whose mask's predicted IoU is 0 (official evaluation).
        detections: at most this many per frame (official evaluation: 100).
        rescore: whether scores are multiplied by the predicted IoU of the mask.
        nms_iou: a box that overlaps a better one by more than this is dropped, 0..1.
        across_classes: whether boxes of other classes count there.
        batch: frames per pass; None: 1 on a CPU, 8 on a GPU.
        precision: "auto" is "fp32", which gives the original's results; "bf16" and "fp16" are
            faster on a GPU and move scores and masks a little.

    Raises:
        VcmflowError: weights that cannot be read or do not fit.
    """
    group = group_size(batch, device)
    settings = NmsSettings(iou=nms_iou, across_classes=across_classes)
    chosen = choose_precision(precision, device, name)
    network = load(name, weights)
    return YolactPlus(
        network, device, settings, detections, score_threshold, rescore, group, chosen
    )


resnet50 = partial(build, "yolact_plus_resnet50")
base = partial(build, "yolact_plus_base")
