"""``blend``: cross-fade, every pixel on its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vcmflow.core.video import Frame
from vcmflow.reconstruct.interpolator import Interpolator


class Blend:
    """Linear in time between the two frames, rounded."""

    def interpolate(self, first: Frame, second: Frame, times: Sequence[float]) -> list[Frame]:
        """Blend; see ``Interpolator``."""
        start, end = first.astype(np.float32), second.astype(np.float32)
        return [
            np.rint((1.0 - time) * start + time * end).clip(0, 255).astype(np.uint8)
            for time in times
        ]


def build() -> Interpolator:
    """The interpolator; it has no options."""
    return Blend()
