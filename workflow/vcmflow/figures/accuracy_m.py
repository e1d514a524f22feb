"""Beyond the paper: task accuracy and rate against the share of frames kept, per point.

The paper discusses the trade-off in m (3.1.4) and shows no curve of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import one_task, select, wide
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs
from vcmflow.figures.rates import chosen_methods, common_units
from vcmflow.score.registry import accuracy_of


def build(inputs: Inputs) -> Figure:
    """The figure from ``--scores``: ``--curves`` of methods that differ in the share they keep.

    Mean accuracy and mean rate over the scenes, a row of panels per dataset
    and point; the method ``--whole``
    ends every curve at m = n.
    """
    inputs.need("scores", "curves", "points")
    inputs.only_options()
    scores = inputs.table
    task = one_task(scores, inputs.task)
    entry = accuracy_of(scores, task)
    score, title = entry.accuracy, entry.titles[entry.accuracy]
    members = [name for names in inputs.curves.values() for name in names]
    every = chosen_methods(scores, [*members, *([inputs.whole] if inputs.whole else [])])
    rows = wide(scores, "scene", task)
    source = rows[rows["method"] == SOURCE]
    parts = [
        (dataset, point, part)
        for point in inputs.points
        for dataset, part in pd.concat(
            [select(rows, name, point) for name in dict.fromkeys(every)]
        ).groupby("dataset", sort=False)
        if part["method"].isin(members).any()
    ]
    chosen = style.looks([*inputs.curves, *(["all"] if inputs.whole else []), SOURCE])
    with style.context():
        figure = style.new_figure(style.WIDTH, 0.85 + 2.0 * len(parts))
        style.add_note(figure, inputs.note)
        grid = figure.subplots(len(parts), 2, squeeze=False)
        for (left, right), (dataset, point, part) in zip(grid, parts, strict=True):
            whole = part[part["method"] == inputs.whole]
            # The same scenes at every point, so that along a curve only the sampling changes.
            scenes = common_units(part, "scene", score)
            total = part["scene"].nunique()
            for axes, value in ((left, score), (right, "kbps")):
                end = _points(whole, value, scenes)
                for name, names in inputs.curves.items():
                    points = _points(part[part["method"].isin(names)], value, scenes)
                    line = pd.concat([points, end])
                    axes.plot(line["share"], line[value], **chosen[name].line(marker=""))
                    axes.plot(points["share"], points[value], **chosen[name].line(linestyle="none"))
                if len(end):
                    look = chosen["all"].line(linestyle="none")
                    axes.plot(end["share"], end[value], **look)
                axes.set_xlim(0, 1.04)
                axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
                axes.margins(y=0.12)
                axes.set_xlabel("share of frames kept, m/n")
            left.set_ylabel(f"{title}, mean")
            if scenes:
                levels = source[(source["dataset"] == dataset) & source["scene"].isin(scenes)]
                if levels[score].notna().any():
                    left.axhline(float(levels[score].mean()), **style.REFERENCE)
                if len(scenes) < total:
                    style.remark(left, f"mean of {len(scenes)} of {total} scenes")
            else:
                style.empty(left, "accuracy undefined")
            right.set_ylabel("rate (kbit/s), mean")
            right.set_ylim(bottom=0)
            codec = str(part["codec"].iloc[0])
            words = f"{inputs.titles.of(codec)}, {inputs.titles.point(codec, point)}"
            left.set_title(style.fit(f"{dataset}: {words}", 3.0), loc="left")
        entries = [look for name, look in chosen.items() if name != SOURCE or len(source)]
        style.bottom_legend(figure, *style.Key(chosen, entries).handles())
    return figure


def _points(rows: pd.DataFrame, value: str, scenes: Sequence[str]) -> pd.DataFrame:
    """Mean of ``value`` over scenes per method, and the share kept, by rising share."""
    own = rows[rows["scene"].isin(list(scenes)) & rows[value].notna()]
    means = own.groupby("method", sort=True).agg({"n": "sum", "m": "sum", value: "mean"})
    means["share"] = means["m"] / means["n"]
    return means.drop_duplicates("share").sort_values("share")
