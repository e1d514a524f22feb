"""Videos as people have them: small, and each with something that goes wrong elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from vcmflow.core.detections import Detections
from vcmflow.core.video import Frame

MakeVideo = Callable[..., Path]


def drifting(count: int, width: int, height: int) -> list[Frame]:
    """A smooth texture that moves two pixels a frame."""
    texture = np.random.default_rng(3).integers(0, 256, (4, 12, 3), dtype=np.uint8)
    wide = cv2.resize(texture, (width + 2 * count, height), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(wide[:, 2 * k : 2 * k + width]) for k in range(count)]


@pytest.fixture(scope="session")
def make_video(tmp_path_factory: pytest.TempPathFactory) -> MakeVideo:
    """make_video(count, width, height, …) -> path of a new H.264 MP4."""
    folder = tmp_path_factory.mktemp("videos")

    def make(
        count: int,
        width: int = 64,
        height: int = 48,
        *,
        times: Sequence[int] | None = None,
        time_base: Fraction = Fraction(1, 12800),
        layout: str = "yuv420p",
        rotation: int = 0,
        aspect: Fraction = Fraction(1),
        audio: bool = False,
        colour: tuple[int, int] = (2, 2),
        suffix: str = ".mp4",
    ) -> Path:
        path = folder / f"{len(list(folder.iterdir()))}{suffix}"
        times = range(0, 512 * count, 512) if times is None else times
        options = {"video_track_timescale": str(time_base.denominator)}
        with av.open(str(path), "w", options=options if suffix == ".mp4" else {}) as container:
            stream = container.add_stream("libx264", rate=25, options={"qp": "12"})
            stream.width, stream.height, stream.pix_fmt = width, height, layout
            stream.time_base = stream.codec_context.time_base = time_base
            stream.codec_context.color_primaries, stream.codec_context.color_trc = colour
            stream.codec_context.sample_aspect_ratio = aspect
            if rotation:
                stream.set_display_rotation(rotation)
            sound = container.add_stream("aac", rate=8000) if audio else None
            for frame, time in zip(drifting(count, width, height), times, strict=True):
                picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
                picture.pts, picture.time_base = time, time_base
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
            if sound is not None:
                silence = av.AudioFrame.from_ndarray(
                    np.zeros((1, 4096), np.float32), format="fltp", layout="mono"
                )
                silence.sample_rate = 8000
                container.mux(sound.encode(silence))
                container.mux(sound.encode(None))
        return path

    return make


class Brightest:
    """Finds what is brighter than 200, and is as sure of it as it is bright."""

    parameters = 0

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> Detections:
        ys, xs = np.nonzero(frame.min(axis=2) > 200)
        if not len(xs):
            nothing = np.zeros(0, np.float32)
            return Detections(np.zeros((0, 4), np.float32), nothing, np.zeros(0, np.int64))
        box = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], np.float32)
        return Detections(box, np.array([0.9], np.float32), np.array([1]))


@pytest.fixture
def brightest() -> Brightest:
    """A detector that needs no network."""
    return Brightest()
