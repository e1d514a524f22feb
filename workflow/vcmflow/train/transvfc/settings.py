"""What can be chosen about the training of TransVFC's codec and of its transfer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from vcmflow.core.ranges import AboveZero, Count, ZeroOrMore
from vcmflow.train.settings import Average, Settings, Steps


@dataclass(frozen=True)
class RunsSettings(Settings):
    """Settings of a training on runs of frames, of which a batch is; the first one is intra.

    The learning rate is Adam's: a short rise, then a cosine to 1 %. Operating points take turns.

    Attributes:
        frames: per run.
        crop: px, a multiple of 64; side of the square that is cut out of frames.
        held_out: every so-manieth clip is for validation.
    """

    CLIP: ClassVar[float] = 1.0

    batch: Count = 4
    learning_rate: AboveZero = 5e-4
    average: Average = 0.998
    validate_every: Steps = 1000
    frames: Annotated[int, Field(ge=2, le=12)] = 4
    crop: Annotated[int, Field(ge=64, multiple_of=64)] = 128
    held_out: Annotated[int, Field(ge=2)] = 20

    def frames_at(self, step: int) -> int:
        """Frames per run at a step, from 0."""
        del step
        return self.frames


@dataclass(frozen=True)
class TransVfcSettings(RunsSettings):
    """Settings of the codec's training; weights of the loss as published.

    In the first stage the rate is half of that of the latents y and mv_y alone, and runs have 2
    frames; in the second it is half of that of all four, and runs have 3; the rest has the whole.

    Attributes:
        feature_weight, warp_weight, perception_weight: of the squared errors of the feature, of
            its prediction, and of the levels of the perception network.
        stages: share of the steps that the first stage has, and the second again; 0 for neither,
            where a training goes on from another one's weights.
    """

    steps: Count = 20000
    feature_weight: ZeroOrMore = 16.0
    warp_weight: ZeroOrMore = 1.6
    perception_weight: ZeroOrMore = 4.0
    stages: Annotated[float, Field(ge=0, le=0.5)] = 0.2

    def stage(self, step: int) -> int:
        """0, 1 or 2: which of the three stages a step, from 0, is in."""
        length = self.stages * self.steps
        return min(2, int(step // length)) if length else 2

    def frames_at(self, step: int) -> int:
        """Fewer before the last stage."""
        return min(self.frames, (2, 3, self.frames)[self.stage(step)])


@dataclass(frozen=True)
class FstSettings(RunsSettings):
    """Settings of the transfer's training; weights of the loss as published for segmentation.

    The published loss has that of the task, too, for which clips would need labels.

    Attributes:
        segmenter: weights file of the network whose features are wanted.
        inner: channels inside; 64 as published.
        feature_weight, levels_weight, image_weight: of the squared errors of the feature, of the
            levels of the segmenter's pyramid, and of the picture, 0..1.
    """

    steps: Count = 20000
    segmenter: str = "models/yolact_mini.safetensors"
    inner: Count = 64
    feature_weight: ZeroOrMore = 16.0
    levels_weight: ZeroOrMore = 64.0
    image_weight: ZeroOrMore = 1024.0
