"""The side information beside the bitstream (2.4): one byte per gap between kept frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact, whole_file

LARGEST_GAP = 255  # an 8-bit field


def gaps_from_positions(positions: Sequence[int]) -> list[int]:
    """Return the number of frames dropped between each two neighbouring kept frames.

    Args:
        positions: m kept frames, 0-based, strictly ascending, the first one 0.

    Returns:
        m - 1 counts in 0..255.

    Raises:
        VcmflowError: no positions, wrong order, or a gap that one byte cannot hold.
    """
    if not positions or positions[0] != 0:
        raise VcmflowError("the first kept frame must be frame 0")
    gaps = [second - first - 1 for first, second in pairwise(positions)]
    for number, gap in enumerate(gaps):
        if not 0 <= gap <= LARGEST_GAP:
            raise VcmflowError(
                f"gap {number} between the kept frames {positions[number]} and "
                f"{positions[number + 1]} drops {gap} frames; allowed: 0..{LARGEST_GAP}"
            )
    return gaps


def positions_from_gaps(gaps: Sequence[int]) -> list[int]:
    """Return the kept frames (0-based, ascending) from the dropped frames between them.

    ``bytes`` is a sequence of integers, so the content of a ``.gaps`` file can be given as it is.

    Raises:
        VcmflowError: a gap outside 0..255.
    """
    for number, gap in enumerate(gaps):
        if not 0 <= gap <= LARGEST_GAP:
            raise VcmflowError(f"gap {number} is {gap}; allowed: 0..{LARGEST_GAP}")
    return list(accumulate((gap + 1 for gap in gaps), initial=0))


def write_gaps(path: Path, gaps: Sequence[int]) -> None:
    """Write one unsigned byte per gap (an empty file for a single kept frame).

    Raises:
        VcmflowError: a gap outside 0..255.
    """
    positions_from_gaps(gaps)
    with whole_file(path) as temporary:
        temporary.write_bytes(bytes(gaps))


def read_gaps(path: Path) -> list[int]:
    """Read the gaps that :func:`write_gaps` wrote.

    Raises:
        VcmflowError: no such file.
    """
    try:
        return list(intact(path).read_bytes())
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except OSError as error:
        raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None
