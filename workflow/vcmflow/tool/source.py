"""What is compressed: frames with their times, of a file, of a folder, or of an iterator."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from vcmflow.core.errors import VcmflowError
from vcmflow.core.listing import list_pictures
from vcmflow.core.video import Frame, open_source, open_video, read_pictures, to_frame

FPS = 25.0  # of pictures in a folder, which say none


class Timed(NamedTuple):
    """A frame and when it is shown.

    Attributes:
        frame: uint8 H x W x 3, RGB, upright.
        time: in units of the time base.
        duration: likewise, >= 1.
    """

    frame: Frame
    time: int
    duration: int


@dataclass(frozen=True)
class Source:
    """A video, to be read once.

    Attributes:
        name: for messages.
        frames: one after the other, in the order of their times.
        time_base: seconds per unit of time.
        fps: frames per second, on average.
        count: how many frames there are by the file's own account, None where it gives none.
        rotation: see ``tool.container.Header``.
        aspect: likewise.
        colour: likewise.
        audio: there is sound, too.
    """

    name: str
    frames: Iterator[Timed]
    time_base: Fraction
    fps: float
    count: int | None = None
    rotation: int = 0
    aspect: Fraction = Fraction(1)
    colour: tuple[int, int] = (2, 2)
    audio: bool = False


def of_frames(frames: Iterable[Frame], fps: float = FPS, name: str = "frames") -> Source:
    """Frames at a constant rate.

    Args:
        frames: uint8 H x W x 3, RGB, all of one size.
        fps: frames per second, above 0.
        name: for messages.

    Raises:
        VcmflowError: ``fps`` is not above 0.
    """
    if not 0 < fps < math.inf:
        raise VcmflowError(f"{name}: {fps} frames per second; allowed: above 0")
    rate = Fraction(fps).limit_denominator(100_000)
    timed = (Timed(frame, time, 1) for time, frame in enumerate(frames))
    return Source(name, timed, 1 / rate, float(rate))


def open_timed(path: Path, fps: float | None = None) -> Source:
    """Open a video file, or a folder of pictures in the natural order of their names.

    Args:
        path: file or folder.
        fps: frames per second of a folder (default 25); of a file, in place of its own times.

    Raises:
        VcmflowError: nothing there, or no video. Frames that cannot be read, or whose times do not
            ascend, raise it when they are reached.
    """
    path = Path(path)
    if path.is_dir():
        pictures_there = len(list_pictures(path))
        return replace(of_frames(open_source(path), fps or FPS, str(path)), count=pictures_there)
    with open_video(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate
        time_base = stream.time_base or Fraction(1, 90_000)
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        count, audio = stream.frames or None, bool(container.streams.audio)
    pictures = read_pictures(path)
    first = next(pictures)  # there is one, or it raises
    whole = itertools.chain([first], pictures)
    if fps is not None:
        source = of_frames(map(to_frame, whole), fps, str(path))
    else:
        length = max(1, round(1 / (rate * time_base))) if rate else 1
        timed = _timed(whole, time_base, length, str(path))
        source = Source(str(path), timed, time_base, float(rate) if rate else FPS)
    return replace(
        source,
        count=count,
        rotation=round(first.rotation / 90) % 4 * 90,
        aspect=aspect if max(aspect.numerator, aspect.denominator) <= 1 << 16 else Fraction(1),
        colour=_colour(first),
        audio=audio,
    )


def _colour(picture: av.VideoFrame) -> tuple[int, int]:
    primaries, transfer = int(picture.color_primaries), int(picture.color_trc)
    return primaries if 0 < primaries < 256 else 2, transfer if 0 < transfer < 256 else 2


def _timed(
    pictures: Iterable[av.VideoFrame], time_base: Fraction, length: int, name: str
) -> Iterator[Timed]:
    """Frames with the file's times; ``length`` is a frame's where the file does not say."""
    end: int | None = None
    before: int | None = None
    for number, picture in enumerate(pictures):
        time = picture.pts
        if time is None:
            time = end or 0
        elif picture.time_base and picture.time_base != time_base:
            time = round(time * picture.time_base / time_base)
        if before is not None and time <= before:
            raise VcmflowError(
                f"{name}: frame {number} is not shown after the one before; give --fps for frames "
                "at a constant rate"
            )
        before = time
        duration = picture.duration or length
        end = time + duration
        yield Timed(to_frame(picture), time, duration)
