"""Sampler ``difference``: equal parts of the accumulated frame difference. Nothing is learned."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from vcmflow.core.arrays import Embedding
from vcmflow.core.errors import VcmflowError
from vcmflow.sample import uniform
from vcmflow.sample.fill import IntArray, fit
from vcmflow.sample.manifold import rule


def choose(n: int, m: int, embedding: Embedding) -> IntArray:
    """Choose the frames at which the summed differences of adjacent frames pass equal parts.

    Args:
        n: frames of the video, >= 2.
        m: frames to keep, ``max(2, least_count(n)) <= m <= n``.
        embedding: float n x d, one row per frame: its pixels. The difference of two frames is the
            mean absolute difference of their rows.

    Returns:
        int64 (m,), 0-based, ascending. A video that never changes is sampled uniformly.

    Raises:
        VcmflowError: the embedding has not n rows, or a value that is not finite.
    """
    if embedding.ndim != 2 or len(embedding) != n:
        raise VcmflowError(f"the embedding's shape is {embedding.shape}; wanted: {n} rows x d")
    steps = [
        float(np.mean(np.abs(np.subtract(after, before, dtype=np.float64))))
        for before, after in pairwise(embedding)
    ]
    length = np.cumsum([0.0, *steps])
    if not np.isfinite(length[-1]):
        raise VcmflowError("the embedding holds values that are not finite")
    if length[-1] == 0:
        return uniform.choose(n, m)
    return fit(lambda k: rule(length, k), length, m)
