"""Segmenter ``yolact_mini``: a small YOLACT, trained from scratch on rendered scenes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from vcmflow.core.detections import Detections, Result, no_detections, to_results
from vcmflow.core.features import Features
from vcmflow.core.ranges import Share
from vcmflow.core.video import Frame
from vcmflow.nets.fuse import fold_batch_norms
from vcmflow.nets.spaces import checked
from vcmflow.nets.weights import fixed_weights, load_halves
from vcmflow.nets.yolact.mini import CATEGORIES, CONFIG, NAME, SPACE
from vcmflow.nets.yolact.network import Yolact, YolactOutput
from vcmflow.nets.yolact.postprocess import NmsSettings, detect, finish
from vcmflow.task.found import AtMost


class MiniYolact:
    """The trained network as a ``Detector`` with masks."""

    def __init__(self, model: Yolact, device: str, settings: NmsSettings) -> None:
        self._model = fold_batch_norms(model).to(device)
        self._model.to(memory_format=torch.channels_last)
        self._device = device
        self._settings = settings
        self.parameters = sum(value.numel() for value in model.parameters())

    @torch.inference_mode()
    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Segment frames (uint8 H x W x 3, RGB); see ``vcmflow.core.detections.Detector``.

        Frames pass one at a time, so that the batch cannot change the rounding.
        """
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> Detections:
        picture = torch.from_numpy(np.array(frame)[None]).to(self._device)
        output = self._model(self._model.prepare(picture))
        return self._finish(output, frame.shape[:2])

    @torch.inference_mode()
    def run(self, features: Iterable[Features]) -> Iterator[Result]:
        """Go on from the maps at stride 4; one frame at a time.

        Args:
            features: of each frame ``yolact_mini.res2``, float32 (32, 60, 104), and ``size``,
                height and width of the frame.

        Raises:
            VcmflowError: features of something else.
        """
        for number, given in enumerate(features):
            maps, *size = checked(given, SPACE, f"frame {number}")
            x = torch.from_numpy(np.array(maps, np.float32))[None].to(self._device)
            output = self._model.from_features(x.contiguous(memory_format=torch.channels_last))
            yield from to_results(number, self._finish(output, tuple(size)))

    def _finish(self, output: YolactOutput, size: tuple[int, ...]) -> Detections:
        height, width = size
        raw = detect(output, 0, self._settings)
        # Of an anchor that is kept, the classes that it most likely is not are there, too.
        threshold = self._settings.confidence
        instances = finish(output.prototypes[0], raw, (height, width), None, threshold)
        boxes = instances.boxes.cpu().numpy().astype(np.float32)
        masks = instances.masks.cpu().numpy()
        scores = instances.scores.cpu().numpy().astype(np.float32)
        classes = instances.classes.cpu().numpy()
        keep = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]) & masks.any(axis=(1, 2))
        order = np.argsort(-scores, kind="stable")
        order = order[keep[order]]
        if len(order) == 0:
            return no_detections((height, width))
        categories = np.array(CATEGORIES, np.int64)[classes[order]]
        return Detections(boxes[order], scores[order], categories, masks[order])


def build(
    weights: Path | None,
    device: str,
    score_threshold: Share = 0.15,
    detections: AtMost = 50,
    nms_iou: Share = 0.5,
) -> MiniYolact:
    """Build the segmenter.

    Args:
        weights: safetensors file from ``vcmflow stage train``; None for fixed random values.
        device: "cpu" or "cuda".
        score_threshold: detections not above this score are dropped, 0..1; the published networks
            have the same.
        detections: at most this many per frame.
        nms_iou: a box that overlaps a better one of its class by more than this is dropped, 0..1.

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    model = Yolact(CONFIG).eval()
    if weights is None:
        fixed_weights(model)
    else:
        load_halves(weights, model, NAME)
    settings = NmsSettings(confidence=score_threshold, iou=nms_iou, detections=detections)
    return MiniYolact(model, device, settings)
