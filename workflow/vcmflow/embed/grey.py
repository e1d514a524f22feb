"""Embedding ``grey``: the frame as a tiny grey picture. Costs next to nothing, and is strong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.embed.shrink import resize
from vcmflow.embed.types import Embeddings


class GreyPixels:
    """Grey pixels (BT.601 luma) of the frame shrunk to ``width`` x ``height``, in 0..1."""

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._height = height

    @property
    def dimension(self) -> int:
        """One value per pixel."""
        return self._width * self._height

    @property
    def parameters(self) -> int:
        """Nothing is trained."""
        return 0

    def prepare(self, frame: Frame) -> Frame:
        """Shrink, then drop the colour: uint8 H x W x 3 to uint8 h x w."""
        small = resize(frame, self._height, self._width)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)

    def embed(self, prepared: Sequence[Frame]) -> Embeddings:
        """Flatten: k pictures to float32 k x (h w)."""
        return np.stack(prepared).reshape(len(prepared), -1).astype(np.float32) / np.float32(255)


def build(
    weights: Path | None, device: str = "cpu", width: int = 32, height: int = 18
) -> GreyPixels:
    """Build the embedder.

    Args:
        weights: must be None; there is nothing to load.
        device: ignored: it runs on the CPU.
        width: px, >= 1.
        height: px, >= 1.

    Raises:
        VcmflowError: weights are given, or a size below 1.
    """
    del device
    if weights is not None:
        raise VcmflowError(f"embedding 'grey' takes no weights, got {weights}")
    if width < 1 or height < 1:
        raise VcmflowError(f"embedding 'grey': size {width}x{height}; both must be 1 or more")
    return GreyPixels(width, height)
