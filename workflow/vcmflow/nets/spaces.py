"""Feature spaces: maps of networks' first stages, and how they lie over a frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import Features
from vcmflow.nets import deeplab, faster_rcnn_mini
from vcmflow.nets.faster_rcnn import load as faster_rcnn
from vcmflow.nets.faster_rcnn.resize import resized_shape
from vcmflow.nets.yolact import mini as yolact_mini

STRIDE = 4  # px of the resized frame per cell, in all of them
_LARGEST = 2**14  # px of a frame's side


@dataclass(frozen=True)
class Space:
    """Maps at stride 4 of one network.

    Attributes:
        channels: of a map.
        resized: a frame's height and width -> those that the network resizes it to, in px.
        step: heights and widths of maps are multiples of this; what is beyond the frame is padding.
    """

    channels: int
    resized: Callable[[int, int], tuple[int, int]]
    step: int = 1

    def shown(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of a map that show a frame of this size."""
        rows, columns = (math.ceil(side / STRIDE) for side in self.resized(height, width))
        return rows, columns

    def shape(self, height: int, width: int) -> tuple[int, int, int]:
        """The whole map of such a frame."""
        rows, columns = (-(-side // self.step) * self.step for side in self.shown(height, width))
        return self.channels, rows, columns


SPACES: Mapping[str, Space] = {
    faster_rcnn_mini.SPACE: Space(
        faster_rcnn_mini.Shape().widths[1], faster_rcnn_mini.resized, step=8
    ),
    faster_rcnn.SPACE: Space(
        256, lambda height, width: resized_shape(height, width, *faster_rcnn.SIDES), step=8
    ),
    deeplab.SPACE: Space(deeplab.CHANNELS, lambda height, width: (height, width)),
    yolact_mini.SPACE: Space(yolact_mini.WIDTHS[1], lambda *_: yolact_mini.CONFIG.input_size),
}


def checked(given: Features, space: str, where: str) -> tuple[npt.NDArray[Any], int, int]:
    """The map of a space, and the height and width of the frame that it is of.

    Args:
        given: ``space`` -> (C, h, w), and ``size``: height and width.
        space: in ``SPACES``.
        where: what error messages begin with.

    Raises:
        VcmflowError: they are not there, or do not fit each other.
    """
    channels = SPACES[space].channels
    maps, size = given.get(space, np.zeros(0)), given.get("size", np.zeros(0)).ravel().tolist()
    right = maps.ndim == 3 and maps.shape[0] == channels and maps.size > 0 and len(size) == 2
    if not right or not all(0 < side < _LARGEST for side in size):
        raise VcmflowError(f"{where}: has no features {space!r} ({channels}, h, w) and 'size'")
    height, width = (int(side) for side in size)
    if maps.shape != SPACES[space].shape(height, width):
        raise VcmflowError(
            f"{where}: maps of {maps.shape[2]}x{maps.shape[1]} are not those of a frame of "
            f"{width}x{height}"
        )
    return maps, height, width
