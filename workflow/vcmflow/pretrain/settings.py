"""What can be chosen about the training; every ablation is one of these."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.embed.settings import check_settings


@dataclass(frozen=True)
class PretrainSettings:
    """Settings of the self-supervised training (2.1, 2.2); the defaults are the paper's scale.

    Attributes:
        seed: of everything random: weights, split of the videos, pairs, augmentation.
        epochs: passes over the positive videos, one pair of each per pass; used unless ``steps``.
        steps: optimiser steps; None to count epochs.
        pairs: positive pairs per step.
        negatives: candidate negatives per step, each a frame of another negative video's draw.
        negative_videos: videos set aside for negatives: a number, or a share if below 1. The paper
            sets 6,245 of 306,245 aside.
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

    seed: int = 0
    epochs: float = 100.0
    steps: int | None = None
    pairs: int = 64
    negatives: int = 128
    negative_videos: float = 0.0204
    dimension: int = 128
    temperature: float = 1.0
    mining: bool = True
    radius_start: float = 0.9
    radius_end: float = 0.3
    hardest: int = 8
    rotation: bool = True
    rotation_weight: float = 0.5
    short_side: int = 256
    crop: int = 224
    grey: float = 0.2
    jitter: float = 0.4
    learning_rate: float = 0.05
    warmup: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 1e-4
    precision: str = "auto"
    log_every: int = 10

    def __post_init__(self) -> None:
        """Check the ranges."""
        least = {
            "seed": 0, "pairs": 1, "negatives": 1, "dimension": 1, "hardest": 1, "crop": 32,
            "log_every": 1, "rotation_weight": 0, "learning_rate": 0, "momentum": 0,
            "weight_decay": 0,
        }  # fmt: skip
        for name, low in least.items():
            self._check(name, low <= getattr(self, name) < math.inf, f"{low} or more")
        for name in ("grey", "jitter", "radius_start", "radius_end", "warmup"):
            self._check(name, 0 <= getattr(self, name) <= 1, "0..1")
        for name in ("temperature", "epochs", "negative_videos"):
            self._check(name, 0 < getattr(self, name) < math.inf, "above 0")
        self._check("steps", self.steps is None or self.steps >= 1, "1 or more")
        self._check("short_side", self.short_side >= self.crop, f"crop ({self.crop}) or more")
        self._check(
            "precision",
            self.precision in ("auto", "float32", "bfloat16"),
            "auto, float32, bfloat16",
        )

    def _check(self, name: str, fine: bool, allowed: str) -> None:
        if not fine:
            raise VcmflowError(f"pretrain: {name} is {getattr(self, name)}; allowed: {allowed}")

    def total_steps(self, positive_videos: int) -> int:
        """Return the number of optimiser steps for so many positive videos."""
        if self.steps is not None:
            return self.steps
        return max(1, math.ceil(self.epochs * positive_videos / self.pairs))


def settings_from(options: Mapping[str, Any]) -> PretrainSettings:
    """Build the settings from options by name.

    Raises:
        VcmflowError: an unknown name, or a value of the wrong type or out of range.
    """
    return PretrainSettings(
        **check_settings("pretrain", PretrainSettings, options, fixed=frozenset())
    )
