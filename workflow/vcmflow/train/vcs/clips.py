"""Clips of unlabelled videos, and what x265 makes of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.listing import list_videos
from vcmflow.core.resize import fit_short_side, resize
from vcmflow.core.video import Frame, open_video, read_video
from vcmflow.encode.codec import Video
from vcmflow.encode.x265 import build as build_x265
from vcmflow.train.trainee import Place
from vcmflow.train.vcs.settings import VcsSettings

_TRIES = 100  # unusable videos in a row before giving up
_RATE = 25.0  # frames per second, which no constant QP depends on


@dataclass(frozen=True)
class Batch:
    """Clips of one size.

    Attributes:
        frames: uint8 (B, 3, T, H, W).
        decoded: the same, as x265 gives them back.
    """

    frames: Tensor
    decoded: Tensor


class Coder:
    """Codes clips with x265 at a QP."""

    def __init__(self) -> None:
        self._codec = build_x265()

    def __call__(self, clip: Sequence[Frame], point: int) -> list[Frame]:
        """The clip as it comes back."""
        height, width = clip[0].shape[:2]
        shape = Shape(width, height, len(clip), _RATE)
        with tempfile.TemporaryDirectory(prefix="vcmflow-") as scratch:
            stream = {"base": Path(scratch, "stream.265")}
            self._codec.encode(Video(shape, lambda: iter(clip), Path(scratch)), {}, point, stream)
            decoded: list[Frame] = list(self._codec.decode(stream, shape))  # type: ignore[arg-type]
        return decoded


class Clips(Dataset[Batch]):
    """This process's clips of every step, which depend on seed and step alone.

    Args:
        videos: what to draw from.
        settings: of the training.
        place: which of the processes this is.
    """

    def __init__(self, videos: Sequence[Path], settings: VcsSettings, place: Place) -> None:
        self._videos = videos
        self._settings = settings
        self._place = place
        self._code = Coder()

    def __getitem__(self, step: int) -> Batch:
        """The clips of ``step``, counted from 0.

        Raises:
            VcmflowError: no usable video is found.
        """
        first = step * self._settings.batch
        last, world = first + self._settings.batch, self._place.world
        return stacked(
            [self.clip(number) for number in range(first + self._place.rank, last, world)]
        )

    def clip(self, number: int) -> tuple[list[Frame], list[Frame]]:
        """One clip, original and decoded."""
        settings = self._settings
        rng = np.random.default_rng([settings.seed, 1, number])
        for _ in range(_TRIES):
            video = self._videos[int(rng.integers(len(self._videos)))]
            try:
                frames = neighbours(video, settings.frames, rng.random())
            except VcmflowError:
                continue
            clip = cropped(frames, settings.short_side, settings.crop, rng)
            return clip, self._code(clip, int(rng.choice(settings.points)))
        raise VcmflowError(
            f"{self._videos[0].parent}: {_TRIES} draws in a row gave no video of "
            f"{settings.frames} frames that can be decoded"
        )


def neighbours(video: Path, count: int, place: float) -> list[Frame]:
    """Consecutive frames from a place of a video, 0 (its start) to 1 (as late as there are enough).

    Raises:
        VcmflowError: it cannot be decoded, or has fewer frames.
    """
    with open_video(video) as container:
        stream = container.streams.video[0]
        length = float((stream.duration or 0) * (stream.time_base or 0))
        total = stream.frames or int(length * float(stream.average_rate or 0))
    start = round(place * max(0, total - count))
    frames = list(islice(read_video(video), start, start + count))
    if len(frames) < count:
        raise VcmflowError(f"{video}: {len(frames)} frames from {start} on; a clip has {count}")
    return frames


def cropped(
    frames: Sequence[Frame], short_side: int, crop: int, rng: np.random.Generator
) -> list[Frame]:
    """A random square out of the shrunk frames, as it is or mirrored."""
    size = fit_short_side(frames[0].shape[0], frames[0].shape[1], short_side)
    shrunk = [resize(frame, *size) for frame in frames]
    top, left = (int(rng.integers(length - crop + 1)) for length in size)
    turn = slice(None, None, int(rng.choice([-1, 1])))
    return [
        np.ascontiguousarray(frame[top : top + crop, left : left + crop][:, turn])
        for frame in shrunk
    ]


def stacked(clips: Sequence[tuple[Sequence[Frame], Sequence[Frame]]]) -> Batch:
    """Clips of one size as tensors."""
    frames, decoded = (
        torch.from_numpy(np.stack([np.stack(one[part]) for one in clips])).permute(0, 4, 1, 2, 3)
        for part in (0, 1)
    )
    return Batch(frames.contiguous(), decoded.contiguous())


def split(source: Path, held_out: int) -> tuple[list[Path], list[Path]]:
    """Videos to learn from, and the last ones, to validate on.

    Raises:
        VcmflowError: too few videos.
    """
    videos = list_videos(source)
    if len(videos) <= held_out:
        raise VcmflowError(
            f"{source}: {len(videos)} videos; wanted: more than held_out ({held_out})"
        )
    kept = len(videos) - held_out
    return videos[:kept], videos[kept:]
