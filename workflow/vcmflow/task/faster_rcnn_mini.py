"""Detector ``faster_rcnn_mini``: a small Faster R-CNN, trained from scratch on rendered scenes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torchvision.models.detection.faster_rcnn import FasterRCNN

from vcmflow.core.detections import Detections, Result, no_detections, to_results
from vcmflow.core.features import Features
from vcmflow.core.ranges import Share
from vcmflow.core.video import Frame
from vcmflow.nets.faster_rcnn_mini import CATEGORIES, NAME, SPACE, Shape, network
from vcmflow.nets.fuse import fold_batch_norms
from vcmflow.nets.spaces import checked
from vcmflow.nets.weights import fixed_weights, load_halves
from vcmflow.task.found import AtMost


class MiniFasterRcnn:
    """The trained network as a ``Detector`` of persons, bicycles and cars."""

    def __init__(self, model: FasterRCNN, device: str) -> None:
        self._model = fold_batch_norms(model.eval()).to(device, memory_format=torch.channels_last)
        self._device = device
        self.parameters = sum(value.numel() for value in model.parameters())

    @torch.inference_mode()
    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect in frames (uint8 H x W x 3, RGB); see ``vcmflow.core.detections.Detector``.

        Frames pass one at a time: on a CPU that is as fast as batches, and the arithmetic library
        is free to round differently for other batch sizes.
        """
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> Detections:
        image = torch.from_numpy(np.array(frame)).to(self._device).permute(2, 0, 1).float() / 255
        return _detections(self._model([image])[0], frame.shape[:2])

    @torch.inference_mode()
    def run(self, features: Iterable[Features]) -> Iterator[Result]:
        """Go on from the maps at stride 4, as codecs give them; one frame at a time.

        Args:
            features: of each frame ``faster_rcnn_mini.res2``, float32 (32, h, w) of the resized and
                padded frame, and ``size``, height and width of the frame.

        Raises:
            VcmflowError: features of something else.
        """
        for number, given in enumerate(features):
            yield from to_results(number, self._continue(given, f"frame {number}"))

    def _continue(self, given: Features, where: str) -> Detections:
        maps, *size = checked(given, SPACE, where)
        # What the detector would have made of a frame of this size, as far as the rest asks.
        blank = torch.zeros(1, device=self._device).expand(3, *size)
        images, _ = self._model.transform([blank])
        x = torch.from_numpy(np.array(maps, np.float32))[None].to(self._device)
        levels = self._model.backbone.from_features(x.contiguous(memory_format=torch.channels_last))
        proposals, _ = self._model.rpn(images, levels)
        found, _ = self._model.roi_heads(levels, proposals, images.image_sizes)
        scaled = self._model.transform.postprocess(found, images.image_sizes, [tuple(size)])
        return _detections(scaled[0], tuple(size))


def _detections(found: dict[str, torch.Tensor], size: tuple[int, ...]) -> Detections:
    """The network's detections in a frame of height and width, best first."""
    height, width = size
    # Scaled back from the network's size, an edge can end a rounding error outside.
    limits = np.array([width, height, width, height], np.float32)
    boxes = np.clip(found["boxes"].cpu().numpy().astype(np.float32), 0, limits)
    scores = found["scores"].cpu().numpy().astype(np.float32)
    labels = found["labels"].cpu().numpy()
    keep = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    order = np.argsort(-scores, kind="stable")
    order = order[keep[order]]
    if len(order) == 0:
        return no_detections()
    categories = np.array((0, *CATEGORIES), np.int64)[labels[order]]
    return Detections(boxes[order], scores[order], categories)


def build(
    weights: Path | None,
    device: str,
    score_threshold: Share = 0.05,
    detections: AtMost = 100,
    proposals: AtMost = 200,
) -> MiniFasterRcnn:
    """Build the detector.

    Args:
        weights: safetensors file from ``vcmflow stage train``; None for fixed random values.
        device: "cpu" or "cuda".
        score_threshold: detections below this score are dropped, 0..1.
        detections: at most this many per frame.
        proposals: at most this many proposals per frame reach the box head.

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    model = network(Shape(proposals=proposals), score_threshold, detections)
    if weights is None:
        fixed_weights(model)
    else:
        load_halves(weights, model, NAME)
    return MiniFasterRcnn(model, device)
