"""Frames in and out of lossless video files.

Between stages, pictures travel as FFV1 in Matroska (``.mkv``, RGB, 8 bit): lossless, every frame on
its own, and readable by any player. In memory a frame is ``uint8`` H x W x 3 in RGB order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file

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
    try:
        with (
            whole_file(path) as temporary,
            av.open(str(temporary), "w", format="matroska") as container,
        ):
            # A random segment id would make two equal runs differ.
            container.flags |= cast(int, av.container.Flags.bitexact.value)
            stream = None
            for frame in frames:
                if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                    raise VcmflowError(
                        f"{path}: frame {count} is {frame.dtype} {frame.shape}, not uint8 H x W x 3"
                    )
                if stream is None:
                    stream = _add_stream(container, frame, fps)
                elif frame.shape[:2] != (stream.height, stream.width):
                    raise VcmflowError(
                        f"{path}: frame {count} is {frame.shape[1]}x{frame.shape[0]}, the first "
                        f"one is {stream.width}x{stream.height}"
                    )
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
                container.mux(stream.encode(picture))
                count += 1
            if stream is None:
                raise VcmflowError(f"{path}: no frames to write")
            container.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        raise VcmflowError(f"{path}: frames cannot be written ({error})") from None
    return count


def _add_stream(
    container: av.container.OutputContainer, frame: Frame, fps: float
) -> av.VideoStream:
    stream = container.add_stream("ffv1", rate=Fraction(fps).limit_denominator(100_000))
    stream.height, stream.width = frame.shape[:2]
    stream.pix_fmt = "bgr0"
    stream.codec_context.gop_size = 1
    stream.codec_context.thread_count = 1
    stream.codec_context.flags |= av.codec.context.Flags.bitexact.value
    return stream


def read_video(path: Path) -> Iterator[Frame]:
    """Yield the frames of any video file as uint8 H x W x 3, RGB, in display order.

    Raises:
        VcmflowError: the file is missing, holds no video, or breaks off.
    """
    for picture in _decode(path, None):
        if picture is not None:
            yield _rgb(picture)


def read_frames(path: Path, wanted: Sequence[int], total: int) -> Iterator[Frame]:
    """Yield some frames of a video; where every frame stands on its own, decode no others.

    Args:
        path: any video file.
        wanted: 0-based numbers of the frames in display order, strictly ascending.
        total: how many frames the video has to have.

    Raises:
        VcmflowError: the file is missing, holds no video, breaks off, or has not ``total`` frames.
    """
    count = 0
    for picture in _decode(path, frozenset(wanted)):
        if picture is not None:
            yield _rgb(picture)
        count += 1
    if count != total:
        raise VcmflowError(f"{path}: has {count} frames, not {total}")


def _decode(path: Path, wanted: frozenset[int] | None) -> Iterator[av.VideoFrame | None]:
    """Yield one item per frame of the video: the decoded frame, or None where it is not wanted."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise VcmflowError(f"{path}: no video stream in this file")
            stream = container.streams.video[0]
            # Frame threads hand pictures out late; where packets are skipped, none may be.
            stream.thread_type = "AUTO" if wanted is None else "SLICE"
            ours = stream.codec_context.name == "ffv1"
            number, end = 0, float("-inf")
            for packet in container.demux(stream):
                if ours and packet.size:
                    # FFV1 has no reordering and one frame per packet.
                    end = float((packet.pts or 0) * packet.time_base)
                    if wanted is not None and number not in wanted and packet.is_keyframe:
                        number += 1
                        yield None
                        continue
                for picture in packet.decode():
                    yield picture if wanted is None or number in wanted else None
                    number += 1
            if ours:
                _check_end(path, stream, number, end)
            if not number:
                raise VcmflowError(f"{path}: holds no frames")
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except (av.error.FFmpegError, OSError) as error:
        raise VcmflowError(f"{path}: cannot be decoded ({error})") from None


def _rgb(picture: av.VideoFrame) -> Frame:
    return np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)


def _check_end(path: Path, stream: av.VideoStream, count: int, last: float) -> None:
    """Compare the last frame's time with the duration that was noted when the file was finished.

    The demuxer takes a file that breaks off for one that ends.
    """
    noted = stream.metadata.get("DURATION", "")
    rate = stream.average_rate
    if not rate or noted.count(":") != 2:
        return
    hours, minutes, seconds = (float(part) for part in noted.split(":"))
    if last + 0.5 / rate < 3600 * hours + 60 * minutes + seconds - 1 / rate:
        raise VcmflowError(f"{path}: breaks off after {count} frames")
