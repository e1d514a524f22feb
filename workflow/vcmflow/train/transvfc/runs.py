"""Learning from runs of frames: what the trainings of codec and transfer have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.nets.transvfc.detector import LAMBDAS, DetectorCodec
from vcmflow.train.trainee import Files, Place, Row, warm_cosine
from vcmflow.train.transvfc.clips import Clip, Clips, find_clips
from vcmflow.train.transvfc.settings import RunsSettings

_QUALITIES = (30, 96)  # of the JPEG pictures that stand for intra frames
_HELD_OUT_RUNS = 8


class Runs(Dataset[Tensor]):
    """The runs of every step, uint8 (B, 1 + frames, crop, crop, 3): see ``draw``.

    They are a function of seed and step.
    """

    def __init__(self, clips: Clips, settings: RunsSettings, place: Place) -> None:
        self._clips = clips
        self._settings = settings
        self._own = range(place.rank, settings.batch, place.world)

    def __getitem__(self, step: int) -> Tensor:
        """Return this process's share of a step's runs."""
        frames = self._settings.frames_at(step)
        runs = []
        for item in self._own:
            rng = np.random.default_rng(
                [self._settings.seed, 1, step * self._settings.batch + item]
            )
            runs.append(draw(self._clips, frames, self._settings.crop, rng))
        return torch.from_numpy(np.stack(runs))


def draw(clips: Clips, frames: int, crop: int, rng: np.random.Generator) -> Clip:
    """A random crop of a random run, mirrored and reversed at random, every or every other frame.

    Before the frames comes the first one coded as JPEG, as the one that a codec starts from has
    errors, too.
    """
    number, place, stride = int(rng.integers(len(clips.paths))), rng.random(), rng.integers(1, 3)
    run = clips.run(number, place, (frames - 1) * int(stride) + 1)[:: int(stride)]
    height, width = run.shape[1:3]
    if min(height, width) < crop:
        raise VcmflowError(f"crop is {crop} px; {clips.paths[number]} has {width}x{height}")
    top, left = rng.integers(height - crop + 1), rng.integers(width - crop + 1)
    run = run[:, top : top + crop, left : left + crop]
    run = run[:, :, ::-1] if rng.random() < 0.5 else run
    run = run[::-1] if rng.random() < 0.5 else run
    return np.concatenate([coarse(run[0], int(rng.integers(*_QUALITIES)))[None], run])


def coarse(frame: Frame, quality: int) -> Frame:
    """A frame as JPEG gives it back."""
    data = cv2.imencode(".jpg", frame[..., ::-1].copy(), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


class RunsTrainee:
    """See ``vcmflow.train.trainee``; whoever learns adds the network, its loss, and what is kept.

    Args:
        settings: of the training.
        files: ``videos``; ``initial_weights``.

    Raises:
        VcmflowError: one of them is missing or unfit.
    """

    name: ClassVar[str]
    short_side: ClassVar[int]  # px; what the detector resizes frames to
    network: nn.Module

    def __init__(self, settings: RunsSettings, files: Files) -> None:
        for flag, given in (("videos", files.videos), ("initial-weights", files.initial_weights)):
            if given is None:
                raise VcmflowError(f"trainee {self.name!r} needs --{flag}")
        assert files.videos is not None  # noqa: S101  (for the type checker)
        assert files.initial_weights is not None  # noqa: S101
        self._initial = files.initial_weights
        self._settings, self._cache = settings, files.cache
        self._device = torch.device("cpu")
        self.schedule = settings.schedule()
        paths = find_clips(files.videos)
        if len(paths) < settings.held_out:
            raise VcmflowError(
                f"{files.videos}: {len(paths)} clips; every {settings.held_out}th is held out "
                "(held_out), so that many are the least"
            )
        self._held = paths[:: settings.held_out]
        self._paths = [path for path in paths if path not in set(self._held)]

    @property
    def identity(self) -> Any:
        """Settings and clips."""
        return [asdict(self._settings), [path.name for path in self._paths]]

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """Adam on all that is not frozen."""
        learned = [value for value in network.parameters() if value.requires_grad]
        return torch.optim.Adam(learned, lr=self._settings.learning_rate)

    def learning_rate(self, step: int) -> float:
        """A rise over 2 % of the steps, then a cosine to 1 %."""
        steps = self._settings.steps
        rise = max(1, round(0.02 * steps))
        return warm_cosine(step, steps, rise, self._settings.learning_rate, 0.01)

    def data(self, place: Place) -> Runs:
        """Open the clips."""
        if self._settings.batch % place.world:
            raise VcmflowError(
                f"trainee {self.name!r}: batch ({self._settings.batch}) must be a multiple of the "
                f"{place.world} processes"
            )
        self._device = place.device
        clips = Clips(self._paths, self.short_side, self._cache)
        return Runs(clips, self._settings, place)

    def warning(self, rows: Sequence[Row]) -> str | None:
        """Nothing is watched."""
        del rows
        return None

    @cached_property
    def held_out(self) -> Tensor:
        """Runs of the clips that are held out, as ``Runs`` gives them."""
        clips = Clips(self._held, self.short_side, self._cache)
        settings = self._settings
        rngs = (np.random.default_rng([settings.seed, 2, run]) for run in range(_HELD_OUT_RUNS))
        runs = [draw(clips, settings.frames, settings.crop, rng) for rng in rngs]
        return torch.from_numpy(np.stack(runs))


def turn(batch: int, step: int, place: Place) -> Tensor:
    """The operating point of every run; with as many runs as points or more, all in every step."""
    points = torch.arange(batch, device=place.device) + place.rank
    return (points * max(1, place.world) + step) % len(LAMBDAS)


@torch.no_grad()
def features_of(network: DetectorCodec, batch: Tensor) -> list[Tensor]:
    """Of every frame of runs, (B, C, crop/4, crop/4): the coarse first one, then all.

    Args:
        network: on the batch's device.
        batch: uint8 (B, 1 + frames, crop, crop, 3).
    """
    layout = torch.channels_last
    return [
        network.front(network.normalised(frame).contiguous(memory_format=layout))
        for frame in batch.permute(1, 0, 4, 2, 3).float()
    ]
