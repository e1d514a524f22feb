"""How the two coding modes are named and told apart where both share a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.lines import Line2D

from vcmflow.figures import style
from vcmflow.figures.style import Look

NAMES = {"ra": "random access", "ai": "all-intra"}
SHORT = {"ra": "RA", "ai": "AI"}


def present(modes: Sequence[str]) -> list[str]:
    """The modes among these, random access first, without the empty one of uncompressed frames."""
    known = [mode for mode in NAMES if mode in modes]
    return known + sorted({mode for mode in modes if mode and mode not in NAMES})


def line(look: Look, mode: str) -> dict[str, Any]:
    """A sampler's line in a mode: random access solid and filled, any other dashed and hollow."""
    if mode == "ra":
        return look.line()
    return look.line(
        linestyle=(0, (3, 1.5)),
        markerfacecolor="white",
        markeredgecolor=look.colour,
        markeredgewidth=0.8,
    )


def handles(modes: Sequence[str]) -> tuple[list[Line2D], list[str]]:
    """Legend entries that tell the modes apart; none where there is only one."""
    if len(modes) < 2:
        return [], []
    neutral = Look(style.MUTED, "o")
    lines = [Line2D([], [], **(line(neutral, mode) | {"label": ""})) for mode in modes]
    return lines, [NAMES.get(mode, mode) for mode in modes]
