"""Rate against accuracy, for a terminal and as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from vcmflow.core.files import whole_file
from vcmflow.tool.advise import Goal, Trial

_WIDTH, _HEIGHT = 64, 16
_MARKS = "oxsdv^*+#%&@"


def curves_of(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Curve -> its trials by ascending rate, in the order of their names' first appearance."""
    names = sorted({trial.candidate.name for trial in trials})
    return {
        name: sorted(
            (trial for trial in trials if trial.candidate.name == name), key=lambda t: t.kbps
        )
        for name in names
    }


def terminal_plot(trials: Sequence[Trial], goal: Goal) -> str:
    """A plot of characters: rate to the right (logarithmic), accuracy upwards."""
    rates = [math.log(trial.kbps) for trial in trials] + (
        [math.log(goal.kbps)] if goal.kbps else []
    )
    low, high = min(rates), max(rates)
    top = max([trial.accuracy for trial in trials] + [goal.accuracy or 0.0, 0.01])

    def column(kbps: float) -> int:
        return round((math.log(kbps) - low) / ((high - low) or 1) * (_WIDTH - 1))

    def row(accuracy: float) -> int:
        return _HEIGHT - 1 - round(accuracy / top * (_HEIGHT - 1))

    grid = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    if goal.kbps is not None:
        for line in grid:
            line[column(goal.kbps)] = "|"
    if goal.accuracy is not None:
        grid[row(goal.accuracy)] = ["-"] * _WIDTH
    curves = curves_of(trials)
    for mark, points in zip(_MARKS * len(curves), curves.values(), strict=False):
        for trial in points:
            grid[row(trial.accuracy)][column(trial.kbps)] = mark
    lines = [
        f"{top * (1 - k / (_HEIGHT - 1)):5.2f} |{''.join(line)}" for k, line in enumerate(grid)
    ]
    lines.append("      +" + "-" * _WIDTH)
    left, right = f"{math.exp(low):.0f}", f"{math.exp(high):.0f} kbit/s"
    lines.append(f"       {left}{right:>{_WIDTH - len(left)}}")
    legend = zip(_MARKS * len(curves), curves, strict=False)
    lines += [f"       {mark} {name}" for mark, name in legend]
    return "\n".join(["  mAP", *lines])


def picture_plot(path: Path, trials: Sequence[Trial], goal: Goal, title: str) -> None:
    """The same as a PNG picture, whole or not at all."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for mark, (name, points) in zip("osDv^<>PX*" * 9, curves_of(trials).items(), strict=False):
        axes.plot(
            [trial.kbps for trial in points],
            [trial.accuracy for trial in points],
            marker=mark,
            label=name,
        )
    if goal.kbps is not None:
        axes.axvline(goal.kbps, color="grey", linestyle=":")
    if goal.accuracy is not None:
        axes.axhline(goal.accuracy, color="grey", linestyle=":")
    axes.set_xscale("log")
    axes.set_xlabel("rate (kbit/s)")
    axes.set_ylabel("mAP (IoU 0.50:0.95)")
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.legend()
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=150)
