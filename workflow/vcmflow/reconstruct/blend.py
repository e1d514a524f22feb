"""``blend``: cross-fade, every pixel on its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vcmflow.core.video import Frame
from vcmflow.reconstruct.reconstructor import Reconstructor


class Blend:
    """Linear in time between the two frames, rounded."""

    def interpolate(self, first: Frame, second: Frame, times: Sequence[float]) -> list[Frame]:
        """Blend; see ``Reconstructor``."""
        start, end = first.astype(np.float32), second.astype(np.float32)
        return [
            np.rint((1.0 - time) * start + time * end).clip(0, 255).astype(np.uint8)
            for time in times
        ]


def build() -> Reconstructor:
    """The reconstructor; it has no options."""
    return Blend()
