"""What the mini models have in common as trainees: labelled pictures, AdamW, validation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from vcmflow.core.detections import Detector
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.nets.weights import save_halves
from vcmflow.task.registry import TASKS
from vcmflow.train.models.augment import augment
from vcmflow.train.models.folders import read_folder
from vcmflow.train.models.rendered import render_samples
from vcmflow.train.models.samples import Sample
from vcmflow.train.models.settings import ModelSettings
from vcmflow.train.models.validate import average_precision, found, mean_jaccard
from vcmflow.train.trainee import Files, Measured, Place, Row, adamw, warm_cosine


class Steps(Dataset[list[Sample]]):
    """This process's pictures of every step, augmented.

    Every epoch has its own order, every use of a picture its own changes.

    Args:
        samples: of one size.
        batch: pictures per step, over all processes.
        seed: decides order and changes.
        place: which of the processes this is.
    """

    def __init__(self, samples: Sequence[Sample], batch: int, seed: int, place: Place) -> None:
        self._samples = samples
        self._batch = batch
        self._seed = seed
        self._place = place

    def __getitem__(self, step: int) -> list[Sample]:
        """Return the pictures of ``step``, counted from 0."""
        chosen: list[Sample] = []
        first = step * self._batch
        for position in range(first + self._place.rank, first + self._batch, self._place.world):
            epoch, place = divmod(position, len(self._samples))
            order = np.random.default_rng([self._seed, 1, epoch]).permutation(len(self._samples))
            rng = np.random.default_rng([self._seed, 2, position])
            chosen.append(augment(self._samples[int(order[place])], rng))
        return chosen


class ModelTrainee(ABC):
    """A detector or segmenter, taught by labelled pictures (see ``vcmflow.train.trainee``).

    Args:
        settings: of the training.
        files: ``sequences`` and ``validation_sequences``, besides or instead of rendered scenes.

    Raises:
        VcmflowError: nothing to train or to validate on.
    """

    kind: ClassVar[str]  # of task
    name: ClassVar[str]  # registered model

    def __init__(self, settings: ModelSettings, files: Files) -> None:
        for scenes, sequences, prefix in (
            (settings.scenes, files.sequences, ""),
            (settings.validation_scenes, files.validation_sequences, "validation_"),
        ):
            if not scenes and not sequences:
                flag = f"--{prefix}sequences".replace("_", "-")
                raise VcmflowError(
                    f"trainee {self.name!r} has nothing for {prefix.rstrip('_') or 'training'}: "
                    f"give the option {prefix}scenes (1 or more) or {flag}"
                )
        self._settings = settings
        self._files = files
        self._device = "cpu"
        self.schedule = settings.schedule()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network: nn.Module = self.untrained()

    @abstractmethod
    def untrained(self) -> nn.Module:
        """Make the network; torch's generator decides its first weights."""

    @abstractmethod
    def losses(
        self, model: nn.Module, samples: Sequence[Sample], device: torch.device
    ) -> dict[str, Tensor]:
        """Return the parts, to be summed, of the loss of samples of one size."""

    @property
    def identity(self) -> Any:
        """Settings, and the folders that were given."""
        return [asdict(self._settings), *map(str, self._files.sequences)]

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """AdamW."""
        return adamw(network, self._settings.learning_rate, self._settings.decay)

    def learning_rate(self, step: int) -> float:
        """A warm-up over 5 % of the steps, then a cosine to 1 %."""
        steps = self._settings.steps
        rise = max(1, round(0.05 * steps))
        return warm_cosine(step, steps, rise, self._settings.learning_rate, 0.01)

    def data(self, place: Place) -> Steps:
        """Read and render the pictures."""
        settings = self._settings
        if settings.batch % place.world:
            raise VcmflowError(
                f"trainee {self.name!r}: batch ({settings.batch}) must be a multiple of the "
                f"{place.world} processes"
            )
        self._device = place.device.type
        samples = self._gather("train", settings.scenes, self._files.sequences)
        if len({sample.owner.shape for sample in samples}) > 1:
            raise VcmflowError("training pictures differ in size; give sequences of one size")
        return Steps(samples, settings.batch, settings.seed, place)

    def loss(self, model: nn.Module, batch: Sequence[Sample], step: int, place: Place) -> Measured:
        """Sum the parts of the loss."""
        del step
        with place.autocast():
            parts = self.losses(model, batch, place.device)
        return Measured(torch.stack([part.float() for part in parts.values()]).sum(), parts)

    def warning(self, rows: Sequence[Row]) -> str | None:
        """Nothing is watched."""
        del rows
        return None

    def save(self, path: Path, network: nn.Module, counts: Mapping[str, float]) -> None:
        """Write the weights in half precision."""
        del counts
        save_halves(path, network, self.name, asdict(self._settings))

    def validate(self, weights: Path) -> dict[str, float]:
        """AP per class and mAP, and J where the model makes masks, as the task stage runs it."""
        models = TASKS[self.kind]
        detector: Detector = build(
            models, self.name, "model", {}, weights=weights, device=self._device
        )
        detections = found(detector, self._held_out)
        scores = average_precision(self._held_out, detections, smallest=1)
        if any(one.masks is not None for one in detections):
            scores |= mean_jaccard(self._held_out, detections, smallest=1)
        return scores

    @cached_property
    def _held_out(self) -> list[Sample]:
        files = self._files.validation_sequences
        return self._gather("validation", self._settings.validation_scenes, files)

    def _gather(self, split: str, scenes: int, folders: Sequence[Path]) -> list[Sample]:
        """Return rendered samples followed by those of folders."""
        samples = [sample for folder in folders for sample in read_folder(folder)]
        return render_samples(self.kind, scenes, self._settings.seed, split) + samples
