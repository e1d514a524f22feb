"""Bit allocation from importance: how much finer or coarser every block is quantised.

The formulas are ours. Minimising sum_b w_b D_b + lambda R over blocks b of importance w_b gives
each of them a multiplier of its own, lambda / w_b. As QP = 3 log2(lambda) + c in the encoders, the
QP of a block lies

    dQP_b = clip(-3 strength log2(w_b t_b^texture) + c, -limit, limit)

beside that of its picture, where t_b is its texture, and c such that the mean over the picture's
area is 0, also after rounding: the mean QP stays. A region of interest is the share of the blocks
with the largest w_b: those in it get the mean of their w_b, all others that of theirs.
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
            mean: added to all offsets, so that it is the mean of each picture's.

        Raises:
            VcmflowError: the importance is that of pictures of another size, or has values that
                are negative or not finite.
        """
        check_grid(importance, width, height)
        weights = np.asarray(importance, np.float64)
        if texture is not None and self.texture:
            weights = weights * texture**self.texture
        areas, step = block_areas(width, height), self.block // BLOCK
        area = block_sums(areas, step)
        coarse = block_sums(weights * areas, step) / area
        coarse /= np.maximum(coarse.mean((1, 2), keepdims=True), np.finfo(float).tiny)
        if self.region is not None:
            coarse = np.stack([in_two(picture, self.region) for picture in coarse])
        ideal = -3 * self.strength * np.log2(coarse + _LEAST)
        offsets = rounded(centred(ideal, area, self.limit) + mean, area)
        return spread(offsets, step, weights.shape)


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


def in_two(weights: FloatArray, share: float) -> FloatArray:
    """The region of interest of a picture: two kinds of blocks, each with the mean of its weights.

    Args:
        weights: rows x columns.
        share: of the blocks that are the region, at most.
    """
    inside = weights > np.quantile(weights, 1 - share, method="inverted_cdf")
    if not inside.any():
        return np.full_like(weights, weights.mean())
    two: FloatArray = np.where(inside, weights[inside].mean(), weights[~inside].mean())
    return two


def centred(ideal: FloatArray, area: FloatArray, limit: float) -> FloatArray:
    """clip(ideal + c, -limit, limit), where c gives every picture the mean 0 over its area.

    Args:
        ideal: pictures x rows x columns, finite.
        area: rows x columns, > 0.
        limit: > 0.
    """
    shares = area / area.sum()
    low = -limit - ideal.max((1, 2), keepdims=True)
    high = limit - ideal.min((1, 2), keepdims=True)
    for _ in range(40):  # the mean rises with c: halve the interval
        middle = (low + high) / 2
        means = (np.clip(ideal + middle, -limit, limit) * shares).sum((1, 2), keepdims=True)
        low, high = np.where(means < 0, middle, low), np.where(means < 0, high, middle)
    clipped: FloatArray = np.clip(ideal + (low + high) / 2, -limit, limit)
    return clipped


def rounded(values: FloatArray, area: FloatArray) -> Offsets:
    """Whole numbers next to ``values``; every picture keeps its mean as nearly as blocks allow.

    Encoders round to whole QPs; one by one, small offsets would all vanish, and the mean move.
    Those with the largest fractions are rounded up.

    Args:
        values: pictures x rows x columns.
        area: rows x columns, > 0.
    """
    flat, areas = values.reshape(len(values), -1), area.ravel()
    lower = np.floor(flat + 1e-9)
    order = np.argsort(lower - flat, axis=1, kind="stable")
    sorted_areas = areas[order]
    raised = np.cumsum(sorted_areas, axis=1) - sorted_areas / 2
    missing = (flat - lower) @ areas
    np.put_along_axis(
        lower,
        order,
        np.take_along_axis(lower, order, 1) + (raised <= missing[:, None]),
        axis=1,
    )
    return lower.reshape(values.shape).astype(np.int8)


def texture_of(luma: npt.NDArray[np.integer]) -> FloatArray:
    """Texture of the blocks of a picture: 1 + the mean absolute difference of neighbours.

    Args:
        luma: H x W.
    """
    picture = luma.astype(np.float64)
    change = np.abs(np.diff(picture, axis=0, append=picture[-1:])) / 2
    change += np.abs(np.diff(picture, axis=1, append=picture[:, -1:])) / 2
    return 1 + block_sums(change, BLOCK) / block_areas(luma.shape[1], luma.shape[0])


def spread(offsets: Offsets, step: int, shape: tuple[int, ...]) -> Offsets:
    """Offsets of larger blocks, step x step of the small ones each, as those of the small ones.

    Args:
        offsets: pictures x rows x columns of large blocks.
        step: see above.
        shape: of the result.
    """
    full = np.repeat(np.repeat(offsets, step, 1), step, 2)
    return full[:, : shape[1], : shape[2]]


def block_areas(width: int, height: int) -> FloatArray:
    """The area of every block of a picture, in px: less at the right and lower ends."""
    return np.outer(_sides(height), _sides(width))


def _sides(length: int) -> FloatArray:
    """The sides of the blocks along a length: the last one may be shorter."""
    starts = np.arange(0, length, BLOCK)
    return np.minimum(BLOCK, length - starts).astype(np.float64)


def block_sums(values: FloatArray, step: int) -> FloatArray:
    """Sums over step x step elements of the last two axes; fewer at the far ends."""
    rows = np.add.reduceat(values, np.arange(0, values.shape[-2], step), axis=-2)
    return np.add.reduceat(rows, np.arange(0, values.shape[-1], step), axis=-1)
