"""Resizing of pictures as detectron2 does it before Faster R-CNN."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vcmflow.core.video import Frame


def resized_shape(height: int, width: int, shortest: int, longest: int) -> tuple[int, int]:
    """Size (height, width) at which the shorter side is ``shortest``, the longer <= ``longest``.

    No side becomes less than a pixel, however long the other one is.
    """
    scale = shortest / min(height, width)
    if height < width:
        new_height, new_width = float(shortest), scale * width
    else:
        new_height, new_width = scale * height, float(shortest)
    if max(new_height, new_width) > longest:
        scale = longest / max(new_height, new_width)
        new_height, new_width = new_height * scale, new_width * scale
    return max(1, int(new_height + 0.5)), max(1, int(new_width + 0.5))


def resize(frame: Frame, size: tuple[int, int]) -> Frame:
    """Resize uint8 H x W x 3 to (height, width): bilinear with antialiasing, rounded to uint8."""
    if frame.shape[:2] == size:
        return frame
    picture = Image.fromarray(np.ascontiguousarray(frame))
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR))
