"""Beyond the paper: rate against PSNR and SSIM of any dataset, with or without a task."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vcmflow.core.errors import VcmflowError
from vcmflow.figures import modes, style
from vcmflow.figures.inputs import Inputs, common_units, curve, mean_over, pick, read_scores

DISTORTIONS = {"psnr": "PSNR (dB)", "ssim": "SSIM"}
MOST_ROWS = 8  # with more sequences, thin lines behind the mean instead of a row each


def build(inputs: Inputs) -> Figure:
    """The figure from ``--sequences`` of one or more datasets."""
    inputs.need("sequences")
    inputs.only_options()
    columns = ("dataset", "sequence", "sampler", "mode", "qp", "kbps", "psnr", "ssim")
    scores = read_scores(inputs.sequences, columns)
    return draw(scores, inputs.samplers, inputs.modes, inputs.note)


def draw(
    scores: pd.DataFrame,
    samplers: Sequence[str] = (),
    wanted_modes: Sequence[str] = (),
    note: str = "",
) -> Figure:
    """Draw PSNR and SSIM over all n frames against rate, a column per score and mode.

    One dataset of at most eight sequences: the mean in the first row, then a row per sequence. Else
    a row per dataset: the mean over its sequences, each sequence a thin line behind it.

    Args:
        scores: rows of ``score/sequences.csv``.
        samplers: which to draw; all but those with an own number of frames if empty.
        wanted_modes: "ra" and "ai"; those that occur if empty.
        note: what kind of data this is.

    Raises:
        VcmflowError: a wanted sampler or mode does not occur, or nothing is left to draw.
    """
    coded = scores[scores["sampler"] != "source"]
    coded = pick(coded, "mode", wanted_modes, "scores")
    coded = pick(coded, "sampler", samplers, "scores")
    if not samplers:
        coded = coded[~coded["sampler"].str.contains(r"-n\d+$")]
    used = modes.present(list(coded["mode"].unique()))
    if coded.empty or not used:
        raise VcmflowError("scores: no coded sequence to draw")
    datasets = list(dict.fromkeys(coded["dataset"]))
    sequences = sorted(coded["sequence"].unique(), key=style.natural_key)
    one_each = len(datasets) == 1 and 1 < len(sequences) <= MOST_ROWS
    if one_each:
        rows = [(f"mean of {len(sequences)}", coded, False)]
        rows += [(name, coded[coded["sequence"] == name], False) for name in sequences]
    else:
        rows = [(name, coded[coded["dataset"] == name], True) for name in datasets]

    chosen = style.looks(coded["sampler"].unique())
    columns = [(score, mode) for score in DISTORTIONS for mode in used]
    each = 1.05 if one_each else 2.1
    with style.context():
        figure = style.new_figure(style.WIDTH, 0.95 + each * len(rows))
        style.add_note(figure, note)
        grid = figure.subplots(len(rows), len(columns), squeeze=False)
        for panels, (name, part, thin) in zip(grid, rows, strict=True):
            for axes, (score, mode) in zip(panels, columns, strict=True):
                _panel(axes, part[part["mode"] == mode], score, chosen, thin)
            count = part["sequence"].nunique()
            label = name if one_each or count == 1 else f"{name}: mean of {count}"
            panels[0].set_ylabel(style.fit(label, each, 7.5))
        for axes, (score, mode) in zip(grid[0], columns, strict=True):
            axes.set_title(f"{DISTORTIONS[score]}, {modes.NAMES.get(mode, mode)}")
        style.bottom_legend(figure, *style.sampler_handles(chosen), "rate (kbit/s)")
    return figure


def _panel(
    axes: Axes, part: pd.DataFrame, score: str, chosen: dict[str, style.Look], thin: bool
) -> None:
    total = part["sequence"].nunique()
    sequences = common_units(part, "sequence", ("sampler",), score)
    rates: list[float] = []
    absent = []
    for name, look in chosen.items():
        own = part[part["sampler"] == name]
        if thin and total > 1:
            for _, rows in own.groupby("sequence", sort=True):
                each = curve(rows, score)
                rates.extend(each.rates)
                axes.plot(each.rates, each.scores, color=look.colour, lw=0.4, alpha=0.3, zorder=1.5)
        if total == 1:
            points = curve(own, score)  # what is defined of it
        else:
            points = curve(mean_over(own, "sequence", sequences, ("kbps", score)), score)
        rates.extend(points.rates)
        if len(points):
            axes.plot(points.rates, points.scores, **look.line())
        elif len(own):
            absent.append(look.label)
    if not rates:
        axes.grid(False)
        axes.set_xticks([])
        axes.set_yticks([])
        style.say(axes, "no data")
        return
    remarks = ["no data: " + ", ".join(absent)] if absent else []
    if len(sequences) < total and total > 1:
        remarks.append(f"mean of {len(sequences)} of {total}")
    if remarks:
        style.remark(axes, "\n".join(remarks))
    style.rate_axis(axes, rates)
    axes.margins(y=0.1)
