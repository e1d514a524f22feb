"""What can be chosen about the training of the mini models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from vcmflow.core.ranges import ZeroOrMore
from vcmflow.train.settings import Average, Settings, Steps

Scenes = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class ModelSettings(Settings):
    """Settings of the training; scenes are rendered besides or instead of given sequences.

    The learning rate is AdamW's: a warm-up over 5 % of the steps, then a cosine to 1 %.

    Attributes:
        scenes: random scenes to render for training.
        validation_scenes: random scenes to render for validation.
        decay: weight decay.
    """

    CLIP: ClassVar[float] = 5.0

    average: Average = 0.997
    validate_every: Steps = 500
    scenes: Scenes = 0
    validation_scenes: Scenes = 0
    decay: ZeroOrMore = 0.02
