"""Tiny videos to train on."""

from __future__ import annotations

import av
import numpy as np
import pytest


def moving_texture(seed, n=14, height=48, width=64):
    """A random picture behind a moving window: neighbours are alike, videos are not."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (10, 24, 3), dtype=np.uint8)
    texture = coarse.repeat(8, axis=0).repeat(8, axis=1)
    speed = random.integers(1, 5)
    return [texture[16 : 16 + height, speed * t : speed * t + width] for t in range(n)]


def write_clip(path, frames, codec="h264", gop=5):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.gop_size = gop
        if codec == "h264":
            # This build's macroblock tree depends on the memory it happens to get.
            stream.options = {"x264-params": "mbtree=0"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="session")
def videos(tmp_path_factory):
    """Seven videos in two formats and two folders, a corrupt and a too short one, and notes."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(4):
        write_clip(folder / "juggling" / f"{number}.mp4", moving_texture(number))
    for number in range(4, 7):
        write_clip(folder / "reading" / f"{number}.mkv", moving_texture(number, 20), "mpeg4")
    write_clip(folder / "reading" / "short.mp4", moving_texture(8, 1))
    (folder / "reading" / "corrupt.webm").write_bytes(b"no video" * 50)
    (folder / "notes.txt").write_text("nothing to see")
    return folder
