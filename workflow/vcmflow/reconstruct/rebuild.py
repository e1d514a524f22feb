"""All n frames from the m decoded ones and the gaps between them (spec 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.reconstruct.interpolator import Interpolator


def gap_times(gap: int) -> list[float]:
    """Times of ``gap`` dropped frames between two kept ones: k / (gap + 1), k = 1..gap."""
    return [k / (gap + 1) for k in range(1, gap + 1)]


def rebuild(
    decoded: Iterable[Frame], gaps: Sequence[int], interpolator: Interpolator
) -> Iterator[Frame]:
    """Yield the m decoded frames with the dropped ones interpolated between them.

    Holds two decoded frames and one gap's frames at a time.

    Args:
        decoded: m frames in display order.
        gaps: m - 1 numbers of dropped frames.
        interpolator: makes the frames of one gap.

    Raises:
        VcmflowError: there are not m frames.
    """
    first: Frame | None = None
    count = 0
    for second in decoded:
        if first is not None:
            if count > len(gaps):
                raise VcmflowError(f"more than {len(gaps) + 1} frames for {len(gaps)} gaps")
            times = gap_times(gaps[count - 1])
            if times:
                yield from interpolator.interpolate(first, second, times)
        yield second
        first = second
        count += 1
    if count != len(gaps) + 1:
        raise VcmflowError(f"{count} frames for {len(gaps)} gaps; {len(gaps) + 1} are needed")
