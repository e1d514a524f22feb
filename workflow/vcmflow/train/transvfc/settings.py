"""What can be chosen about the training of TransVFC's codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from vcmflow.core.ranges import AboveZero, Count, ZeroOrMore
from vcmflow.train.settings import Average, Settings, Steps


@dataclass(frozen=True)
class TransVfcSettings(Settings):
    """Settings of the training; weights of the loss as published.

    Of the rate, the first fifth of the steps has half of the latents y and mv_y alone, the second
    half of all four, the rest the whole. The learning rate is Adam's: a short rise, then a cosine
    to 1 %. A batch is of runs of frames; the operating points take turns.

    Attributes:
        frames: per run, the first one intra; 2 in the first fifth, 3 in the second.
        crop: px, a multiple of 64; side of the square that is cut out of frames.
        feature_weight, warp_weight, perception_weight: of the squared errors of the feature, of
            its prediction, and of the levels of the perception network.
        held_out: every so-manieth clip is for validation.
    """

    CLIP: ClassVar[float] = 1.0

    steps: Count = 20000
    batch: Count = 4
    learning_rate: AboveZero = 5e-4
    average: Average = 0.998
    validate_every: Steps = 1000
    frames: Annotated[int, Field(ge=2, le=12)] = 4
    crop: Annotated[int, Field(ge=64, multiple_of=64)] = 128
    feature_weight: ZeroOrMore = 16.0
    warp_weight: ZeroOrMore = 1.6
    perception_weight: ZeroOrMore = 4.0
    held_out: Annotated[int, Field(ge=2)] = 20

    def stage(self, step: int) -> int:
        """0, 1 or 2: which of the three stages a step, from 0, is in."""
        return min(2, 5 * step // self.steps)
