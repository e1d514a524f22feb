"""From a sampling rule to exactly m frames whose gaps fit in a byte (docs/paper.md, 2, 4).

A rule may keep fewer frames than asked for, or leave gaps that the 8-bit field cannot hold. Both
are mended here, along the arc length that the rule measures change with.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vcmflow.core.gaps import LARGEST_GAP

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

LARGEST_STEP = LARGEST_GAP + 1  # from one kept frame to the next
# Lengths are compared as parts of the whole arc. Closer than this counts as equal, so that rounding
# (of a rotated embedding, say) does not decide ties.
TOLERANCE = 1e-9
_TICKS = 2**30  # TOLERANCE for whole numbers; a power of two keeps halves exact


def least_count(n: int) -> int:
    """Return the fewest frames of n >= 2 that leave no gap above 255 dropped frames."""
    return -(-(n - 1) // LARGEST_STEP) + 1


def fit(rule: Callable[[int], IntArray], arc: FloatArray, m: int, exact: bool = True) -> IntArray:
    """Apply ``rule`` so that every gap fits in a byte and, if ``exact``, m frames are kept.

    Where a gap of ``rule(m)`` is too wide, frames are inserted. If that makes more than m, the rule
    is applied to the largest count that leaves room for the insertions. What then lacks to m is
    filled by :func:`top_up`.

    Args:
        rule: count k >= 2 -> at most k frames, ascending, first and last included.
        arc: float64 (n,), non-decreasing from 0: the amount of change up to each frame.
        m: frames to keep, ``max(2, least_count(n)) <= m <= n``.
        exact: False keeps the bare rule and only inserts what the 8-bit field demands.

    Returns:
        int64, 0-based, ascending; exactly m frames if ``exact``.
    """
    parts = arc / arc[-1] if arc[-1] > 0 else np.zeros_like(arc)
    kept = insert_in_wide_gaps(rule(m), parts)
    if not exact:
        return kept
    if len(kept) > m:
        # rule(2) is the first and the last frame: with the insertions it has least_count(n) <= m.
        low, high, kept = 2, m, insert_in_wide_gaps(rule(2), parts)
        while high - low > 1:
            middle = (low + high) // 2
            trial = insert_in_wide_gaps(rule(middle), parts)
            if len(trial) <= m:
                low, kept = middle, trial
            else:
                high = middle
    return top_up(kept, parts, m)


def insert_in_wide_gaps(kept: IntArray, parts: FloatArray) -> IntArray:
    """Insert the fewest frames into gaps of more than 255 dropped frames so that none is left.

    They are put where they divide the gap's arc most evenly, as far as the field allows.
    """
    if np.diff(kept).max(initial=0) <= LARGEST_STEP:
        return kept
    lengths = parts.tolist()
    result = [int(kept[0])]
    for end in kept[1:].tolist():
        pieces = -(-(end - result[-1]) // LARGEST_STEP)
        for left in range(pieces, 1, -1):
            start = result[-1]
            first = max(start + 1, end - LARGEST_STEP * (left - 1))
            last = min(start + LARGEST_STEP, end - 1)
            target = lengths[start] + (lengths[end] - lengths[start]) / left
            result.append(_nearest(lengths, target, first, last))
        result.append(end)
    return np.array(result, dtype=np.int64)


def top_up(kept: IntArray, parts: FloatArray, m: int) -> IntArray:
    """Add frames until m are kept (docs/paper.md, 2, ``count: exact``).

    Each one best halves, in arc length, the widest gap that still has a frame inside; ties go to
    the earlier. O((n + m) log m).

    Args:
        kept: int64, ascending, first and last frame included.
        parts: float64 (n,), the arc up to each frame as a part of the whole, in 0..1.
        m: frames wanted, <= n.
    """
    missing = m - len(kept)
    if missing <= 0:
        return kept
    lengths = parts.tolist()

    def gap(start: int, end: int) -> tuple[int, int, int]:
        return -round((lengths[end] - lengths[start]) * _TICKS), start, end

    gaps = [gap(start, end) for start, end in pairwise(kept.tolist()) if end - start > 1]
    heapq.heapify(gaps)
    added = []
    for _ in range(missing):
        _, start, end = heapq.heappop(gaps)
        target = (lengths[start] + lengths[end]) / 2
        frame = _nearest(lengths, target, start + 1, end - 1)
        added.append(frame)
        for side in ((start, frame), (frame, end)):
            if side[1] - side[0] > 1:
                heapq.heappush(gaps, gap(*side))
    return np.sort(np.concatenate([kept, np.array(added, dtype=np.int64)]))


def _nearest(lengths: list[float], target: float, first: int, last: int) -> int:
    """Return the frame in first..last whose length is nearest to ``target``; ties: earlier."""
    above = bisect_left(lengths, target, first, last + 1)
    if above == first:
        return first
    below = bisect_left(lengths, lengths[above - 1], first, above)
    if above > last or target - lengths[below] <= lengths[above] - target + TOLERANCE:
        return below
    return above
