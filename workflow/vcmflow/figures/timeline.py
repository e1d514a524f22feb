"""Beyond the paper: where each sampler put its frames, above how fast the content moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vcmflow.core.arrays import Embedding, read_embedding
from vcmflow.core.decision import Decision, read_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs

_SPEED_ROWS = 1.5  # height of the embedding's speed, in rows of samplers


def build(inputs: Inputs) -> Figure:
    """The figure from ``--decisions`` and, where wanted, ``--embeddings`` with ``--names``."""
    inputs.need("decisions")
    inputs.need_equal("embeddings", "names")
    inputs.only_options()
    decisions = [read_decision(path) for path in inputs.decisions]
    embeddings = {
        name: read_embedding(path)
        for name, path in zip(inputs.names, inputs.embeddings, strict=True)
    }
    return draw(decisions, embeddings, inputs.samplers, inputs.note)


def content_speed(embedding: Embedding) -> npt.NDArray[np.float64]:
    """Length of the step between neighbouring embeddings, n - 1 values: the terms of Eq. (7)."""
    return np.asarray(np.linalg.norm(np.diff(np.asarray(embedding, np.float64), axis=0), axis=1))


def draw(
    decisions: Sequence[Decision],
    embeddings: Mapping[str, Embedding],
    samplers: Sequence[str] = (),
    note: str = "",
) -> Figure:
    """Draw a panel per sequence: a row of ticks per sampler, and the embedding's speed beneath.

    Args:
        decisions: of any sequences and samplers, one for each pair.
        embeddings: sequence -> n x d; sequences without one have no speed curve.
        samplers: which to draw, in the order of legends; those that drop frames if empty.
        note: what kind of data this is.

    Raises:
        VcmflowError: decisions of a sequence disagree on n, an embedding has another n, or a pair
            occurs twice.
    """
    table: dict[str, dict[str, Decision]] = {}
    for decision in decisions:
        own = table.setdefault(decision.sequence, {})
        if decision.sampler in own:
            raise VcmflowError(
                f"decisions: {decision.sampler!r} of {decision.sequence!r} is given twice"
            )
        own[decision.sampler] = decision
    for sequence, own in table.items():
        counts = {decision.n for decision in own.values()}
        if sequence in embeddings:
            counts.add(len(embeddings[sequence]))
        if len(counts) > 1:
            raise VcmflowError(f"{sequence}: decisions and embedding have {sorted(counts)} frames")

    there = dict.fromkeys(decision.sampler for decision in decisions)
    for name in samplers:
        if name not in there:
            raise VcmflowError(f"decisions: none by sampler {name!r}; there are {list(there)}")
    plain = dict.fromkeys(one.sampler for one in decisions if one.m < one.n)
    wanted = list(samplers or plain or there)
    chosen = style.looks(wanted)
    rows_of = list(chosen)
    sequences = sorted(table, key=style.natural_key)
    speed = bool(embeddings)

    most = 3 if len(sequences) <= 15 else 4
    rows, columns = style.grid_shape(len(sequences), most)
    height = 0.3 + 0.13 * (len(rows_of) + (_SPEED_ROWS if speed else 0)) + 0.17
    with style.context():
        figure = style.new_figure(
            max(style.COLUMN, style.WIDTH * columns / most), 0.4 + rows * height
        )
        style.add_note(figure, note)
        panels = figure.subplots(rows, columns, squeeze=False)
        for place, sequence in enumerate(sequences):
            axes = panels.flat[place]
            _panel(axes, table[sequence], embeddings.get(sequence), rows_of, chosen, speed)
            axes.set_title(
                style.fit(sequence, style.WIDTH / most - 0.75, 7), fontsize=7, loc="left"
            )
            if place % columns:
                axes.set_yticklabels([])
        for axes in panels.flat[len(sequences) :]:
            axes.set_visible(False)
        figure.supxlabel("frame", fontsize=8)
    return figure


def _panel(
    axes: Axes,
    own: Mapping[str, Decision],
    embedding: Embedding | None,
    rows: Sequence[str],
    chosen: Mapping[str, style.Look],
    speed: bool,
) -> None:
    count = next(iter(own.values())).n
    labels: list[tuple[float, str, str]] = []
    for row, name in enumerate(rows):
        look = chosen[name]
        height = len(rows) - 1 - row
        labels.append((height, name, look.colour))
        axes.plot([0, count - 1], [height, height], color=style.FAINT, lw=0.5, zorder=1)
        if name not in own:
            axes.text(
                (count - 1) / 2,
                height,
                "no data",
                fontsize=5.5,
                color=style.MUTED,
                ha="center",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
            continue
        kept = own[name].frames
        width = float(np.clip(90 / count, 0.3, 2.0))
        axes.vlines(
            kept,
            height - 0.38,
            height + 0.38,
            color=look.colour,
            lw=width,
            zorder=2,
            rasterized=len(kept) > 2000,
        )
    bottom = -0.5
    if speed:
        top, bottom = -0.7, -0.7 - _SPEED_ROWS
        labels.append(((top + bottom) / 2, "embedding speed", style.MUTED))
        steps = content_speed(embedding) if embedding is not None else np.zeros(0)
        if len(steps) and steps.max() > 0:
            heights = bottom + (top - bottom) * steps / steps.max()
            edges = np.arange(count, dtype=np.float64)
            axes.stairs(heights, edges, baseline=bottom, fill=True, color=style.FAINT, lw=0)
            axes.stairs(heights, edges, baseline=None, color=style.MUTED, lw=0.6)
        else:
            reason = "no embedding" if embedding is None else "no motion"
            axes.text(
                (count - 1) / 2,
                (top + bottom) / 2,
                reason,
                fontsize=5.5,
                color=style.MUTED,
                ha="center",
                va="center",
            )
    pad = max(0.02 * (count - 1), 0.2)
    axes.set_xlim(-pad, count - 1 + pad)
    axes.set_ylim(bottom - 0.05, len(rows) - 0.4)
    axes.set_yticks([height for height, _, _ in labels], [name for _, name, _ in labels])
    for tick, (_, _, colour) in zip(axes.get_yticklabels(), labels, strict=True):
        tick.set_color(colour)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.grid(False)
    axes.spines["left"].set_visible(False)
