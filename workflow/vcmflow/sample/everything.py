"""Sampler ``all``: every frame, the upper bound and the chain's check (docs/paper.md, 3)."""

from __future__ import annotations

import numpy as np

from vcmflow.sample.fill import IntArray


def choose(n: int, m: int) -> IntArray:  # noqa: ARG001 - every chooser is given m
    """Return all of 0..n-1, whatever m is."""
    return np.arange(n, dtype=np.int64)
