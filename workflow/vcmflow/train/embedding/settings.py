"""What can be chosen about the training of the embedding; every ablation is one of these."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import AboveZero, Count, Precision, Seed, Share, ZeroOrMore
from vcmflow.train.trainee import Schedule


@dataclass(frozen=True)
class EmbeddingSettings:
    """Settings of the self-supervised training (2.1, 2.2); the defaults are the paper's scale.

    Attributes:
        seed: of everything random: weights, split of the videos, pairs, augmentation.
        epochs: passes over the positive videos, one pair of each per pass; used unless ``steps``.
        steps: optimiser steps; None to count epochs.
        pairs: positive pairs per step.
        negatives: candidate negatives per step, each a frame of another negative video's draw.
        negative_videos: videos set aside for negatives: a number, or a share if below 1. The paper
            sets 6,245 of 306,245 aside.
        kinds: ``folders``: videos of one folder are of one kind, and never each other's negatives;
            ``none``: nothing is known of their kinds, and folder names are not looked at.
        dimension: length of an embedding.
        temperature: tau; similarities are divided by it in Eq. (5). The paper has none: 1.
        mining: keep semi-hard negatives only; off: all candidates enter the loss.
        radius_start: the radius is this quantile of the candidates' distances at the first step,
        radius_end: and this one at the last step; linear in between.
        hardest: how many negatives beyond the positive are kept where none is semi-hard.
        rotation: rotate the pictures and train the rotation head.
        rotation_weight: weight of its cross-entropy beside the contrastive loss.
        short_side: px; frames are resized to it before cropping, and when embedding.
        crop: px; side of the random square crop.
        grey: probability that a picture loses its colour.
        jitter: brightness, contrast and saturation change by up to this share.
        learning_rate: of SGD, at its peak.
        warmup: share of the steps over which the learning rate rises; then it falls as a cosine.
        momentum: of SGD.
        weight_decay: of SGD.
        precision: ``float32``, ``bfloat16`` (mixed), or ``auto``: mixed on a GPU.
        log_every: steps per row of the log.
    """

    seed: Seed = 0
    epochs: AboveZero = 100.0
    steps: Count | None = None
    pairs: Count = 64
    negatives: Count = 128
    negative_videos: AboveZero = 0.0204
    kinds: Literal["none", "folders"] = "none"
    dimension: Count = 128
    temperature: AboveZero = 1.0
    mining: bool = True
    radius_start: Share = 0.9
    radius_end: Share = 0.3
    hardest: Count = 8
    rotation: bool = True
    rotation_weight: ZeroOrMore = 0.5
    short_side: Count = 256
    crop: Annotated[int, Field(ge=32)] = 224
    grey: Share = 0.2
    jitter: Share = 0.4
    learning_rate: ZeroOrMore = 0.05
    warmup: Share = 0.05
    momentum: ZeroOrMore = 0.9
    weight_decay: ZeroOrMore = 1e-4
    precision: Precision = "auto"
    log_every: Count = 10

    def __post_init__(self) -> None:
        if self.short_side < self.crop:
            raise VcmflowError(
                f"trainee 'embedding': short_side is {self.short_side}; allowed: crop "
                f"({self.crop}) or more"
            )

    def schedule(self, positive_videos: int) -> Schedule:
        """How long to train on so many positive videos."""
        steps = self.steps
        if steps is None:
            steps = max(1, math.ceil(self.epochs * positive_videos / self.pairs))
        return Schedule(steps, self.seed, self.precision, self.log_every)
