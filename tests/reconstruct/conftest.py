"""A small coded sequence, encoded once."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vcmflow.core.encoding import Shape
from vcmflow.core.registry import build
from vcmflow.encode.codec import Video
from vcmflow.encode.registry import CODECS

KEPT = (0, 3, 4, 6)


def textured(height, width, seed, low=20, high=235):
    """A smooth random colour picture."""
    random = np.random.default_rng(seed)
    picture = random.uniform(low, high, (height + 16, width + 16, 3))
    for axis in (0, 1):
        for _ in range(3):
            picture = sum(np.roll(picture, k, axis) for k in (-2, -1, 0, 1, 2)) / 5
    span = picture.max() - picture.min()
    picture = low + (picture - picture.min()) * ((high - low) / span)
    return picture[8 : height + 8, 8 : width + 8]


@pytest.fixture(scope="session")
def moving_square():
    """moving_square(count, width, height, step, side): it moves right before a still background."""

    def make(count, width=96, height=64, step=6, side=24):
        background = textured(height, width, 1)
        square = textured(side, side, 2, 60, 250)
        frames = []
        for number in range(count):
            frame = background.copy()
            left = 8 + step * number
            frame[20 : 20 + side, left : left + side] = square
            frames.append(frame.round().astype(np.uint8))
        return frames

    return make


@dataclass
class Coded:
    """Seven frames of 67x45, of which four are coded."""

    frames: list[np.ndarray]
    kept: tuple[int, ...]
    width: int
    height: int
    folder: Path

    @property
    def shape(self):
        return Shape(self.width, self.height, len(self.kept), 10.0)

    def stream(self, codec="vvenc", structure="ra", qp=32, **options):
        (suffix,) = CODECS[codec].streams.values()
        path = self.folder / f"{codec}-{structure}-{qp}-{len(options)}{suffix}"
        if not path.exists():
            encode(
                codec, [self.frames[k] for k in self.kept], qp, path, structure=structure, **options
            )
        return path


def encode(codec, frames, point, path, **options):
    """Encode frames into one stream and return its shape."""
    shape = Shape(frames[0].shape[1], frames[0].shape[0], len(frames), 10.0)
    with tempfile.TemporaryDirectory() as scratch:
        video = Video(shape, lambda: iter(frames), Path(scratch))
        build(CODECS, codec, "codec", options).encode(video, {}, point, {"base": path})
    return shape


@pytest.fixture(scope="session")
def coded(tmp_path_factory, moving_square):
    return Coded(moving_square(7, 67, 45, 5), KEPT, 67, 45, tmp_path_factory.mktemp("coded"))


@pytest.fixture(scope="session")
def encode_frames():
    return encode
