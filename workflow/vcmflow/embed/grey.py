"""Embedding ``grey``: the frame as a tiny grey picture. Costs next to nothing, and is strong."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from vcmflow.core.embedding import Embeddings
from vcmflow.core.ranges import Count
from vcmflow.core.resize import resize
from vcmflow.core.video import Frame


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


def build(width: Count = 32, height: Count = 18) -> GreyPixels:
    """Build the embedder.

    Args:
        width: px.
        height: px.
    """
    return GreyPixels(width, height)
