"""Makes tiny videos to train on."""

from __future__ import annotations

import av
import numpy as np


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
