"""Restored frames as files: a video with the original's times, rotation and colour, or pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.core.video import Frame
from vcmflow.tool.container import Header
from vcmflow.tool.source import Timed

SUFFIXES = (".mp4", ".mov", ".mkv")
_BT709, _LIMITED = 1, 1  # matrix coefficients of H.273; AVCOL_RANGE_MPEG


def check_target(path: Path) -> None:
    """Refuse a kind of file that is not written.

    Raises:
        VcmflowError: it is one.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise VcmflowError(f"{path}: allowed: a name that ends in {', '.join(SUFFIXES)}")


def write_restored(
    path: Path, frames: Iterable[Timed], header: Header, crf: int | None = None
) -> int:
    """Write a video, whole or not at all, and return how many frames it has.

    Without ``crf`` the samples are kept exactly: H.264, lossless, RGB (FFV1 in Matroska), which
    detectors and ffmpeg read, and most browsers do not. Matroska rounds times to milliseconds.

    Args:
        path: .mp4, .mov or .mkv.
        frames: in the order of their times.
        header: of their container.
        crf: for H.264 as players take it, 0 (large) to 51.

    Raises:
        VcmflowError: there are no frames, or the file cannot be written.
    """
    check_target(path)
    count = 0
    try:
        with whole_file(path) as temporary, _open(temporary, header.time_base) as container:
            stream = None
            for frame, time, duration in frames:
                turned = np.ascontiguousarray(np.rot90(frame, -(header.rotation // 90)))
                if stream is None:
                    stream = _add_stream(container, turned, header, crf)
                picture = _picture(turned, stream, crf)
                picture.pts, picture.duration = time, duration
                picture.time_base = header.time_base
                container.mux(stream.encode(picture))
                count += 1
            if stream is None:
                raise VcmflowError(f"{path}: no frames to write")
            container.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError, OverflowError) as error:
        raise VcmflowError(f"{path}: cannot be written ({error})") from None
    return count


def write_pictures(folder: Path, frames: Iterable[Timed]) -> Iterator[Timed]:
    """Write each frame as a PNG picture as it passes by, numbered from 0.

    Raises:
        VcmflowError: the folder is not empty, or a picture cannot be written.
    """
    import cv2

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise VcmflowError(f"{folder}: is not empty; give a new folder")
    except OSError as error:
        raise VcmflowError(f"{folder}: {error.strerror}") from None
    for number, timed in enumerate(frames):
        path = folder / f"{number:06d}.png"
        if not cv2.imwrite(str(path), np.ascontiguousarray(timed.frame[..., ::-1])):
            raise VcmflowError(f"{path}: cannot be written")
        yield timed


def _open(path: Path, time_base: Fraction) -> av.container.OutputContainer:
    options = {}
    if path.suffix.lower() != ".mkv":
        options["video_track_timescale"] = str(time_base.denominator)
    return av.open(str(path), "w", options=options)


def _add_stream(
    container: av.container.OutputContainer, frame: Frame, header: Header, crf: int | None
) -> av.VideoStream:
    height, width = frame.shape[:2]
    matroska = "matroska" in container.format.name
    rate = Fraction(header.fps).limit_denominator(100_000)
    if crf is not None:
        # Chroma at half the resolution needs even sizes.
        kind, layout = "libx264", "yuv444p" if width % 2 or height % 2 else "yuv420p"
        options = {"crf": str(crf), "preset": "veryfast"}
    elif matroska:
        kind, layout, options = "ffv1", "bgr0", {}
    else:
        kind, layout = "libx264rgb", "rgb24"
        options = {"qp": "0", "preset": "ultrafast"}
    if kind != "ffv1":
        options |= {"x264-params": "bframes=0"}  # frames leave in the order of their times
    stream = cast(av.VideoStream, container.add_stream(kind, rate=rate, options=options))
    stream.height, stream.width, stream.pix_fmt = height, width, layout
    stream.time_base = stream.codec_context.time_base = header.time_base
    context = stream.codec_context
    context.color_primaries, context.color_trc = header.colour
    if crf is not None:
        context.colorspace, context.color_range = _BT709, _LIMITED
    context.sample_aspect_ratio = header.aspect
    if header.rotation:
        stream.set_display_rotation(header.rotation)
    return stream


def _picture(frame: Frame, stream: av.VideoStream, crf: int | None) -> av.VideoFrame:
    picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
    if crf is None:
        return picture
    return picture.reformat(format=stream.pix_fmt, dst_colorspace="ITU709", dst_color_range="MPEG")
