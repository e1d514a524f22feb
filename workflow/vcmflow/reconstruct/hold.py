"""``hold``: repeat the nearest decoded frame."""

from __future__ import annotations

from collections.abc import Sequence

from vcmflow.core.video import Frame
from vcmflow.reconstruct.interpolator import Interpolator


class Hold:
    """Repeats the nearer of the two frames; halfway between them, the earlier one."""

    def interpolate(self, first: Frame, second: Frame, times: Sequence[float]) -> list[Frame]:
        """Repeat; see ``Interpolator``."""
        return [second.copy() if time > 0.5 else first.copy() for time in times]


def build() -> Interpolator:
    """The interpolator; it has no options."""
    return Hold()
