"""Beyond the paper: task accuracy and rate against the share of frames kept, at one mode and QP.

The paper discusses the trade-off in m (3.1.4) and shows no curve of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from vcmflow.core.errors import VcmflowError
from vcmflow.figures import modes, style
from vcmflow.figures.inputs import Inputs, common_units, pick, read_scores

ACCURACIES = {"map": "mAP (IoU 0.50:0.95)", "jaccard": "Jaccard J"}


def build(inputs: Inputs) -> Figure:
    """The figure from ``--scenes``, one ``--mode`` and one ``--qp``."""
    inputs.need("scenes", "modes", "qps")
    inputs.only_options()
    if len(inputs.modes) != 1 or len(inputs.qps) != 1:
        raise VcmflowError(f"figure {inputs.figure} takes one --modes and one --qps value")
    scores = read_scores(
        inputs.scenes, ("dataset", "scene", "sampler", "mode", "qp", "n", "m", "kbps")
    )
    return draw(scores, inputs.modes[0], inputs.qps[0], inputs.samplers, inputs.note)


def draw(
    scores: pd.DataFrame, mode: str, qp: int, samplers: Sequence[str] = (), note: str = ""
) -> Figure:
    """Draw, per dataset, mean accuracy and mean rate over the scenes against m/n.

    Args:
        scores: rows of ``score/scenes.csv``; the samplers ``name`` and ``name-n<k>`` make the curve
            of ``name``, and ``all`` ends every curve at m = n.
        mode: "ra" or "ai".
        qp: the quantisation parameter.
        samplers: base names to draw; those with at least two numbers of frames if empty.
        note: what kind of data this is.

    Raises:
        VcmflowError: no sampler was run with more than one number of frames, or the mode or
            the QP does not occur.
    """
    source = scores[scores["sampler"] == "source"]
    coded = pick(scores[scores["sampler"] != "source"], "mode", (mode,), "scores")
    there = sorted(int(value) for value in coded["qp"].dropna().unique())
    if qp not in there:
        raise VcmflowError(f"scores: no rows with QP {qp} in mode {mode!r}; there are {there}")
    coded = coded[coded["qp"] == qp].copy()
    coded["base"] = coded["sampler"].map(style.base_name)
    sweep = coded[coded["base"] != "all"].groupby("base")["sampler"].nunique()
    bases = list(samplers) or list(sweep[sweep > 1].index)
    coded = pick(
        coded, "base", [*bases, *(["all"] if (coded["base"] == "all").any() else [])], "scores"
    )
    if not bases:
        raise VcmflowError("scores: no sampler was run with more than one number of frames m")

    # A dataset without a sweep would show nothing but single points.
    swept = coded[coded["base"].isin(bases)].groupby("dataset")["sampler"].nunique()
    datasets = [name for name in dict.fromkeys(coded["dataset"]) if swept.get(name, 0) > len(bases)]
    datasets = datasets or list(dict.fromkeys(coded["dataset"]))
    chosen = style.looks([*bases, *coded["base"].unique(), *(["source"] if len(source) else [])])
    with style.context():
        figure = style.new_figure(style.WIDTH, 0.85 + 2.0 * len(datasets))
        style.add_note(figure, note)
        grid = figure.subplots(len(datasets), 2, squeeze=False)
        for (left, right), dataset in zip(grid, datasets, strict=True):
            part = coded[coded["dataset"] == dataset]
            score = next((s for s in ACCURACIES if s in part and part[s].notna().any()), None)
            whole = part[part["base"] == "all"]
            # The same scenes at every point, so that along a curve only the sampling changes.
            scenes = common_units(part, "scene", ("sampler",), score or "kbps")
            for name, look in chosen.items():
                own = part[part["base"] == name]
                if name in ("all", "source") or own.empty:
                    continue
                for axes, value in ((left, score), (right, "kbps")):
                    if value is None:
                        continue
                    points = _points(own, value, scenes)
                    ends = pd.concat([points, _points(whole, value, scenes)])
                    axes.plot(ends["share"], ends[value], **look.line(marker=""))
                    axes.plot(points["share"], points[value], **look.line(linestyle="none"))
            for axes, value in ((left, score), (right, "kbps")):
                if value is None:
                    continue
                if len(whole):
                    end = _points(whole, value, scenes)
                    axes.plot(end["share"], end[value], **chosen["all"].line(linestyle="none"))
                axes.set_xlim(0, 1.04)
                axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
                axes.margins(y=0.12)
                axes.set_xlabel("share of frames kept, m/n")
            if score is None:
                left.set_xticks([])
                left.set_yticks([])
                style.say(left, "accuracy undefined")
            else:
                left.set_ylabel(f"{ACCURACIES[score]}, mean")
                reference = source[(source["dataset"] == dataset) & source["scene"].isin(scenes)]
                if len(reference) and reference[score].notna().any():
                    level = float(reference[score].mean())
                    left.axhline(level, color=style.INK, lw=0.8, ls=(0, (4, 2)))
            total = part["scene"].nunique()
            if len(scenes) < total:
                style.remark(left, f"mean of {len(scenes)} of {total} scenes")
            right.set_ylabel("rate (kbit/s), mean")
            right.set_ylim(bottom=0)
            title = f"{dataset}: {modes.NAMES.get(mode, mode)}, QP {qp}"
            left.set_title(style.fit(title, 3.0), loc="left")
        style.bottom_legend(figure, *style.sampler_handles(chosen))
    return figure


def _points(rows: pd.DataFrame, value: str, scenes: Sequence[str]) -> pd.DataFrame:
    """Mean of ``value`` over scenes per number of frames, and the share kept, by rising share."""
    own = rows[rows["scene"].isin(list(scenes)) & rows[value].notna()]
    means = own.groupby("sampler", sort=True).agg({"n": "sum", "m": "sum", value: "mean"})
    means["share"] = means["m"] / means["n"]
    return means.drop_duplicates("share").sort_values("share")
