"""Choices of frames that were tried, as CSV: what is in the file, and its one reader."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import fixed, number, read_csv, write_csv

COLUMNS = ("frames", "psnr", "accuracy", "found")
# How a choice was found: every one there is, a draw, by exchanging frames, or a sampler's name.
EVERY, DRAWN, EXCHANGED = "every", "drawn", "exchanged"


@dataclass(frozen=True)
class Choice:
    """A choice of frames, with the others interpolated between uncompressed kept ones.

    Attributes:
        frames: kept, 0-based, ascending.
        psnr: mean over the interpolated frames, in dB; NaN where none was dropped.
        accuracy: of the task on all frames, 0..1; NaN where the ground truth does not define it.
        found: ``EVERY``, ``DRAWN``, ``EXCHANGED``, or the sampler that makes the choice.
    """

    frames: tuple[int, ...]
    psnr: float
    accuracy: float
    found: str


def write_choices(path: Path, choices: Iterable[Choice]) -> None:
    """Write one choice per line."""
    write_csv(
        path,
        COLUMNS,
        (
            {
                "frames": " ".join(map(str, choice.frames)),
                "psnr": fixed(choice.psnr, 4),
                "accuracy": fixed(choice.accuracy, 6),
                "found": choice.found,
            }
            for choice in choices
        ),
    )


def read_choices(path: Path) -> list[Choice]:
    """Read what :func:`write_choices` wrote.

    Raises:
        VcmflowError: it is missing or something else.
    """
    found = []
    for row in read_csv(path, COLUMNS):
        try:
            frames = tuple(int(word) for word in row["frames"].split())
        except ValueError:
            frames = ()
        if len(frames) < 1 or list(frames) != sorted(set(frames)) or frames[0] != 0:
            raise VcmflowError(f"{path}: {row['frames']!r} is no choice of frames")
        psnr, accuracy = (number(row, key, str(path)) for key in ("psnr", "accuracy"))
        found.append(Choice(frames, psnr, accuracy, row["found"]))
    if not found:
        raise VcmflowError(f"{path}: has no choices")
    return found


def best(choices: Sequence[Choice], by: str) -> Choice:
    """The choice with the highest ``psnr`` or ``accuracy``; of equal ones the first.

    Where no accuracy is defined, PSNR decides.
    """
    known = [choice for choice in choices if not math.isnan(getattr(choice, by))]
    return max(known or choices, key=lambda choice: _value(choice, by if known else "psnr"))


def _value(choice: Choice, by: str) -> float:
    value: float = getattr(choice, by)
    return -math.inf if math.isnan(value) else value


def percentile(choices: Sequence[Choice], value: float, by: str) -> float:
    """Share of the choices, in percent, that are worse than a value; equal ones count half.

    Args:
        choices: those found as ``EVERY`` or ``DRAWN`` count.
        value: of the choice to be placed.
        by: ``psnr`` or ``accuracy``.

    Returns:
        0..100; NaN where nothing is defined.
    """
    values = [getattr(one, by) for one in choices if one.found in (EVERY, DRAWN)]
    known = [other for other in values if not math.isnan(other)]
    if not known or math.isnan(value):
        return math.nan
    worse = sum((other < value) + (other == value) / 2 for other in known)
    return 100 * float(worse) / len(known)
