"""A codec of features: maps before and after it, and which parts of its streams take the bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import read_features
from vcmflow.core.scores import select, wide
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs, numbers, read_table

# What a part of the rate is called -> the columns of the record that are summed, and its colour.
PARTS: Mapping[str, tuple[Sequence[str], str]] = {
    "motion": (("bytes_mv_y",), "#E69F00"),
    "context": (("bytes_y",), "#0072B2"),
    "hyper latents": (("bytes_mv_z", "bytes_z"), "#56B4E9"),
}
INTRA, REST = "intra pictures", "lengths, checksums"
_COLOURS = {INTRA: "#999999", **{name: colour for name, (_, colour) in PARTS.items()}}
_COLOURS |= {REST: "#DDDDDD"}
_SEEN = (1.0, 99.0)  # percentiles of a map before coding that are darkest and brightest

Maps = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shown:
    """Some channels of one frame's feature, (k, h, w), and their numbers (k,)."""

    channels: npt.NDArray[np.int64]
    before: Maps
    after: Maps


def build(inputs: Inputs) -> Figure:
    """Maps of one frame at ``--points``, ``--maps`` of each, and the rate by parts at all points.

    ``--bits`` are the records ``<point>.bits.csv`` of all sequences of the data set.
    """
    inputs.only_options()
    inputs.need("scores", "methods", "points", "maps", "bits", "sequence")
    inputs.need_equal("points", "maps")
    if len(inputs.methods) != 1:
        raise VcmflowError("figure features takes one --methods")
    shown = [read_shown(path) for path in inputs.maps]
    first = shown[0]
    if any((other.channels != first.channels).any() for other in shown):
        raise VcmflowError("figure features: --maps are not of one frame's channels")
    rates = parts_of_rate(inputs.table, inputs.methods[0], inputs.bits)
    codec = str(select(wide(inputs.table, "dataset"), inputs.methods[0])["codec"].iloc[0])
    rows = [("before coding", first.before)]
    for point, one in zip(inputs.points, shown, strict=True):
        error = float(np.square(one.after - one.before).mean())
        name = inputs.titles.point(codec, point)
        rows.append((f"{name}, error {error:.3f}", one.after))
    return draw(first, rows, {inputs.titles.point(codec, p): r for p, r in rates.items()}, inputs)


def read_shown(path: Path) -> Shown:
    """Read a record of maps.

    Raises:
        VcmflowError: it holds something else.
    """
    found: dict[str, npt.NDArray[Any]] = next(iter(read_features(path)), {})
    before, after = (found.get(name, np.zeros(0)) for name in ("before", "after"))
    channels = found.get("channels", np.zeros(0)).ravel()
    finite = before.size > 0 and np.isfinite(before).all() and np.isfinite(after).all()
    if not finite or before.ndim != 3 or before.shape != after.shape:
        raise VcmflowError(f"{path}: not a record of maps before and after coding")
    if len(channels) != len(before) or channels.dtype.kind not in "iu":
        raise VcmflowError(f"{path}: {len(before)} maps of {len(channels)} channels")
    return Shown(channels.astype(np.int64), before.astype(np.float32), after.astype(np.float32))


def parts_of_rate(
    table: pd.DataFrame, method: str, bits: Sequence[Path]
) -> dict[str, dict[str, float]]:
    """Bits per pixel of a whole data set: point -> part -> value; points ascending.

    Raises:
        VcmflowError: a record is broken, or the scores are not of the same streams.
    """
    pooled = select(wide(table, "dataset"), method)
    sums: dict[str, dict[str, float]] = {}
    for path in bits:
        rows = read_table(path, ",")
        own = sums.setdefault(path.name.partition(".bits")[0], dict.fromkeys(PARTS, 0.0))
        for name, (columns, _) in PARTS.items():
            if not set(columns) <= set(rows):
                raise VcmflowError(f"{path}: lacks one of the columns {', '.join(columns)}")
            own[name] += sum(float(numbers(rows, column, path).sum()) for column in columns)
    found = {}
    for point in sorted(sums, key=float):
        scored = pooled[pooled["point"] == point]
        names = ("stream_bytes.intra", "stream_bytes.features", "rate_bytes", "bpp")
        if len(scored) != 1 or not set(names) <= set(scored):
            raise VcmflowError(f"scores: {method!r} has no streams intra and features at {point}")
        intra, features, rate, bpp = (float(scored[name].iloc[0]) for name in names)
        rest = features - sum(sums[point].values())
        if rest < 0:
            raise VcmflowError(f"--bits of point {point} have more bytes than the streams have")
        parts = {INTRA: intra, **sums[point], REST: rest}
        found[point] = {name: size * bpp / rate for name, size in parts.items()}
    return found


def draw(
    shown: Shown,
    rows: Sequence[tuple[str, Maps]],
    rates: Mapping[str, Mapping[str, float]],
    inputs: Inputs,
) -> Figure:
    """Rows of maps, each channel in one scale of grey, over bars of the rate."""
    count, height, width = shown.before.shape
    down = style.WIDTH / count * height / width
    with style.context():
        figure = style.new_figure(style.WIDTH, len(rows) * (down + 0.17) + 0.22 * len(rates) + 1.0)
        style.add_note(figure, inputs.note)
        grid = figure.add_gridspec(
            len(rows) + 1, count, height_ratios=[*[down] * len(rows), 0.22 * len(rates)]
        )
        for row, (title, maps) in enumerate(rows):
            for column, channel in enumerate(shown.channels):
                axes = figure.add_subplot(grid[row, column])
                low, high = np.percentile(shown.before[column], _SEEN)
                axes.imshow(maps[column], cmap="gray", vmin=float(low), vmax=float(high))
                axes.set_axis_off()
                words = f"channel {channel}" if row == 0 else ""
                if column == 0:
                    words = f"{title}; {words}" if words else title
                axes.set_title(words, loc="left", fontsize=6.5)
        axes = figure.add_subplot(grid[len(rows), :])
        places = np.arange(len(rates))[::-1]
        ends = np.zeros(len(rates))
        for name, colour in _COLOURS.items():
            sizes = np.array([parts[name] for parts in rates.values()])
            axes.barh(places, sizes, left=ends, height=0.7, color=colour, label=name)
            ends += sizes
        for place, end in zip(places, ends, strict=True):
            axes.text(end, place, f" {end:.3f}", va="center", fontsize=6.5, color=style.MUTED)
        axes.set_yticks(places, list(rates))
        axes.set_xlim(0, 1.08 * float(ends.max()))
        axes.grid(axis="y", visible=False)
        handles, labels = axes.get_legend_handles_labels()
        style.bottom_legend(figure, handles, labels, "bits per pixel of the source, all sequences")
    return figure
