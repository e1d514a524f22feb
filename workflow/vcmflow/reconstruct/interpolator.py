"""What every interpolator does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vcmflow.core.video import Frame


class Interpolator(Protocol):
    """Makes the frames between two decoded ones; see ``vcmflow.reconstruct.registry``."""

    def interpolate(self, first: Frame, second: Frame, times: Sequence[float]) -> list[Frame]:
        """Return one frame per time.

        Args:
            first: the decoded frame before the gap, uint8 H x W x 3, RGB.
            second: the decoded frame behind the gap, of the same size.
            times: between 0 (``first``) and 1 (``second``), both excluded.
        """
        ...
