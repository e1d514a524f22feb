"""Frames in and out of lossless video files.

Between stages, pictures travel as FFV1 in Matroska (``.mkv``, RGB, 8 bit): lossless, every frame on
its own, and readable by any player. In memory a frame is ``uint8`` H x W x 3 in RGB order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from vcmflow.errors import VcmflowError
from vcmflow.files import whole_file

Frame = npt.NDArray[np.uint8]


def write_video(path: Path, frames: Iterable[Frame], fps: float) -> int:
    """Write frames losslessly (FFV1, RGB) and return how many there were.

    Args:
        path: the ``.mkv`` to write, whole or not at all.
        frames: uint8 H x W x 3, RGB, all of one size.
        fps: frames per second, > 0.

    Raises:
        VcmflowError: there are no frames, or a frame's size or type differs from the first one's.
    """
    count = 0
    with whole_file(path) as temporary, av.open(str(temporary), "w", format="matroska") as container:
        # A random segment id would make two equal runs differ.
        container.flags |= av.container.Flags.bitexact.value
        stream = None
        for frame in frames:
            if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                raise VcmflowError(
                    f"{path}: frame {count} is {frame.dtype} {frame.shape}, not uint8 H x W x 3"
                )
            if stream is None:
                stream = container.add_stream(
                    "ffv1", rate=Fraction(fps).limit_denominator(100_000)
                )
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "bgr0"
                stream.codec_context.thread_count = 1
                stream.codec_context.flags |= av.codec.context.Flags.bitexact.value
            elif frame.shape[:2] != (stream.height, stream.width):
                raise VcmflowError(
                    f"{path}: frame {count} is {frame.shape[1]}x{frame.shape[0]}, the first one is "
                    f"{stream.width}x{stream.height}"
                )
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
            count += 1
        if stream is None:
            raise VcmflowError(f"{path}: no frames to write")
        container.mux(stream.encode(None))
    return count


def read_video(path: Path) -> Iterator[Frame]:
    """Yield the frames of any video file as uint8 H x W x 3, RGB, in display order.

    Raises:
        VcmflowError: the file is missing, holds no video, or breaks off.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise VcmflowError(f"{path}: no video stream in this file")
            container.streams.video[0].thread_type = "AUTO"
            for picture in container.decode(video=0):
                yield picture.to_ndarray(format="rgb24")
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except av.error.FFmpegError as error:
        raise VcmflowError(f"{path}: cannot be decoded ({error})") from None
