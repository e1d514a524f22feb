"""What can be chosen about the training of VCS; the defaults are the paper's scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import AboveZero, Count, Precision, Share, ZeroOrMore
from vcmflow.nets.vcs.config import Config
from vcmflow.train.settings import Settings

Crop = Annotated[int, Field(ge=64, multiple_of=32)]


@dataclass(frozen=True)
class VcsSettings(Settings):
    """Settings of the training, in four stages: what a stage adds stays.

    The learning rate is Adam's; it falls as a cosine to a tenth over the last half of the steps.

    Attributes:
        frames: of a clip, neighbours in their video.
        crop: px; side of the square that is cut out of them.
        short_side: px; frames are shrunk to it before.
        width: share of the paper's channels: 1, 0.5 or 0.25.
        low: lowest QP of x265 that clips are coded at; every clip draws one of five,
        high: from the lowest to this one, equally spaced. The paper has 35, 39, 43, 47, 51.
        code_from: share of the steps after which the semantic code is trained, and its rate costs;
            before, the fusion network learns alone.
        contrast_from: share after which the contrastive loss counts.
        real_from: share after which the discriminator takes part; 1: it never does.
        rate: weight of the code's bits per pixel.
        rate_from: share after which the rate teaches the encoder; before, it teaches the density
            alone. Adam makes steps of one size however small a weight is, and a code of which
            nothing is known yet but its rate goes to zero.
        rate_rise: share of the steps over which the weight rises from 0 then.
        contrast: weight of the contrastive loss.
        perceptual: weight of the distance of features; 0: none is computed.
        features: network in ``vcmflow.importance.registry.NETWORKS`` whose features those are. Its
            weights are the training's ``initial_weights``. (The paper has LPIPS.)
        real: weight of the adversarial loss.
        queue: vectors that a clip is told apart from.
        temperature: of their similarities.
        momentum: share that the network of the originals keeps at a step.
        held_out: videos, the last ones, to validate on.
    """

    CLIP: ClassVar[float] = 10.0

    steps: Count = 500_000
    batch: Count = 24
    learning_rate: AboveZero = 1e-4
    precision: Precision = "auto"
    frames: Count = 16
    crop: Crop = 256
    short_side: Count = 256
    width: AboveZero = 1.0
    low: Annotated[int, Field(ge=0, le=51)] = 35
    high: Annotated[int, Field(ge=0, le=51)] = 51
    code_from: Share = 0.1
    contrast_from: Share = 0.3
    real_from: Share = 0.5
    rate: ZeroOrMore = 1.0
    rate_from: Share = 0.2
    rate_rise: Share = 0.1
    contrast: ZeroOrMore = 0.1
    perceptual: ZeroOrMore = 1.0
    features: str = "resnet18"
    real: ZeroOrMore = 0.1
    queue: Count = 65536
    temperature: AboveZero = 0.2
    momentum: Share = 0.999
    held_out: Annotated[int, Field(ge=0)] = 8

    def __post_init__(self) -> None:
        Config(width=self.width)  # checks it
        for name, value, least, other in (
            ("short_side", self.short_side, self.crop, "crop"),
            ("high", self.high, self.low, "low"),
            ("queue", self.queue, self.batch, "batch"),
        ):
            if value < least:
                raise VcmflowError(
                    f"trainee 'vcs': {name} is {value}; allowed: {other} ({least}) or more"
                )

    @property
    def points(self) -> list[int]:
        """The QPs that clips are coded at."""
        return sorted({round(self.low + (self.high - self.low) * k / 4) for k in range(5)})
