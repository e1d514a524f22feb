"""Sampler ``uniform``: equal steps in time, first and last frame included (docs/paper.md, 3)."""

from __future__ import annotations

import numpy as np

from vcmflow.sample.fill import IntArray


def choose(n: int, m: int) -> IntArray:
    """Return the m frames nearest to equal steps; of two equally near ones the earlier.

    Args:
        n: frames of the video, >= 2.
        m: frames to keep, 2 <= m <= n.

    Returns:
        int64 (m,), 0-based, ascending; n = 10, m = 4 gives 0, 3, 6, 9.
    """
    steps = np.arange(m, dtype=np.int64)
    # k (n-1) / (m-1) rounded to the nearest integer, halves down, all in integers.
    return -((m - 1 - 2 * steps * (n - 1)) // (2 * (m - 1)))
