"""What an object looks like, for telling objects apart where boxes alone do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vcmflow.core.tracks import Box
from vcmflow.core.video import Frame

_LEVELS = 4  # per colour channel
_PARTS = 2  # upper and lower half of the box: coat and trousers, roof and wheels
DIMENSION = _PARTS * _LEVELS**3


def colour_histograms(frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
    """Return one unit vector per box: RGB histograms of its upper and lower half.

    Square roots of the shares are taken, so that the cosine of two vectors is the Bhattacharyya
    coefficient of their histograms.

    Args:
        frame: uint8 H x W x 3, RGB.
        boxes: x, y, width, height in px; what lies outside the frame does not count.

    Returns:
        float32 (boxes, 128).
    """
    height, width = frame.shape[:2]
    vectors = np.zeros((len(boxes), DIMENSION), dtype=np.float32)
    for row, (x, y, w, h) in enumerate(boxes):
        left, right = pixels_of(x, x + w, width)
        edges = [y + h * part / _PARTS for part in range(_PARTS + 1)]
        for part in range(_PARTS):
            top, bottom = pixels_of(edges[part], edges[part + 1], height)
            levels = frame[top:bottom, left:right].reshape(-1, 3).astype(np.int64) * _LEVELS // 256
            codes = (levels[:, 0] * _LEVELS + levels[:, 1]) * _LEVELS + levels[:, 2]
            counts = np.bincount(codes, minlength=_LEVELS**3) / len(codes) / _PARTS
            vectors[row, part * _LEVELS**3 : (part + 1) * _LEVELS**3] = np.sqrt(counts)
    return vectors


def pixels_of(start: float, end: float, size: int) -> tuple[int, int]:
    """Return first and last-but-one pixel of an interval: inside the frame, at least one pixel."""
    first = min(max(int(start), 0), size - 1)
    return first, min(max(int(np.ceil(end)), first + 1), size)
