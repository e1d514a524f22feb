"""All n frames from the m decoded ones and the gaps between them (paper, 2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from vcmflow.core.errors import VcmflowError
from vcmflow.reconstruct.reconstructor import Reconstructor

T = TypeVar("T")


def gap_times(gap: int) -> list[float]:
    """Times of ``gap`` dropped frames between two kept ones: k / (gap + 1), k = 1..gap."""
    return [k / (gap + 1) for k in range(1, gap + 1)]


def rebuild(decoded: Iterable[T], gaps: Sequence[int], reconstructor: Reconstructor) -> Iterator[T]:
    """Yield the m decoded frames (or features) with the dropped ones between them.

    Holds two decoded frames and one gap's frames at a time.

    Args:
        decoded: m frames in display order.
        gaps: m - 1 numbers of dropped frames.
        reconstructor: makes the frames of one gap.

    Raises:
        VcmflowError: there are not m frames.
    """
    first: T | None = None
    count = 0
    for second in decoded:
        if first is not None:
            if count > len(gaps):
                raise VcmflowError(f"more than {len(gaps) + 1} frames for {len(gaps)} gaps")
            times = gap_times(gaps[count - 1])
            if times:
                yield from reconstructor.interpolate(first, second, times)
        yield second
        first = second
        count += 1
    if count != len(gaps) + 1:
        raise VcmflowError(f"{count} frames for {len(gaps)} gaps; {len(gaps) + 1} are needed")
