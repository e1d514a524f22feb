"""From the importance of pixels to that of blocks, as codecs read it (``core.arrays.Importance``).

ROIM, the region of interest for machines, is the mean over every block; larger blocks, and a share
of the blocks as the region, are options of the codecs that take the map. The thesis gives no
formula; this one is ours.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vcmflow.core.arrays import BLOCK
from vcmflow.core.video import Frame

Pixels = npt.NDArray[np.float32]  # H x W, >= 0
Blocks = npt.NDArray[np.float32]  # ceil(H / 16) x ceil(W / 16), >= 0, mean 1

# Importance of the pixels of a frame (uint8 H x W x 3, RGB), which has this number from 0.
Score = Callable[[Frame, int], Pixels]


def roim(pixels: Pixels) -> Blocks:
    """Importance of every block of 16 px; those at the border are of the pixels that they have.

    Args:
        pixels: H x W, >= 0, of any scale.

    Returns:
        Mean 1; all ones where no pixel has any importance.
    """
    values = np.asarray(pixels, np.float64)
    starts = [np.arange(0, side, BLOCK) for side in values.shape]
    sums = np.add.reduceat(np.add.reduceat(values, starts[0], axis=0), starts[1], axis=1)
    sides = [
        np.minimum(BLOCK, side - start) for start, side in zip(starts, values.shape, strict=True)
    ]
    return scaled(sums / np.outer(*sides))


def scaled(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Values >= 0 with a mean of 1; all ones where all are zero."""
    given = np.asarray(values, np.float64)
    peak = given.max()
    if peak <= 0:
        return np.ones(given.shape, np.float32)
    given = given / peak  # first, so that no mean of tiny values vanishes
    return np.asarray(given / given.mean(), np.float32)
