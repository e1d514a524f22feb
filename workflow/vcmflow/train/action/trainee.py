"""The small R(2+1)D as a trainee: rendered motions, cross-entropy, AdamW."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.core.video import Frame
from vcmflow.nets.embedding import normalise
from vcmflow.nets.r2plus1d_mini import NAME, VIEW, MiniR2Plus1d
from vcmflow.nets.weights import save_halves
from vcmflow.task.registry import RECOGNISERS
from vcmflow.train.action.settings import ActionSettings
from vcmflow.train.trainee import Files, Measured, Place, Row, adamw, warm_cosine
from vcmrender.api import MOTIONS, render_motion

Batch = tuple[Tensor, Tensor]
SIDE = 128  # px of rendered pictures, which shrink to what the network sees
SPLITS = {"train": 0, "validation": 1}


def draw(seed: int, split: str, number: int) -> tuple[list[Frame], int]:
    """A clip, uint8 squares of RGB, and its class; both depend on the arguments alone."""
    rng = np.random.default_rng([seed, SPLITS[split], number])
    label = int(rng.integers(len(MOTIONS)))
    pictures = render_motion(MOTIONS[label], VIEW.frames, SIDE, rng, "right")
    return [VIEW.square(picture) for picture in pictures], label


class Clips(Dataset[Batch]):
    """This process's clips of every step, uint8 (B, T, H, W, 3), and their classes (B,).

    Args:
        batch: clips per step, over all processes.
        seed: decides them.
        place: which of the processes this is.
    """

    def __init__(self, batch: int, seed: int, place: Place) -> None:
        self._batch = batch
        self._seed = seed
        self._place = place

    def __getitem__(self, step: int) -> Batch:
        """The clips of ``step``, counted from 0."""
        first = step * self._batch
        numbers = range(first + self._place.rank, first + self._batch, self._place.world)
        clips, labels = zip(*(draw(self._seed, "train", n) for n in numbers), strict=True)
        return torch.from_numpy(np.stack([np.stack(clip) for clip in clips])), torch.tensor(labels)


class ActionTrainee:
    """The network, taught by motions (see ``vcmflow.train.trainee``).

    Args:
        settings: of the training.
        files: none is read.
    """

    def __init__(self, settings: ActionSettings, files: Files) -> None:
        del files
        self._settings = settings
        self._device = "cpu"
        self.schedule = settings.schedule()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network: nn.Module = MiniR2Plus1d(len(MOTIONS))

    @property
    def identity(self) -> Any:
        """Settings."""
        return asdict(self._settings)

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """AdamW."""
        return adamw(network, self._settings.learning_rate, self._settings.decay)

    def learning_rate(self, step: int) -> float:
        """A warm-up over 5 % of the steps, then a cosine to 1 %."""
        steps = self._settings.steps
        return warm_cosine(step, steps, max(1, steps / 20), self._settings.learning_rate, 0.01)

    def data(self, place: Place) -> Clips:
        """Draw clips."""
        if self._settings.batch % place.world:
            raise VcmflowError(
                f"trainee {NAME!r}: batch ({self._settings.batch}) must be a multiple of the "
                f"{place.world} processes"
            )
        self._device = place.device.type
        return Clips(self._settings.batch, self._settings.seed, place)

    def loss(self, model: nn.Module, batch: Batch, step: int, place: Place) -> Measured:
        """Cross-entropy; beside it the share of right clips."""
        del step
        clips, labels = (part.to(place.device) for part in batch)
        pixels = normalise(clips.flatten(0, 1).permute(0, 3, 1, 2))
        pixels = pixels.reshape(*clips.shape[:2], *pixels.shape[1:]).transpose(1, 2)
        with place.autocast():
            scores = model(pixels.contiguous(memory_format=torch.channels_last_3d)).float()
        right = (scores.argmax(1) == labels).float().mean()
        return Measured(F.cross_entropy(scores, labels), {"top1": right})

    def warning(self, rows: Sequence[Row]) -> str | None:
        """Nothing is watched."""
        del rows
        return None

    def save(self, path: Path, network: nn.Module, counts: Mapping[str, float]) -> None:
        """Write the weights in half precision, and the names of the classes."""
        del counts
        save_halves(path, network, NAME, asdict(self._settings) | {"classes": list(MOTIONS)})

    def validate(self, weights: Path) -> dict[str, float]:
        """Top-1 and top-5 accuracy on held-out clips; top-1 where all frames are the middle one."""
        model = build(
            RECOGNISERS, NAME, "model", {}, offered={"weights": weights, "device": self._device}
        )
        counts = dict.fromkeys(("top1", "top5", "still"), 0)
        for frames, label in self._held_out:
            ranked = [entry["label"] for entry in model.run(frames)]
            counts["top1"] += ranked[0] == MOTIONS[label]
            counts["top5"] += MOTIONS[label] in ranked[:5]
            still = model.run([frames[len(frames) // 2]] * len(frames))
            counts["still"] += still[0]["label"] == MOTIONS[label]
        return {name: count / len(self._held_out) for name, count in counts.items()}

    @cached_property
    def _held_out(self) -> list[tuple[list[Frame], int]]:
        settings = self._settings
        return [draw(settings.seed, "validation", k) for k in range(settings.clips)]
