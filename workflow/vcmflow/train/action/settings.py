"""What can be chosen about the training of the small network of clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vcmflow.core.ranges import Count, ZeroOrMore
from vcmflow.train.settings import Average, Settings


@dataclass(frozen=True)
class ActionSettings(Settings):
    """Settings of the training; every clip is drawn anew.

    The learning rate is AdamW's: a warm-up over 5 % of the steps, then a cosine to 1 %.

    Attributes:
        clips: rendered clips to validate on.
        decay: weight decay.
    """

    CLIP: ClassVar[float] = 5.0

    steps: Count = 1000
    batch: Count = 16
    average: Average = 0.99
    clips: Count = 200
    decay: ZeroOrMore = 0.02
