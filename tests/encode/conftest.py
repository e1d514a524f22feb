"""Small moving pictures and their streams, encoded once per session."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from importance_maps import needs_of

from vcmflow.core.encoding import Shape
from vcmflow.core.registry import build
from vcmflow.encode.codec import Video
from vcmflow.encode.registry import CODECS


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
    """encode_clip(codec, structure, point, frames=…, threads=…, **options) -> path of a new stream.

    Five frames of 64x48 unless others are given; needs are made up unless they are.
    """
    folder = tmp_path_factory.mktemp("streams")

    def encode(codec, structure, point, frames=None, threads=1, needs=None, **options):
        options["structure"] = structure
        coder = build(CODECS, codec, "codec", options, offered={"threads": threads})
        scratch = tmp_path_factory.mktemp("scratch")
        video = as_video(frames or make_frames(5, 64, 48), scratch)
        shape = video.shape
        given = needs or needs_of(codec, shape.pictures, shape.width, shape.height)
        number = len(list(folder.iterdir()))
        files = CODECS[codec].files(number).items()
        out = {role: folder / file for role, file in files}
        coder.encode(video, given, point, out)
        return out["base"]

    return encode


def as_video(frames, scratch):
    shape = Shape(frames[0].shape[1], frames[0].shape[0], len(frames), 10.0)
    return Video(shape, lambda: iter(frames), scratch)
