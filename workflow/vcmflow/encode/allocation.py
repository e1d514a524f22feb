"""Bit allocation from importance: how much finer or coarser every block is quantised.

The formulas are ours. Minimising sum_b w_b D_b + lambda R over blocks b of importance w_b gives
each of them a multiplier of its own, lambda / w_b. As QP = 3 log2(lambda) + c in the encoders, the
QP of a block lies

    dQP_b = clip(-3 strength log2(w_b t_b^texture) + c, -limit, limit)

beside that of its picture, where t_b is its texture, and c such that the offsets, clipped and
rounded, have the mean over the picture's area that was asked for (0: the mean QP stays). A region
of interest is the share of the blocks with the largest w_b: those in it get the mean of their w_b,
all others that of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from vcmflow.core.arrays import BLOCK, Importance
from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import ZeroOrMore

Strength = ZeroOrMore
Limit = Annotated[int, Field(ge=1, le=20)]
BlockSize = Literal[16, 32, 64]
RegionShare = Annotated[float, Field(gt=0, lt=1)]
TextureExponent = Annotated[float, Field(ge=-2, le=2)]

# Pictures x rows x columns of blocks of 16 x 16 px.
Offsets = npt.NDArray[np.int8]
FloatArray = npt.NDArray[np.float64]

_LEAST = 1e-3  # importance of a block that has none, relative to the mean


@dataclass(frozen=True)
class Allocation:
    """How importance becomes QP offsets.

    Attributes:
        strength: 0 gives every block the picture's QP, 1 is the optimum of the model above.
        limit: largest offset, in QP.
        block: side of the blocks that get a QP, in px.
        region: share of the blocks that are the region of interest; None grades all of them.
        texture: exponent of the texture term; 0 leaves it out.
    """

    strength: float = 1.0
    limit: int = 6
    block: int = BLOCK
    region: float | None = None
    texture: float = 0.0

    def offsets(
        self,
        importance: Importance,
        width: int,
        height: int,
        texture: FloatArray | None = None,
        mean: float = 0.0,
    ) -> Offsets:
        """QP offsets of all pictures.

        Args:
            importance: of every picture.
            width: of the pictures, in px.
            height: likewise.
            texture: of the blocks, > 0, in the shape of ``importance``; None where it plays no
                part.
            mean: of the offsets of each picture, within ``limit``.

        Raises:
            VcmflowError: the importance is that of pictures of another size, or has values that
                are negative or not finite.
        """
        check_grid(importance, width, height)
        weights = np.asarray(importance, np.float64)
        if texture is not None and self.texture:
            weights = weights * texture**self.texture
        areas = np.outer(_sides(height), _sides(width))
        return np.stack([self._picture(picture, areas, mean) for picture in weights])

    def _picture(self, weights: FloatArray, areas: FloatArray, mean: float) -> Offsets:
        step = self.block // BLOCK
        area = _sums(areas, step)
        coarse = _sums(weights * areas, step) / area
        coarse = coarse / max(coarse.mean(), np.finfo(float).tiny)
        if self.region is not None:
            inside = coarse > np.quantile(coarse, 1 - self.region, method="inverted_cdf")
            for part in (inside, ~inside):
                coarse[part] = coarse[part].mean() if part.any() else 0
        ideal = -3 * self.strength * np.log2(coarse + _LEAST)
        offsets = rounded(centred(ideal, area, self.limit, mean), area, mean)
        full = np.repeat(np.repeat(offsets, step, 0), step, 1)
        return full[: weights.shape[0], : weights.shape[1]]


def check_grid(importance: Importance, width: int, height: int) -> None:
    """Check that an importance map is one of pictures of this size, and holds numbers >= 0.

    Raises:
        VcmflowError: it is not, or does not.
    """
    wanted = (-(-height // BLOCK), -(-width // BLOCK))
    if importance.shape[1:] != wanted:
        rows, columns = importance.shape[1:]
        raise VcmflowError(
            f"the importance map has {rows} x {columns} blocks; frames of {width}x{height} have "
            f"{wanted[0]} x {wanted[1]}"
        )
    if not np.isfinite(importance).all() or (importance < 0).any():
        raise VcmflowError("the importance map has values that are negative or not finite")


def centred(ideal: FloatArray, area: FloatArray, limit: float, mean: float = 0.0) -> FloatArray:
    """clip(ideal + c, -limit, limit) with the c that gives it this mean over the area.

    Args:
        ideal: any finite numbers.
        area: of the same shape, > 0.
        limit: > abs(mean).
        mean: of the result.
    """
    low, high = -limit - ideal.max(), limit - ideal.min()
    for _ in range(60):  # the mean rises with c: halve the interval
        middle = (low + high) / 2
        if np.average(np.clip(ideal + middle, -limit, limit), weights=area) < mean:
            low = middle
        else:
            high = middle
    return np.clip(ideal + (low + high) / 2, -limit, limit)


def rounded(values: FloatArray, area: FloatArray, mean: float = 0.0) -> Offsets:
    """Whole numbers next to ``values``, as near to this mean over the area as blocks allow.

    Encoders round to whole QPs; one by one, small offsets would all vanish, and the mean move.
    Those with the largest fractions are rounded up.
    """
    lower = np.floor(values + 1e-9)
    order = np.argsort(-(values - lower), axis=None, kind="stable")
    raised = np.cumsum(area.flat[order]) - area.flat[order] / 2
    missing = mean * area.sum() - (lower * area).sum()
    lower.flat[order[raised <= missing]] += 1
    return lower.astype(np.int8)


def texture_of(luma: npt.NDArray[np.integer]) -> FloatArray:
    """Texture of the blocks of a picture: 1 + the mean absolute difference of neighbours.

    Args:
        luma: H x W.
    """
    picture = luma.astype(np.float64)
    change = np.abs(np.diff(picture, axis=0, append=picture[-1:])) / 2
    change += np.abs(np.diff(picture, axis=1, append=picture[:, -1:])) / 2
    areas = np.outer(_sides(luma.shape[0]), _sides(luma.shape[1]))
    return 1 + _sums(change, BLOCK) / areas


def _sides(length: int) -> FloatArray:
    """The sides of the blocks along a length: the last one may be shorter."""
    starts = np.arange(0, length, BLOCK)
    return np.minimum(BLOCK, length - starts).astype(np.float64)


def _sums(values: FloatArray, step: int) -> FloatArray:
    """Sums over step x step elements; fewer at the far ends."""
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], step), axis=0)
    return np.add.reduceat(rows, np.arange(0, values.shape[1], step), axis=1)
