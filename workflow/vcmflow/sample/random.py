"""Sampler ``random``: any frames between the ends. What a choice is worth shows against it."""

from __future__ import annotations

import zlib

import numpy as np

from vcmflow.core.ranges import Seed
from vcmflow.sample.fill import IntArray, fit


def choose(n: int, m: int, sequence: str, seed: Seed = 0) -> IntArray:
    """Choose m frames, first and last included, the others with equal chance.

    Args:
        n: frames of the video, >= 2.
        m: frames to keep, ``max(2, least_count(n)) <= m <= n``.
        sequence: its id; sequences draw independently of each other.
        seed: another one, another choice.

    Returns:
        int64 (m,), 0-based, ascending.
    """
    generator = np.random.default_rng([seed, zlib.crc32(sequence.encode())])
    inner = generator.permutation(np.arange(1, n - 1))

    def first(k: int) -> IntArray:
        return np.sort(np.concatenate([[0], inner[: k - 2], [n - 1]]))

    return fit(first, np.arange(n, dtype=np.float64), m)
