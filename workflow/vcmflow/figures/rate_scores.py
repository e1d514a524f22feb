"""Beyond the paper: rate against every score, as means over the scenes of each dataset."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vcmflow.core.errors import VcmflowError
from vcmflow.figures import modes, style
from vcmflow.figures.inputs import Inputs, common_units, curve, mean_over, pick, read_scores

# column of score/scenes.csv -> title of the panel, with the unit where there is one
SCORES = {
    "map": "mAP (IoU 0.50:0.95)",
    "map50": "AP50, mean over classes",
    "jaccard": "Jaccard J",
    "f1": "F1",
    "psnr": "PSNR (dB)",
    "ssim": "SSIM",
}


def build(inputs: Inputs) -> Figure:
    """The figure from ``--scenes`` of one or more datasets."""
    inputs.need("scenes")
    inputs.only_options()
    scores = read_scores(inputs.scenes, ("dataset", "scene", "sampler", "mode", "qp", "kbps"))
    return draw(scores, inputs.samplers, inputs.modes, inputs.note)


def draw(
    scores: pd.DataFrame,
    samplers: Sequence[str] = (),
    wanted_modes: Sequence[str] = (),
    note: str = "",
) -> Figure:
    """Draw a row of panels per dataset, a panel per score, a curve per sampler and mode.

    A point is the mean rate and the mean score over the scenes at one QP. A scene enters a panel
    only if the score is defined for every sampler and QP; the panel says how many did.

    Args:
        scores: rows of ``score/scenes.csv``.
        samplers: which to draw; all but those with an own number of frames if empty.
        wanted_modes: "ra" and "ai"; those that occur if empty.
        note: what kind of data this is.

    Raises:
        VcmflowError: a wanted sampler or mode does not occur, or no score is defined anywhere.
    """
    source = scores[scores["sampler"] == "source"]
    coded = scores[scores["sampler"] != "source"]
    coded = pick(coded, "mode", wanted_modes, "scores")
    coded = pick(coded, "sampler", samplers, "scores")
    if not samplers:
        coded = coded[~coded["sampler"].str.contains(r"-n\d+$")]
    used = modes.present(list(coded["mode"].unique()))
    datasets = list(dict.fromkeys(coded["dataset"]))
    panels = {
        dataset: [
            score
            for score in SCORES
            if score in coded and coded.loc[coded["dataset"] == dataset, score].notna().any()
        ]
        for dataset in datasets
    }
    panels = {dataset: found for dataset, found in panels.items() if found}
    if not panels:
        raise VcmflowError("scores: no score is defined for any sampler")

    names = [*coded["sampler"].unique(), *(["source"] if not source.empty else [])]
    chosen = style.looks(names)
    columns = max(len(found) for found in panels.values())
    with style.context():
        figure = style.new_figure(style.WIDTH, 0.8 + 1.95 * len(panels))
        style.add_note(figure, note)
        grid = figure.subplots(len(panels), columns, squeeze=False)
        for row, (dataset, found) in zip(grid, panels.items(), strict=True):
            part = coded[coded["dataset"] == dataset]
            reference = source[source["dataset"] == dataset]
            for axes, score in zip(row, found, strict=False):
                _panel(axes, part, reference, score, chosen, used)
            row[0].set_ylabel(style.fit(dataset, 1.5, 8), fontsize=8, fontweight="bold")
            for axes in row[len(found) :]:
                axes.set_visible(False)
        lines, labels = style.sampler_handles(chosen)
        more_lines, more_labels = modes.handles(used)
        xlabel = "rate (kbit/s), mean over scenes"
        style.bottom_legend(figure, lines + more_lines, labels + more_labels, xlabel)
    return figure


def _panel(
    axes: Axes,
    part: pd.DataFrame,
    reference: pd.DataFrame,
    score: str,
    chosen: dict[str, style.Look],
    used: Sequence[str],
) -> None:
    axes.set_title(SCORES[score])
    scenes = common_units(part, "scene", ("sampler", "mode"), score)
    rates: list[float] = []
    absent = []
    for name, look in chosen.items():
        if name == "source" or name not in set(part["sampler"]):
            continue
        drawn = 0
        for mode in used:
            rows = part[(part["sampler"] == name) & (part["mode"] == mode)]
            points = curve(mean_over(rows, "scene", scenes, ("kbps", score)), score)
            drawn += len(points)
            rates.extend(points.rates)
            if len(points):
                axes.plot(points.rates, points.scores, **modes.line(look, mode))
        if not drawn:
            absent.append(look.label)
    if not rates:
        axes.grid(False)
        axes.set_xticks([])
        axes.set_yticks([])
        style.say(axes, "no scene with a score\nfor every sampler")
        return
    levels = reference[reference["scene"].isin(scenes)]
    if score not in ("psnr", "ssim") and score in levels and levels[score].notna().any():
        axes.axhline(float(levels[score].mean()), color=style.INK, lw=0.8, ls=(0, (4, 2)))
    style.rate_axis(axes, rates)
    axes.margins(y=0.1)
    remarks = ["no data: " + ", ".join(absent)] if absent else []
    total = part["scene"].nunique()
    if len(scenes) < total:
        remarks.append(f"mean of {len(scenes)} of {total} scenes")
    if remarks:
        style.remark(axes, "\n".join(remarks))
