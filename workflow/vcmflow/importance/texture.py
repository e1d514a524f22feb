"""Control ``texture``: energy of the luma's gradient, what any encoder could see by itself."""

from __future__ import annotations

import cv2
import numpy as np

from vcmflow.core.video import Frame
from vcmflow.importance.maps import Pixels, Score


def gradient_energy(frame: Frame, index: int = 0) -> Pixels:  # noqa: ARG001 - as every score
    """Squared gradient of the BT.601 luma by central differences, (grey levels / px)^2.

    A constant added to the frame changes nothing.
    """
    luma = frame.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    across, down = (
        cv2.Sobel(luma, cv2.CV_32F, dx, 1 - dx, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE)
        for dx in (1, 0)
    )
    return np.asarray(across**2 + down**2, np.float32)


def build() -> Score:
    """Build the map."""
    return gradient_energy
