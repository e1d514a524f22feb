"""What can be chosen about the training of TransVFC's codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from vcmflow.core.ranges import AboveZero, Count, Precision, Seed, ZeroOrMore
from vcmflow.train.trainee import Schedule


@dataclass(frozen=True)
class TransVfcSettings:
    """Settings of the training; weights of the loss as published.

    Attributes:
        steps: of the optimiser. Of the rate, the first fifth has half of the latents y and mv_y
            alone, the second half of all four, the rest the whole.
        batch: runs of frames per step; the operating points take turns.
        frames: per run, the first one intra; 2 in the first fifth, 3 in the second.
        crop: px, a multiple of 64; side of the square that is cut out of frames.
        feature_weight, warp_weight, perception_weight: of the squared errors of the feature, of
            its prediction, and of the levels of the perception network.
        learning_rate: highest one (Adam); a short rise, then a cosine to 1 %.
        average: per-step share kept by the running average of the weights that is stored.
        held_out: every so-manieth clip is for validation.
        seed: decides first weights, runs and crops.
        precision: ``float32``, ``bfloat16`` (mixed), or ``auto``: mixed on a GPU.
        log_every: steps between two lines of progress and of the log.
        validate_every: steps between two validations; the end always validates.
    """

    steps: Count = 20000
    batch: Count = 4
    frames: Annotated[int, Field(ge=2, le=12)] = 4
    crop: Annotated[int, Field(ge=64, multiple_of=64)] = 128
    feature_weight: ZeroOrMore = 16.0
    warp_weight: ZeroOrMore = 1.6
    perception_weight: ZeroOrMore = 4.0
    learning_rate: AboveZero = 5e-4
    average: Annotated[float, Field(gt=0, lt=1)] = 0.998
    held_out: Annotated[int, Field(ge=2)] = 20
    seed: Seed = 0
    precision: Precision = "float32"
    log_every: Count = 50
    validate_every: Count = 1000

    def schedule(self) -> Schedule:
        """What the loop has to know."""
        return Schedule(
            steps=self.steps,
            seed=self.seed,
            precision=self.precision,
            log_every=self.log_every,
            validate_every=self.validate_every,
            average=self.average,
            clip=1.0,
        )

    def stage(self, step: int) -> int:
        """0, 1 or 2: which of the three stages a step, from 0, is in."""
        return min(2, 5 * step // self.steps)
