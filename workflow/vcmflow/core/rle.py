"""COCO's run-length masks: the one writer and the one reader.

A code is ``{"size": [H, W], "counts": …}``: lengths of runs of 0 and 1 in turn, column by column,
as a list of integers or as COCO's text. Reading is not left to pycocotools, which trusts the runs
and writes past the mask where they are too long.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError

_LARGEST_SIDE = 1 << 15  # px


def encode_mask(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return the code {"size": [H, W], "counts": str} of a bool H x W mask."""
    from pycocotools import mask as coco

    code = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(side) for side in code["size"]], "counts": code["counts"].decode("ascii")}


def decode_mask(
    code: Any, where: str = "segmentation", size: tuple[int, int] | None = None
) -> npt.NDArray[np.bool_]:
    """Return the bool H x W mask of a code.

    Args:
        code: see the module.
        where: what error messages begin with.
        size: height, width that the mask has to have; None for any.

    Raises:
        VcmflowError: not such a code, its runs do not fill the size it names, or that is another.
    """
    try:
        height, width = (int(side) for side in code["size"])
        counts = code["counts"]
    except (TypeError, KeyError, ValueError):
        raise VcmflowError(f"{where}: not a mask of run lengths with size and counts") from None
    if not (0 < height <= _LARGEST_SIDE and 0 < width <= _LARGEST_SIDE):
        raise VcmflowError(f"{where}: mask of {width}x{height}; allowed: 1..{_LARGEST_SIDE} a side")
    if size is not None and (height, width) != size:
        raise VcmflowError(f"{where}: mask of {width}x{height}, frames are {size[1]}x{size[0]}")
    runs = _runs(counts, where) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(type(run) is int and run >= 0 for run in runs):
        raise VcmflowError(f"{where}: broken run lengths")
    if sum(runs) != height * width:
        raise VcmflowError(f"{where}: the runs of the mask do not fill {width}x{height}")
    bits = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(bits.reshape(width, height).T)


def _runs(text: str, where: str) -> list[int]:
    """The run lengths of COCO's text: base 32, from the third on less the one before last."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64 or shift > 40:
            raise VcmflowError(f"{where}: broken run lengths")
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise VcmflowError(f"{where}: broken run lengths")
    return runs
