"""Resizing frames to what a network looks at."""

from __future__ import annotations

import cv2
import numpy as np

from vcmflow.core.video import Frame


def fit_short_side(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Return height and width with the shorter of them ``short_side`` px, same aspect ratio."""
    scale = short_side / min(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(frame: Frame, height: int, width: int) -> Frame:
    """Resize a frame, averaging over pixels where it shrinks.

    Args:
        frame: uint8 H x W x 3 or H x W.
        height: px, >= 1.
        width: px, >= 1.
    """
    if frame.shape[:2] == (height, width):
        return frame
    smaller = height <= frame.shape[0] and width <= frame.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(frame, (width, height), interpolation=method), dtype=np.uint8)
