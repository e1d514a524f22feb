"""Sizes and variants of the networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vcmflow.core.errors import VcmflowError

STRIDE = 32  # pixels per step of the code; frames are padded to multiples of it
KERNELS = 10  # of a table
WIDTHS = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Config:
    """What the weights depend on.

    Attributes:
        width: share of the paper's channels: 1, 0.5 or 0.25.
        condition: what guides the semantic encoder: the difference between original and decoded
            frame, the decoded frame, or nothing.
        guidance: how it does: attention, or addition.
        kernels: tables of kernels made for every frame, one table for all, or plain convolutions.
        down: dense blocks before the semantics come in.
        up: dense blocks after.
        temporal: dense blocks look back in time.
    """

    width: float = 1.0
    condition: Literal["difference", "decoded", "none"] = "difference"
    guidance: Literal["attention", "residual"] = "attention"
    kernels: Literal["adaptive", "shared", "plain"] = "adaptive"
    down: int = 1
    up: int = 8
    temporal: bool = True

    def __post_init__(self) -> None:
        if self.width not in WIDTHS:
            raise VcmflowError(f"vcs: width is {self.width}; allowed: 0.25, 0.5, 1")

    def channels(self, full: int) -> int:
        """Channels of a layer that has so many at full width."""
        return round(full * self.width)
