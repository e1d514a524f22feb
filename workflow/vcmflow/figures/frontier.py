"""Which share of frames to keep at which rate: all operating points, and their convex hull."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vcmflow.core.frontier import points_alike, sentence
from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import one_task, wide
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs
from vcmflow.score.registry import accuracy_of


def build(inputs: Inputs) -> Figure:
    """Rate against accuracy, all scenes pooled, of all methods that are coded like ``--whole``.

    Colours tell the samplers of ``--curves`` apart, the size of a marker the share of frames kept;
    the line is the upper convex hull of all points.
    """
    inputs.need("scores", "whole")
    inputs.only_options()
    task = one_task(inputs.table, inputs.task)
    entry = accuracy_of(inputs.table, task)
    accuracy = entry.accuracy
    rows = wide(inputs.table, "dataset", task)
    points = points_alike(rows[rows["method"] != SOURCE], inputs.whole, accuracy)
    curve_of = {member: name for name, members in inputs.curves.items() for member in members}
    samplers = points["method"].map(lambda method: curve_of.get(method, method))
    chosen = style.looks(dict.fromkeys(samplers), inputs.titles)
    source = rows[rows["method"] == SOURCE]
    with style.context():
        figure = style.new_figure(style.WIDTH, 3.6)
        style.add_note(figure, inputs.note)
        axes = figure.subplots()
        hull = points[points["on_hull"]]
        (line,) = axes.plot(hull["kbps"], hull[accuracy], color="0.6", lw=3, zorder=1)
        for name, look in chosen.items():
            own = points[samplers == name]
            for share in own["share"].unique().tolist():
                part, size = own[own["share"] == share], 2 + 5 * share
                axes.plot(
                    part["kbps"],
                    part[accuracy],
                    **look.line(markersize=size, linewidth=0.5),
                )
        if source[accuracy].notna().any():
            axes.axhline(float(source[accuracy].mean()), **style.REFERENCE)
        style.rate_axis(axes, points["kbps"].to_list())
        axes.margins(y=0.08)
        axes.set_title(style.wrap(sentence(points), 0.9 * style.WIDTH, 7.5), fontsize=7.5)
        axes.set_ylabel(entry.titles[accuracy])
        handles, labels = style.Key(chosen, list(chosen.values())).handles()
        shares = sorted(points["share"].round(2).unique())
        handles += [line]
        labels += ["convex hull"]
        for share in shares:
            marker = Line2D([], [], ls="none", marker="o", color="0.4", ms=2 + 5 * share)
            handles.append(marker)
            labels.append(f"m/n = {share:.2f}")
        codec = inputs.titles.of(str(points["codec"].iloc[0]))
        style.bottom_legend(figure, handles, labels, f"rate (kbit/s), {codec}, all scenes")
    return figure
