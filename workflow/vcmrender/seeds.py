"""Independent random streams for every sequence of every set."""

from __future__ import annotations

import zlib

import numpy as np

_SPLITS = {"test": 1, "train": 2}
_KINDS = {"detection": 1, "segmentation": 2, "videos": 3, "actions": 4}


def stream(seed: int, kind: str, split: str, name: str) -> np.random.Generator:
    """The generator of one sequence; another seed, kind, split or name gives unrelated draws."""
    key = (_KINDS[kind], _SPLITS[split], zlib.crc32(name.encode()))
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))
