"""From the importance of pixels to that of blocks, as codecs read it (``core.arrays.Importance``).

ROIM, the region of interest for machines: the mean over every block, and above a threshold where
one is asked for. The thesis gives no formula; this one is ours.
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


def roim(pixels: Pixels, block: int = BLOCK, threshold: float | None = None) -> Blocks:
    """Importance of every block of 16 px.

    Args:
        pixels: H x W, >= 0, of any scale.
        block: px, a multiple of 16: blocks of 16 px inside one of this size share its mean. Blocks
            at the border are of the pixels that they have.
        threshold: share of the blocks that are left out: those at or above this quantile get one
            importance, the others none; None keeps the means.

    Returns:
        Mean 1; all ones where no pixel has any importance.
    """
    means = _means(np.asarray(pixels, np.float64), block)
    times = block // BLOCK
    rows, columns = (-(-side // BLOCK) for side in pixels.shape)
    blocks = means.repeat(times, axis=0).repeat(times, axis=1)[:rows, :columns]
    if threshold is not None:
        blocks = (blocks >= np.quantile(blocks, threshold)).astype(np.float64)
    peak = blocks.max()
    if peak <= 0:
        return np.ones((rows, columns), np.float32)
    blocks = blocks / peak  # first, so that no mean of tiny values vanishes
    return (blocks / blocks.mean()).astype(np.float32)


def _means(pixels: npt.NDArray[np.float64], block: int) -> npt.NDArray[np.float64]:
    starts = [np.arange(0, side, block) for side in pixels.shape]
    sums = np.add.reduceat(np.add.reduceat(pixels, starts[0], axis=0), starts[1], axis=1)
    sides = [
        np.minimum(start + block, side) - start
        for start, side in zip(starts, pixels.shape, strict=True)
    ]
    means: npt.NDArray[np.float64] = sums / np.outer(*sides)
    return means
