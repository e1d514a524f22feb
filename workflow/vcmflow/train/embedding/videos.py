"""Unlabelled videos of any folder: finding them, splitting them, and reading adjacent frames."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av import VideoFrame
from av.container import InputContainer

from vcmflow.core.errors import VcmflowError
from vcmflow.core.listing import list_videos
from vcmflow.core.resize import fit_short_side, resize
from vcmflow.core.video import Frame, decode_packets, open_video, to_frame

_SLACK = 1e-6  # s; times are fractions of a second rounded to the file's clock


@dataclass(frozen=True)
class Split:
    """Disjoint sets of videos (T and N of the paper)."""

    positive: tuple[Path, ...]
    negative: tuple[Path, ...]


def find_videos(source: Path) -> list[Path]:
    """Return the videos of a folder of any depth, or of a text file that lists one per line.

    Lines of a list are relative to its folder. Folder names (labels, for some) mean nothing.

    Returns:
        Paths in the order of their names, which does not depend on the machine.

    Raises:
        VcmflowError: no such folder or list, or no videos in it.
    """
    source = Path(source)
    if not source.is_file():
        return list_videos(source)
    try:
        lines = source.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise VcmflowError(f"{source}: neither a folder nor a text file of paths") from None
    videos = sorted({source.parent / line.strip() for line in lines if line.strip()})
    if not videos:
        raise VcmflowError(f"{source}: names no videos")
    return videos


def split_videos(videos: Sequence[Path], negative: float, seed: int) -> Split:
    """Set videos aside for negatives, at random; the rest gives the positive pairs.

    Args:
        videos: all of them.
        negative: how many, or which share if below 1 (then at least one).
        seed: >= 0.

    Raises:
        VcmflowError: one of the two sets would be empty.
    """
    count = max(1, round(negative * len(videos))) if negative < 1 else int(negative)
    if count >= len(videos):
        raise VcmflowError(
            f"negative_videos is {negative:g}: of {len(videos)} videos, at most "
            f"{len(videos) - 1} can be set aside for negatives"
        )
    order = np.random.default_rng([seed, 0]).permutation(len(videos))
    chosen = set(order[:count].tolist())
    return Split(
        positive=tuple(video for number, video in enumerate(videos) if number not in chosen),
        negative=tuple(video for number, video in enumerate(videos) if number in chosen),
    )


def check_kinds(split: Split) -> None:
    """Check that every video of T has negatives of another kind, where folders are kinds.

    Raises:
        VcmflowError: all of N, and some of T, lie in one folder.
    """
    kinds = {video.parent for video in split.negative}
    if len(kinds) == 1 and any(video.parent in kinds for video in split.positive):
        raise VcmflowError(
            f"kinds: folders: all negatives lie in {kinds.pop()}, so that its other videos have "
            "none; raise negative_videos, or use kinds: none"
        )


@dataclass(frozen=True)
class Clip:
    """All frames of a short video, shrunk: uint8 T x h x w x 3, and when they are shown (s)."""

    frames: npt.NDArray[np.uint8]
    times: list[float]
    length: float
    step: float


class VideoPool:
    """Reads pairs of adjacent frames at random places of many videos.

    Small videos are decoded once and kept, shrunk, while a budget lasts. What a read returns does
    not depend on the budget.

    Args:
        videos: the files.
        short_side: px; frames are shrunk to it.
        budget: bytes of frames to keep in memory.
    """

    def __init__(self, videos: Sequence[Path], short_side: int, budget: int = 0) -> None:
        self.videos = tuple(videos)
        self._short_side = short_side
        self._budget = budget
        self._clips: dict[int, Clip] = {}

    def preload(self) -> int:
        """Keep as many videos as the budget holds, in order, and return how many those are.

        To be called before loader processes start, so that they share the memory. Unusable videos
        are left for :meth:`pair` to report.
        """
        for number, video in enumerate(self.videos):
            try:
                if self._size(video) > self._budget:
                    break
                clip = read_clip(video, self._short_side)
            except VcmflowError:
                continue
            self._clips[number] = clip
            self._budget -= clip.frames.nbytes
        return len(self._clips)

    def pair(self, number: int, place: float) -> tuple[Frame, Frame]:
        """Return two adjacent frames, shrunk: uint8 h x w x 3, RGB.

        Args:
            number: which video, 0-based.
            place: where, from 0 (start) to 1 (end).

        Raises:
            VcmflowError: it cannot be decoded there, or is too short.
        """
        clip = self._clips.get(number)
        if clip is None:
            first, second = read_pair(self.videos[number], place)
            return self._shrink(first), self._shrink(second)
        target = place * max(0.0, clip.length - 2 * clip.step) - _SLACK
        index = min(bisect_left(clip.times, target), len(clip.times) - 2)
        return clip.frames[index], clip.frames[index + 1]

    def _shrink(self, frame: Frame) -> Frame:
        return resize(frame, *fit_short_side(frame.shape[0], frame.shape[1], self._short_side))

    def _size(self, video: Path) -> int:
        """Estimate the bytes of the shrunk clip from the file's header."""
        with open_video(video) as container:
            stream = container.streams.video[0]
            height, width = fit_short_side(stream.height, stream.width, self._short_side)
            length, step = _length(container)
            return int(length / step + 1) * height * width * 3


def read_clip(video: Path, short_side: int) -> Clip:
    """Decode a whole video, shrunk.

    Raises:
        VcmflowError: it cannot be decoded, changes its size, or has fewer than two frames.
    """
    frames: list[Frame] = []
    times: list[float] = []
    with open_video(video) as container:
        length, step = _length(container)
        for time, picture in _decode(container):
            size = fit_short_side(picture.height, picture.width, short_side)
            frames.append(resize(to_frame(picture), *size))
            times.append(time)
    if len(frames) < 2 or any(frame.shape != frames[0].shape for frame in frames):
        raise VcmflowError(f"{video}: fewer than two frames, or a change of size")
    return Clip(np.stack(frames), times, length, step)


def read_pair(video: Path, place: float) -> tuple[Frame, Frame]:
    """Seek to ``place`` (0..1) of a video and decode two adjacent frames at full size.

    Raises:
        VcmflowError: it cannot be decoded there, changes its size, or has fewer than two frames.
    """
    with open_video(video) as container:
        length, step = _length(container)
        target = place * max(0.0, length - 2 * step) - _SLACK
        stream = container.streams.video[0]
        # Two frames early, so that there is a pair even where the clock rounds past the end.
        start = (stream.start_time or 0) + int(
            max(0.0, target - 2 * step) / (stream.time_base or 1)
        )
        container.seek(start, stream=stream, backward=True)
        before: tuple[float, VideoFrame] | None = None
        pair: tuple[VideoFrame, VideoFrame] | None = None
        for time, picture in _decode(container):
            if before is not None:
                pair = before[1], picture
                if before[0] >= target:
                    break
            before = time, picture
        if pair is None or (pair[0].width, pair[0].height) != (pair[1].width, pair[1].height):
            raise VcmflowError(f"{video}: fewer than two frames, or a change of size")
        return to_frame(pair[0]), to_frame(pair[1])


def _length(container: InputContainer) -> tuple[float, float]:
    """Return the length of a video and of one frame in seconds."""
    stream = container.streams.video[0]
    step = 1 / float(stream.average_rate or 25)
    if stream.duration is not None:
        return float(stream.duration * (stream.time_base or 1)), step
    return (container.duration or 0) / av.time_base, step


def _decode(container: InputContainer) -> Iterator[tuple[float, VideoFrame]]:
    """Yield (time since the stream's start in s, picture) from where the container stands."""
    stream = container.streams.video[0]
    first = float((stream.start_time or 0) * (stream.time_base or 1))
    for picture in decode_packets(container):
        if picture.time is None:
            raise VcmflowError(f"{container.name}: frames without time stamps")
        yield picture.time - first, picture
