"""Rate against scores: Figures 4 and 5 per scene, and beyond the paper every score, and `compare`.

All of them are panels of curves, one per method: colours tell samplers apart, line styles codecs,
markers reconstructors (``style.method_looks``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vcmflow.core.bd import Curve
from vcmflow.core.errors import VcmflowError
from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import curve, find_method, methods_of, one_task, tasks_of, wide
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs
from vcmflow.score.registry import accuracy_of, titles_of

DISTORTIONS = {"psnr": "PSNR (dB)", "ssim": "SSIM"}
MOST_ROWS = 8  # with more sequences, thin lines behind the mean instead of a row each
NONE = Curve.of([], [])


# --- what is drawn --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Panel:
    """Curves of one metric.

    Attributes:
        rows: those of coded video (``core.scores.wide``).
        metric: the column that is drawn against kbps.
        unit: "scene" or "sequence": points are means over those; empty: a row is a point.
        thin: draw each unit as a thin line behind the mean.
        levels: the uncompressed frames' rows, for the dashed line.
        empty: what an empty panel says.
    """

    rows: pd.DataFrame
    metric: str
    unit: str = ""
    thin: bool = False
    levels: pd.DataFrame | None = None
    empty: str = "no data"


def chosen_methods(scores: pd.DataFrame, wanted: Sequence[str] = ()) -> list[str]:
    """The methods to draw: those wanted, else all that were coded at more than one point.

    Where all were coded at one point alone, those are drawn.

    Raises:
        VcmflowError: one of the wanted ones has no scores; the message lists those that have.
    """
    there = list(methods_of(scores))
    for name in wanted:
        find_method(scores, name)
    points = scores.groupby("method")["point"].nunique()
    several = [name for name in there if points[name] > 1]
    return list(wanted) or several or there


def common_units(rows: pd.DataFrame, unit: str, metric: str) -> list[str]:
    """The scenes or sequences that a panel's means are taken over: the same for all its curves.

    A unit counts if metric and rate are defined at all of the curve's points, for every method. A
    method that is defined nowhere is no hindrance; its absence is told otherwise.
    """
    common: set[str] | None = None
    for _, own in rows.groupby("method", sort=True):
        points = set(own["point"])
        whole = {
            str(name)
            for name, part in own.groupby(unit, sort=True)
            if set(part["point"]) >= points and part[["kbps", metric]].notna().all(axis=None)
        }
        if whole:
            common = whole if common is None else common & whole
    return sorted(common or set())


def mean_curve(rows: pd.DataFrame, unit: str, units: Sequence[str], metric: str) -> Curve:
    """Mean rate and mean metric over these scenes or sequences, one point per operating point.

    Empty if one of the units has no defined value.
    """
    own = rows[rows[unit].isin(list(units))]
    if set(units) <= set(own[unit]) and own[["kbps", metric]].notna().all(axis=None):
        return curve(own.groupby("point", sort=False)[["kbps", metric]].mean(), metric, "kbps")
    return NONE


def draw_panel(axes: Axes, panel: Panel, looks: Mapping[str, style.Look]) -> None:
    """Draw the curves of a panel, its reference line, and what is missing from it."""
    rows, metric, unit = panel.rows, panel.metric, panel.unit
    total = rows[unit].nunique() if unit else 1
    units = common_units(rows, unit, metric) if unit and total > 1 else []
    rates: list[float] = []
    absent = []
    for name, look in looks.items():
        own = rows[rows["method"] == name]
        if own.empty:
            continue
        if panel.thin and total > 1:
            for _, part in own.groupby(unit, sort=True):
                each = curve(part, metric, "kbps")
                rates.extend(each.rates)
                axes.plot(each.rates, each.scores, color=look.colour, lw=0.4, alpha=0.3, zorder=1.5)
        pooled = unit and total > 1
        points = mean_curve(own, unit, units, metric) if pooled else curve(own, metric, "kbps")
        rates.extend(points.rates)
        if len(points):
            axes.plot(points.rates, points.scores, **look.line())
        else:
            absent.append(look.label)
    if not rates:
        style.empty(axes, panel.empty)
        return
    if panel.levels is not None and metric in panel.levels:
        levels = panel.levels[panel.levels[unit].isin(units)] if units else panel.levels
        if levels[metric].notna().any():
            axes.axhline(float(levels[metric].mean()), **style.REFERENCE)
    style.rate_axis(axes, rates)
    axes.margins(y=0.1)
    remarks = ["no data: " + ", ".join(dict.fromkeys(absent))] if absent else []
    if unit and len(units) < total and total > 1:
        remarks.append(f"mean of {len(units)} of {total} {unit}s")
    if remarks:
        style.remark(axes, "\n".join(remarks))


# --- figures --------------------------------------------------------------------------------------


def per_scene(inputs: Inputs) -> Figure:
    """Figures 4 and 5: rate against accuracy of ``--task``, a panel per scene."""
    inputs.need("scores")
    inputs.only_options()
    scores = inputs.table
    task = one_task(scores, inputs.task)
    entry = accuracy_of(scores, task)
    metric, title = entry.accuracy, entry.titles[entry.accuracy]
    rows = wide(scores, "scene", task)
    source, coded = rows[rows["method"] == SOURCE], _of(inputs, rows)
    scenes = sorted(coded["scene"].unique(), key=style.natural_key)
    key = style.method_looks(scores, coded["method"].unique(), inputs.titles, not source.empty)
    count, columns = style.grid_shape(len(scenes), 3 if len(scenes) <= 12 else 5)
    with style.context():
        figure = style.new_figure(style.WIDTH, 0.75 + count * (1.65 if columns <= 3 else 1.35))
        style.add_note(figure, inputs.note)
        panels = figure.subplots(count, columns, squeeze=False)
        for axes, scene in zip(panels.flat, scenes, strict=False):
            axes.set_title(style.fit(scene, style.WIDTH / columns - 0.5))
            panel = Panel(
                coded[coded["scene"] == scene],
                metric,
                levels=source[source["scene"] == scene],
                empty=f"{title.split(' (')[0]} undefined:\nno object of these classes",
            )
            draw_panel(axes, panel, key.looks)
        for axes in panels.flat[len(scenes) :]:
            axes.set_visible(False)
        figure.supylabel(title, fontsize=8)
        codecs = " and ".join(inputs.titles.of(name) for name in dict.fromkeys(coded["codec"]))
        style.bottom_legend(figure, *key.handles(), f"rate (kbit/s), {codecs}")
    return figure


def every_score(inputs: Inputs) -> Figure:
    """A row of panels per dataset and task, a panel per score, means over the scenes."""
    inputs.need("scores")
    inputs.only_options()
    scores = inputs.table
    rows: list[tuple[str, dict[str, tuple[str, Panel]]]] = []
    for dataset in dict.fromkeys(scores["dataset"]):
        own = scores[scores["dataset"] == dataset]
        tasks = [inputs.task] if inputs.task else tasks_of(own)
        for task in tasks or [""]:
            table = wide(own, "scene", task)
            coded = _of(inputs, table)
            titles = {**titles_of(table.columns), **DISTORTIONS}
            panels = {
                metric: (
                    title,
                    Panel(
                        coded,
                        metric,
                        "scene",
                        levels=table[table["method"] == SOURCE],
                        empty="no scene with a score\nfor every method",
                    ),
                )
                for metric, title in titles.items()
                if metric in coded and coded[metric].notna().any()
            }
            name = f"{dataset}, {inputs.titles.of(task)}" if len(tasks) > 1 else dataset
            if panels:
                rows.append((name, panels))
    if not rows:
        raise VcmflowError("scores: no score is defined for any method")
    source = bool((scores["method"] == SOURCE).any())
    key = style.method_looks(scores, chosen_methods(scores, inputs.methods), inputs.titles, source)
    with style.context():
        figure = style.new_figure(style.WIDTH, 0.8 + 1.95 * len(rows))
        style.add_note(figure, inputs.note)
        grid = figure.subplots(len(rows), max(len(row) for _, row in rows), squeeze=False)
        for line, (name, panels) in zip(grid, rows, strict=True):
            for axes, (title, panel) in zip(line, panels.values(), strict=False):
                axes.set_title(title)
                draw_panel(axes, panel, key.looks)
            line[0].set_ylabel(style.fit(name, 1.5, 8), fontsize=8, fontweight="bold")
            for axes in line[len(panels) :]:
                axes.set_visible(False)
        style.bottom_legend(figure, *key.handles(), "rate (kbit/s), mean over scenes")
    return figure


def distortion(inputs: Inputs) -> Figure:
    """PSNR and SSIM over all n frames against rate, a column per score and codec.

    More than two codecs share a column, told apart by their lines.

    One dataset of at most eight sequences: the mean in the first row, then a row per sequence. Else
    a row per dataset: the mean over its sequences, each sequence a thin line behind it.
    """
    inputs.need("scores")
    inputs.only_options()
    rows = wide(inputs.table, "sequence")
    coded = _of(inputs, rows)
    metrics = [name for name in DISTORTIONS if name in coded and coded[name].notna().any()]
    if not metrics:
        raise VcmflowError("scores: no coded sequence to draw")
    datasets = list(dict.fromkeys(coded["dataset"]))
    sequences = sorted(coded["sequence"].unique(), key=style.natural_key)
    one_each = len(datasets) == 1 and 1 < len(sequences) <= MOST_ROWS
    if one_each:
        lines = [(f"mean of {len(sequences)}", coded, False)]
        lines += [(name, coded[coded["sequence"] == name], False) for name in sequences]
    else:
        lines = [(name, coded[coded["dataset"] == name], True) for name in datasets]
    codecs = list(dict.fromkeys(coded["codec"]))
    split = len(codecs) <= 2
    columns = [
        (metric, of) for metric in metrics for of in ([[c] for c in codecs] if split else [codecs])
    ]
    names = coded["method"].unique()
    key = style.method_looks(inputs.table, names, inputs.titles, by_codec=not split)
    each = 1.05 if one_each else 2.1
    with style.context():
        figure = style.new_figure(style.WIDTH, 0.95 + each * len(lines))
        style.add_note(figure, inputs.note)
        grid = figure.subplots(len(lines), len(columns), squeeze=False)
        for panels, (name, part, thin) in zip(grid, lines, strict=True):
            for axes, (metric, shown) in zip(panels, columns, strict=True):
                own = part[part["codec"].isin(shown)]
                draw_panel(axes, Panel(own, metric, "sequence", thin), key.looks)
            count = part["sequence"].nunique()
            label = name if one_each or count == 1 else f"{name}: mean of {count}"
            panels[0].set_ylabel(style.fit(label, each, 7.5))
        for axes, (metric, shown) in zip(grid[0], columns, strict=True):
            words = f", {inputs.titles.of(shown[0])}" if split else ""
            title = f"{DISTORTIONS[metric]}{words}"
            axes.set_title(style.fit(title, style.WIDTH / len(columns) - 0.4))
        style.bottom_legend(figure, *key.handles(), "rate (kbit/s)")
    return figure


def compare(inputs: Inputs) -> Figure:
    """Rate against accuracy with all scenes pooled, a panel per dataset and task, all methods."""
    inputs.need("scores")
    inputs.only_options()
    scores = inputs.table
    panels: list[tuple[str, str, Panel]] = []
    for dataset in dict.fromkeys(scores["dataset"]):
        own = scores[scores["dataset"] == dataset]
        for task in [inputs.task] if inputs.task else tasks_of(own):
            entry = accuracy_of(own, task)
            rows = wide(own, "dataset", task)
            source = rows[rows["method"] == SOURCE]
            panel = Panel(_of(inputs, rows), entry.accuracy, levels=source)
            title = entry.titles[entry.accuracy]
            panels.append((f"{dataset}: {inputs.titles.of(task)}", title, panel))
    if not panels:
        raise VcmflowError("scores: of no task")
    names = chosen_methods(scores, inputs.methods)
    key = style.method_looks(scores, names, inputs.titles, source=True)
    count, columns = style.grid_shape(len(panels), 2)
    with style.context():
        figure = style.new_figure(style.WIDTH, 0.95 + count * (2.6 if columns > 1 else 3.2))
        style.add_note(figure, inputs.note)
        grid = figure.subplots(count, columns, squeeze=False)
        for axes, (name, title, panel) in zip(grid.flat, panels, strict=False):
            axes.set_title(style.fit(name, style.WIDTH / columns - 0.5))
            axes.set_ylabel(title)
            draw_panel(axes, panel, key.looks)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        style.bottom_legend(figure, *key.handles(), "rate (kbit/s), all scenes")
    return figure


def _of(inputs: Inputs, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the methods to draw."""
    wanted = chosen_methods(inputs.table, inputs.methods)
    return rows[rows["method"].isin(wanted)]
