"""Small moving pictures and their streams, encoded once per session."""

from __future__ import annotations

import numpy as np
import pytest

from vcmflow.core.registry import build
from vcmflow.encode.registry import CODECS, SUFFIXES
from vcmflow.encode.sequence import encode_sequence


def make_frames(count, width, height, seed=5):
    """A smooth random texture that moves two pixels per frame behind a bright block that moves."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(20, 235, size=(height // 4 + 3, (width + 2 * count) // 4 + 3, 3))
    texture = np.kron(coarse, np.ones((4, 4, 1)))
    frames = []
    for number in range(count):
        frame = texture[:height, 2 * number : 2 * number + width].astype(np.uint8)
        frame[10:22, 5 + 3 * number : 17 + 3 * number] = (250, 240, 30)
        frames.append(frame)
    return frames


@pytest.fixture(scope="session")
def moving_frames():
    return make_frames


@pytest.fixture(scope="session")
def encode_clip(tmp_path_factory):
    """encode_clip(codec, mode, qp, frames=…, threads=…, **options) -> path of a new stream.

    Five frames of 64x48 unless others are given.
    """
    folder = tmp_path_factory.mktemp("streams")

    def encode(codec, mode, qp, frames=None, threads=1, intra_period=32, **options):
        encoder = build(
            CODECS,
            codec,
            "codec",
            options,
            preset="faster",
            intra_period=intra_period,
            threads=threads,
        )
        path = folder / f"{len(list(folder.iterdir()))}{SUFFIXES[codec]}"
        encode_sequence(frames or make_frames(5, 64, 48), 10.0, encoder, mode, [(qp, path)])
        return path

    return encode
