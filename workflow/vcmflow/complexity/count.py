"""Counting parameters and operations of what the samplers run on every frame (Table 7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vcmflow.core.detections import Detector
from vcmflow.core.embedding import Embedder
from vcmflow.core.operations import multiply_accumulates
from vcmflow.core.video import Frame


@dataclass(frozen=True)
class Cost:
    """What a sampler's network costs.

    Attributes:
        parameters_millions: trained values / 1e6.
        gmacs_per_frame: 1e9 multiply-accumulates per frame. The paper's 1.82 for ResNet-18 at
            224 x 224 counts the same way; its 104.70 for YOLOv7 counts each as two.
        input_width: px of what the network is given: the shrunk frame for an embedder, the frame
            itself for a detector, which resizes it on its own.
        input_height: px.
    """

    parameters_millions: float
    gmacs_per_frame: float
    input_width: int
    input_height: int


def embedder_cost(embedder: Embedder, frame: Frame) -> Cost:
    """Return the cost of embedding frames like ``frame`` (uint8 H x W x 3).

    The embedding layer's multiplications (dimension x 512 = 0.00007 G) are written row by row and
    escape the counter.
    """
    prepared = embedder.prepare(frame)
    pair = multiply_accumulates(lambda: embedder.embed([prepared, prepared]))
    return _cost(embedder.parameters, pair / 2, prepared)


def gmacs_at(embedder: Embedder, size: int) -> float:
    """Return 1e9 multiply-accumulates for an input of size x size px, as papers state for 224."""
    black = np.zeros((size, size, 3), np.uint8)
    pair = multiply_accumulates(lambda: embedder.embed([black, black]))
    return round(pair / 2e9, 4)


def detector_cost(detector: Detector, frame: Frame) -> Cost:
    """Return the cost of detecting in ``frame`` (uint8 H x W x 3); it depends on the proposals."""
    total = multiply_accumulates(lambda: detector.detect([frame]))
    return _cost(detector.parameters, total, frame)


def _cost(parameters: int, operations: float, picture: Frame) -> Cost:
    return Cost(
        parameters_millions=round(parameters / 1e6, 4),
        gmacs_per_frame=round(operations / 1e9, 4),
        input_width=picture.shape[1],
        input_height=picture.shape[0],
    )
