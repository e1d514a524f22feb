"""Frames of whatever the user has: a video file, or a folder of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})


def open_frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a video file, or of a folder's pictures in the order of their names.

    Pictures that are grey, have 16 bit or an alpha channel become 8-bit RGB (alpha is dropped);
    files of a folder that are no pictures by their suffix are passed over.

    Returns:
        uint8 H x W x 3, RGB, all of one size.

    Raises:
        VcmflowError: nothing there, something that cannot be decoded, a file
            that breaks off before its end, or a change of size.
    """
    path = Path(path)
    frames = _read_pictures(path) if path.is_dir() else _read_video(path)
    size: tuple[int, ...] | None = None
    for number, frame in enumerate(frames):
        if size is None:
            size = frame.shape
        elif frame.shape != size:
            raise VcmflowError(
                f"{path}: frame {number} is {frame.shape[1]}x{frame.shape[0]}, the ones before are "
                f"{size[1]}x{size[0]}; split the video where its size changes"
            )
        yield frame
    if size is None:
        raise VcmflowError(f"{path}: holds no frames")


def frame_rate(path: Path, otherwise: float = 25.0) -> float:
    """Return a video file's frames per second; ``otherwise`` for pictures, or if it has none.

    Raises:
        VcmflowError: the file is missing or cannot be read.
    """
    if Path(path).is_dir():
        return otherwise
    try:
        with av.open(str(path)) as container:
            rate = container.streams.video[0].average_rate if container.streams.video else None
    except (av.error.FFmpegError, OSError) as error:
        raise VcmflowError(f"{path}: cannot be read ({error})") from None
    return float(rate) if rate else otherwise


def _read_video(path: Path) -> Iterator[Frame]:
    """Yield a video file's frames, and fail at the end if it holds fewer than it says."""
    packets, end = 0, 0.0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise VcmflowError(f"{path}: no video stream in this file")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            alone = len(container.streams) == 1
            for packet in container.demux(stream):
                if packet.is_corrupt:
                    raise VcmflowError(f"{path}: breaks off or is damaged after {packets} frames")
                packets += packet.size > 0
                if packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                for picture in packet.decode():
                    yield np.asarray(picture.to_ndarray(format="rgb24"), dtype=np.uint8)
            # Matroska counts no frames, but says how long it is; two frames are rounding.
            length = (container.duration or 0) / av.time_base if alone and not stream.frames else 0
            two_frames = 2 / float(stream.average_rate or 1)
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except av.error.FFmpegError as error:
        raise VcmflowError(f"{path}: cannot be decoded ({error})") from None
    if packets < stream.frames or end < length - two_frames:
        raise VcmflowError(f"{path}: breaks off after {packets} frames; its header promises more")


def _read_pictures(folder: Path) -> Iterator[Frame]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURES)
    if not files:
        raise VcmflowError(f"{folder}: no pictures in this folder ({', '.join(sorted(PICTURES))})")
    for file in files:
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            raise VcmflowError(f"{file}: not a picture that can be read")
        yield np.asarray(picture, dtype=np.uint8)
