"""What can be chosen about the training of the mini models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from vcmflow.core.ranges import AboveZero, Count, Precision, Seed, ZeroOrMore
from vcmflow.train.trainee import Schedule

Scenes = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class ModelSettings:
    """Settings of the training; scenes are rendered besides or instead of given sequences.

    Attributes:
        steps: number of batches.
        scenes: random scenes to render for training.
        validation_scenes: random scenes to render for validation.
        batch: pictures per batch.
        learning_rate: highest one (AdamW); warm-up over 5 % of the steps, then a cosine to 1 %.
        decay: weight decay.
        average: per-step share kept by the running average of the weights that is stored.
        seed: decides scenes, first weights, the order of pictures and their changes.
        precision: ``float32``, ``bfloat16`` (mixed, about twice as fast on processors that support
            it), or ``auto``: mixed on a GPU.
        log_every: steps between two lines of progress and of the log.
        validate_every: steps between two validations; the end always validates.
    """

    steps: Count = 2000
    scenes: Scenes = 0
    validation_scenes: Scenes = 0
    batch: Count = 8
    learning_rate: AboveZero = 1e-3
    decay: ZeroOrMore = 0.02
    average: Annotated[float, Field(gt=0, lt=1)] = 0.997
    seed: Seed = 0
    precision: Precision = "float32"
    log_every: Count = 50
    validate_every: Count = 500

    def schedule(self) -> Schedule:
        """What the loop has to know."""
        return Schedule(
            steps=self.steps,
            seed=self.seed,
            precision=self.precision,
            log_every=self.log_every,
            validate_every=self.validate_every,
            average=self.average,
            clip=5.0,
        )
