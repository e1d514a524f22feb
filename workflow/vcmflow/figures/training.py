"""Beyond the paper: how training went, from the log that it writes step by step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vcmflow.core.errors import VcmflowError
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs, numbers, read_table

_STEPS = ("step", "iteration", "epoch")
_SKIPPED = ("seconds", "time", "elapsed", "epoch", "iteration")
_COLOURS = ("#0072B2", "#E69F00", "#882255", "#009E73", "#56B4E9", "#CC79A7", "#332288", "#999933")
_TITLES = {
    "loss": "loss",
    "similarity": "cosine similarity",
    "rotation_accuracy": "rotation accuracy",
    "radius": "mining radius (cosine distance)",
    "share_kept": "share of negatives kept",
    "kept_share": "share of negatives kept",
    "lr": "learning rate",
    "learning_rate": "learning rate",
    "map": "mAP",
}


def build(inputs: Inputs) -> Figure:
    """The figure from ``--logs``, with one of ``--names`` for each where there are several."""
    inputs.need("logs")
    inputs.only_options()
    if len(inputs.logs) > 1 or inputs.names:
        inputs.need_equal("logs", "names")
    names = inputs.names or ("",)
    logs = [(name, read_log(path)) for name, path in zip(names, inputs.logs, strict=True)]
    return draw(logs, inputs.note)


def read_log(path: Path) -> pd.DataFrame:
    """Read a training log, indexed by its step (or by its row where it names none).

    Raises:
        VcmflowError: it is no table, has no rows, or has no column of numbers beside the step.
    """
    table = read_table(path, ",")
    steps = next((column for column in _STEPS if column in table), None)
    columns = {}
    for column in table.columns:
        if column == steps or column in _SKIPPED:
            continue
        try:
            values = numbers(table, column, path)
        except VcmflowError:
            continue  # a column of words, such as the phase, has no curve
        if values.fillna(0).any():  # what never happened (all zero) needs no panel
            columns[column] = values
    if table.empty or not columns:
        raise VcmflowError(f"{path}: no column of numbers to draw")
    index = numbers(table, steps, path) if steps else pd.Series(range(len(table)), dtype=float)
    log = pd.DataFrame(columns)
    log.index = pd.Index(index, name=steps or "row")
    return log


def groups(columns: Sequence[str]) -> dict[str, list[str]]:
    """Which columns share a panel: all losses, all similarities, each other one alone."""
    panels: dict[str, list[str]] = {}
    for column in columns:
        key = next((part for part in ("loss", "similarity") if part in column), column)
        panels.setdefault(key, []).append(column)
    order = list(_TITLES)
    ranks = {key: order.index(key) if key in order else len(order) for key in panels}
    return {key: panels[key] for key in sorted(panels, key=lambda key: ranks[key])}


def smooth(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Centred running mean over ``window`` values, over fewer at the ends, skipping NaN."""
    series = pd.Series(values)
    return series.rolling(window, center=True, min_periods=1).mean().to_numpy(np.float64)


def draw(logs: Sequence[tuple[str, pd.DataFrame]], note: str = "") -> Figure:
    """Draw the logs, each in its own rows of panels.

    Args:
        logs: name (or "") and what ``read_log`` returns.
        note: what kind of data this is.
    """
    cells: list[list[tuple[str, pd.DataFrame, str, list[str]] | None]] = []
    for name, log in logs:
        panels = [(name, log, key, found) for key, found in groups(list(log.columns)).items()]
        columns = style.grid_shape(len(panels), 3)[1]
        for start in range(0, len(panels), columns):
            cells.append(list(panels[start : start + columns]))
    width = max(len(row) for row in cells)
    with style.context():
        figure = style.new_figure(style.WIDTH * max(width, 2) / 3, 0.35 + 1.6 * len(cells))
        style.add_note(figure, note)
        grid = figure.subplots(len(cells), width, squeeze=False)
        for axes_row, row in zip(grid, cells, strict=True):
            for axes, cell in zip(axes_row, row, strict=False):
                if cell is not None:
                    _panel(axes, *cell)
            for axes in axes_row[len(row) :]:
                axes.set_visible(False)
    return figure


def _panel(axes: Axes, name: str, log: pd.DataFrame, key: str, columns: Sequence[str]) -> None:
    steps = log.index.to_numpy(np.float64)
    many = len(log) > 50
    for colour, column in zip(_COLOURS, columns, strict=False):
        values = log[column].to_numpy(np.float64)
        label = column.replace("_", " ")
        if many:
            axes.plot(steps, values, color=colour, lw=0.4, alpha=0.35)
            values = smooth(values, max(3, len(log) // 25))
        axes.plot(
            steps, values, color=colour, lw=1.1, marker="" if len(log) > 1 else "o", label=label
        )
    title = _TITLES.get(key, key.replace("_", " "))
    axes.set_title(style.fit(f"{name}: {title}" if name else title, style.WIDTH / 3 - 0.4))
    axes.set_xlabel(str(log.index.name))
    if key == "rotation_accuracy":
        axes.axhline(0.25, color=style.INK, lw=0.8, ls=(0, (4, 2)), label="chance")
        axes.set_ylim(0, 1.02)
    if len(columns) > 1 or key == "rotation_accuracy":
        axes.legend(fontsize=6, handlelength=1.4, loc="best", labelspacing=0.25)
    axes.margins(y=0.1)
