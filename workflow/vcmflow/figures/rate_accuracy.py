"""Figures 4 and 5: rate against mAP per scene, one curve per sampler (random access, all-intra)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from vcmflow.core.errors import VcmflowError
from vcmflow.figures import modes, style
from vcmflow.figures.inputs import Inputs, curve, pick, read_scores


def random_access(inputs: Inputs) -> Figure:
    """Figure 4 from ``--scenes``."""
    return _build(inputs, "ra")


def all_intra(inputs: Inputs) -> Figure:
    """Figure 5 from ``--scenes``."""
    return _build(inputs, "ai")


def _build(inputs: Inputs, mode: str) -> Figure:
    inputs.need("scenes")
    inputs.only_options()
    scores = read_scores(inputs.scenes, ("scene", "sampler", "mode", "qp", "kbps", "map"))
    return draw(scores, mode, inputs.samplers, inputs.note)


def draw(scores: pd.DataFrame, mode: str, samplers: tuple[str, ...] = (), note: str = "") -> Figure:
    """Draw one panel per scene.

    Args:
        scores: rows of ``score/scenes.csv``; the sampler "source" gives the dashed line.
        mode: "ra" or "ai".
        samplers: which samplers to draw; all but those with an own number of frames if empty.
        note: what kind of data this is.

    Raises:
        VcmflowError: no row has this mode, or a wanted sampler has none.
    """
    source = scores[scores["sampler"] == "source"]
    coded = scores[scores["sampler"] != "source"]
    coded = pick(coded, "mode", (mode,), "scores")
    coded = pick(coded, "sampler", samplers, f"scores in mode {mode!r}")
    if not samplers:
        coded = coded[~coded["sampler"].str.contains(r"-n\d+$")]
    if coded.empty:
        raise VcmflowError(f"scores: no sampler at the dataset's own number of frames in {mode!r}")

    scenes = sorted(coded["scene"].unique(), key=style.natural_key)
    names = [*coded["sampler"].unique(), *(["source"] if not source.empty else [])]
    chosen = style.looks(names)
    rows, columns = style.grid_shape(len(scenes), 3 if len(scenes) <= 12 else 5)
    with style.context():
        figure = style.new_figure(style.WIDTH, 0.75 + rows * (1.65 if columns <= 3 else 1.35))
        style.add_note(figure, note)
        panels = figure.subplots(rows, columns, squeeze=False)
        for axes, scene in zip(panels.flat, scenes, strict=False):
            part = coded[coded["scene"] == scene]
            axes.set_title(style.fit(scene, style.WIDTH / columns - 0.5))
            rates: list[float] = []
            absent = []
            points = 0
            for name, look in chosen.items():
                if name == "source":
                    continue
                line = curve(part[part["sampler"] == name], "map")
                rates.extend(line.rates)
                points += len(line)
                if len(line):
                    axes.plot(line.rates, line.scores, **look.line())
                else:
                    absent.append(look.label)
            if not points:
                axes.grid(False)
                axes.set_xticks([])
                axes.set_yticks([])
                style.say(axes, "mAP undefined:\nno object of these classes")
                continue
            level = source.loc[source["scene"] == scene, "map"].dropna()
            if len(level):
                axes.axhline(float(level.iloc[0]), color=style.INK, lw=0.8, ls=(0, (4, 2)))
            if absent:
                style.remark(axes, "no data: " + ", ".join(absent))
            style.rate_axis(axes, rates)
            axes.margins(y=0.1)
        for axes in panels.flat[len(scenes) :]:
            axes.set_visible(False)
        figure.supylabel("mAP (IoU 0.50:0.95)", fontsize=8)
        xlabel = f"rate (kbit/s), {modes.NAMES.get(mode, mode)}"
        style.bottom_legend(figure, *style.sampler_handles(chosen), xlabel)
    return figure
