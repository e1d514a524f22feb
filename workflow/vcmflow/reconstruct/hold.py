"""``hold``: repeat the nearest decoded frame, or its features."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TypeVar

from vcmflow.reconstruct.reconstructor import Reconstructor

T = TypeVar("T")


class Hold:
    """Repeats the nearer of the two frames; halfway between them, the earlier one."""

    def interpolate(self, first: T, second: T, times: Sequence[float]) -> list[T]:
        """Repeat; see ``Reconstructor``."""
        return [deepcopy(second if time > 0.5 else first) for time in times]


def build() -> Reconstructor:
    """The reconstructor; it has no options."""
    return Hold()
