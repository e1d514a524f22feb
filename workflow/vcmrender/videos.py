"""Write rendered clips as short H.264 files, as Kinetics has them (no labels)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from vcmrender.textures import Bytes

CRF = 18


def write_clip(path: Path, pictures: Iterable[Bytes], fps: float) -> None:
    """Write one ``.mp4`` (libx264, constant quality 18, 4:2:0); odd sizes lose a row or column.

    The same pictures give the same bytes.
    """
    with av.open(str(path), "w", format="mp4") as container:
        container.flags |= cast(int, av.container.Flags.bitexact.value)
        stream = None
        for picture in pictures:
            height, width = (length // 2 * 2 for length in picture.shape[:2])
            if stream is None:
                stream = container.add_stream(
                    "libx264", rate=Fraction(fps).limit_denominator(100_000)
                )
                stream.width, stream.height = width, height
                stream.pix_fmt = "yuv420p"
                stream.codec_context.thread_count = 1
                stream.codec_context.flags |= av.codec.context.Flags.bitexact.value
                # x264's macroblock tree gives other bytes from run to run in this build.
                stream.options = {
                    "crf": str(CRF),
                    "preset": "veryfast",
                    "x264-params": "mbtree=0",
                }
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(picture[:height, :width]), format="rgb24"
            )
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))
