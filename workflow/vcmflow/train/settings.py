"""What can be chosen about any training that goes by steps of one batch each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from vcmflow.core.ranges import AboveZero, Count, Precision, Seed
from vcmflow.train.trainee import Schedule

Average = Annotated[float, Field(ge=0, lt=1)]
Steps = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Settings:
    """Settings that a trainee's own are added to; it may declare one again with another default.

    Attributes:
        seed: of everything random: first weights, what is drawn to learn from, how it is changed.
        steps: of the optimiser.
        batch: samples per step.
        learning_rate: highest one.
        average: per-step share kept by the running average of the weights that is stored; 0: the
            weights themselves are.
        precision: ``float32``, ``bfloat16`` (mixed, about twice as fast on processors that support
            it), or ``auto``: mixed on a GPU.
        log_every: steps between two lines of progress and of the log.
        validate_every: steps between two validations; 0: at the end only, which always validates.
    """

    CLIP: ClassVar[float]  # largest norm of the gradient

    seed: Seed = 0
    steps: Count = 2000
    batch: Count = 8
    learning_rate: AboveZero = 1e-3
    average: Average = 0.0
    precision: Precision = "float32"
    log_every: Count = 50
    validate_every: Steps = 0

    def schedule(self) -> Schedule:
        """What the loop has to know."""
        return Schedule(
            steps=self.steps,
            seed=self.seed,
            precision=self.precision,
            log_every=self.log_every,
            validate_every=self.validate_every,
            average=self.average,
            clip=self.CLIP,
        )
