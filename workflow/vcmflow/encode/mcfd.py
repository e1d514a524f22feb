"""MCFD: QP offsets from what coding does to deep features, over several contexts.

After the multiple-context feature distortion of Huang's thesis, which gives no formula; those here
are ours. The distortion of a block b is

    D_b = sum_m alpha_m sum_l mean over b grown by m px of (phi_l(x) - phi_l(x'))^2 / var phi_l(x)

over margins m and layers l of a network. No encoder at hand takes a distortion of its own, so the
QP of a block is chosen among whole clips that were coded at each of ``STEPS``: the step that
minimises D_b + lambda R_b, with the lambda at which all blocks together cost what the clip coded
without offsets does. A block's share in the bytes of a clip is taken to be its texture's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vcmflow.core.arrays import BLOCK
from vcmflow.encode.allocation import FloatArray, Offsets

STEPS = (-6, -3, 0, 3, 6)  # QP
MARGINS = (0, 16, 32, 64)  # px
ALPHA = (8 / 15, 4 / 15, 2 / 15, 1 / 15)  # each context counts half of the next smaller one

Layers = Sequence[npt.NDArray[np.float32]]  # channels x rows x columns each


def context_distortion(original: Layers, decoded: Layers, width: int, height: int) -> FloatArray:
    """D_b of every block of a picture.

    Args:
        original: features of the picture; a layer covers it evenly.
        decoded: those of the decoded picture, of the same shapes.
        width: of the picture, in px.
        height: likewise.

    Returns:
        rows x columns of blocks, >= 0; a layer that is constant is left out.
    """
    total = np.zeros((-(-height // BLOCK), -(-width // BLOCK)))
    for one, other in zip(original, decoded, strict=True):
        variance = float(np.var(one, dtype=np.float64))
        if variance == 0:
            continue
        error = ((one.astype(np.float64) - other) ** 2).mean(0) / variance
        sums = np.pad(error.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        for margin, weight in zip(MARGINS, ALPHA, strict=True):
            top, bottom = _spans(height, error.shape[0], margin)
            left, right = _spans(width, error.shape[1], margin)
            window = sums[bottom][:, right] - sums[top][:, right]
            window -= sums[bottom][:, left] - sums[top][:, left]
            total += weight * window / np.outer(bottom - top, right - left)
    return np.maximum(total, 0)


def _spans(length: int, cells: int, margin: int) -> tuple[npt.NDArray[np.int64], ...]:
    """First and last-but-one cell of a layer that the blocks of a side, grown, touch."""
    starts = np.arange(0, length, BLOCK)
    ends = np.minimum(starts + BLOCK, length)
    first = np.floor(np.maximum(starts - margin, 0) * cells / length).astype(np.int64)
    last = np.ceil(np.minimum(ends + margin, length) * cells / length).astype(np.int64)
    return first, np.maximum(last, first + 1)


def choose(distortions: FloatArray, bits: FloatArray, budget: float) -> Offsets:
    """The step of every block that minimises D + lambda R at the largest rate within the budget.

    Args:
        distortions: of every block at each step: len(STEPS) x any shape, >= 0.
        bits: likewise; fewer at each further step.
        budget: of all blocks together; where it is below what the last step costs, that is chosen.
    """
    steps = np.array(STEPS, np.int8)

    def at(price: float) -> npt.NDArray[np.int64]:
        # Of equal costs, the later: fewer bits.
        cost = (distortions + price * bits)[::-1]
        index: npt.NDArray[np.int64] = len(steps) - 1 - cost.argmin(0)
        return index

    def spent(chosen: npt.NDArray[np.int64]) -> float:
        return float(np.take_along_axis(bits, chosen[None], 0).sum())

    low, high = -40.0, 40.0  # log2 of lambda, relative to distortion per bit
    scale = max(float(distortions.sum()), 1e-300) / max(float(bits.sum()), 1e-300)
    for _ in range(60):
        middle = (low + high) / 2
        if spent(at(scale * 2**middle)) > budget:
            low = middle
        else:
            high = middle
    return steps[at(scale * 2**high)]


def corrected(distortions: FloatArray, chosen: Offsets, found: FloatArray) -> FloatArray:
    """Distortions that agree with what was found where the blocks' neighbours had steps, too.

    Args:
        distortions: at each step, with the same step everywhere.
        chosen: step of every block.
        found: distortion of every block with these.
    """
    index = np.searchsorted(STEPS, chosen)
    predicted = np.take_along_axis(distortions, index[None], 0)[0]
    ratio = np.divide(found, predicted, out=np.ones_like(found), where=predicted > 0)
    fixed: FloatArray = distortions * ratio
    return fixed
