"""A sampling decision: which frames of a sequence are kept, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, write_json
from vcmflow.core.gaps import gaps_from_positions


@dataclass(frozen=True)
class Decision:
    """The frames that one sampler keeps of one sequence.

    Attributes:
        sequence: the sequence's id.
        sampler: the sampler's name in the experiment.
        method: the sampling method behind it.
        options: the method's options, all of them.
        n: frames of the sequence.
        m_requested: frames asked for; differs from ``m`` for ``all``, for the literal rule, and
            where one byte per gap needs more frames.
        frames: kept frames, 0-based, ascending, from 0 to n - 1.
        fps: frames per second of the sequence.
    """

    sequence: str
    sampler: str
    method: str
    n: int
    m_requested: int
    frames: tuple[int, ...]
    fps: float
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the frames run from the first to the last one with representable gaps."""
        if not self.frames or self.frames[-1] != self.n - 1:
            raise VcmflowError(f"{self.sequence}: the last kept frame must be frame {self.n - 1}")
        gaps_from_positions(self.frames)

    @property
    def m(self) -> int:
        """Number of kept frames."""
        return len(self.frames)

    @property
    def gaps(self) -> list[int]:
        """Frames dropped between neighbouring kept frames: m - 1 values in 0..255."""
        return gaps_from_positions(self.frames)


def write_decision(path: Path, decision: Decision) -> None:
    """Write the decision as JSON."""
    write_json(
        path,
        {
            "sequence": decision.sequence,
            "sampler": decision.sampler,
            "method": decision.method,
            "options": dict(decision.options),
            "n": decision.n,
            "m": decision.m,
            "m_requested": decision.m_requested,
            "frames": list(decision.frames),
            "gaps": decision.gaps,
            "fps": decision.fps,
        },
    )


def read_decision(path: Path) -> Decision:
    """Read a decision and check it.

    Raises:
        VcmflowError: the file is missing or is no decision, or its parts contradict each other.
    """
    content: Any = read_json(path)
    try:
        decision = Decision(
            sequence=str(content["sequence"]),
            sampler=str(content["sampler"]),
            method=str(content["method"]),
            n=int(content["n"]),
            m_requested=int(content["m_requested"]),
            frames=tuple(int(frame) for frame in content["frames"]),
            fps=float(content["fps"]),
            options=dict(content["options"]),
        )
        stated = (content["m"], content["gaps"])
    except (KeyError, TypeError, ValueError) as error:
        raise VcmflowError(f"{path}: not a sampling decision ({error!r})") from None
    except VcmflowError as error:
        raise VcmflowError(f"{path}: {error}") from None
    if stated != (decision.m, decision.gaps):
        raise VcmflowError(f"{path}: m or gaps do not belong to the frames in it")
    return decision
