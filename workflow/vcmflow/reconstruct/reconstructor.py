"""What every reconstructor does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Reconstructor(Protocol):
    """Makes what was dropped between two kept frames; see ``vcmflow.reconstruct.registry``.

    The builder takes its options, and ``weights``, ``device`` and ``threads`` where it has such
    parameters.
    """

    def interpolate(self, first: Any, second: Any, times: Sequence[float]) -> Sequence[Any]:
        """Return one frame per time.

        Args:
            first: the decoded frame before the gap, uint8 H x W x 3, RGB; of a codec that gives
                features and a reconstructor that takes them, its features (name -> array).
            second: the one behind the gap, of the same size.
            times: between 0 (``first``) and 1 (``second``), both excluded.
        """
        ...
