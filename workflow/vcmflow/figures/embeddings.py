"""Figure 8: t-SNE of sequences' embeddings, consecutive frames joined, for several embeddings."""

from __future__ import annotations

import math
import string
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from vcmflow.core.arrays import read_embedding
from vcmflow.core.errors import VcmflowError
from vcmflow.core.trajectory import neighbour_share
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs

Points = npt.NDArray[np.float64]
_MOST = 5  # embeddings side by side; more continue below
_COLOURS = "cividis"  # even steps of lightness, made for every kind of colour vision


def build(inputs: Inputs) -> Figure:
    """The figure from ``--embeddings`` of the sequences ``--names``, one column per ``--labels``.

    The files of the first label's embedding come first, one per sequence, then the next label's.
    """
    inputs.need("embeddings", "names", "labels")
    inputs.only_options("seed")
    count = len(inputs.names)
    if len(inputs.embeddings) != count * len(inputs.labels):
        raise VcmflowError(
            f"figure {inputs.figure}: --embeddings has {len(inputs.embeddings)} files; wanted: one "
            f"of {count} --names for each of {len(inputs.labels)} --labels, "
            f"{count * len(inputs.labels)} in all"
        )
    columns = [
        (label, [_points(path) for path in inputs.embeddings[start : start + count]])
        for label, start in zip(inputs.labels, range(0, len(inputs.embeddings), count), strict=True)
    ]
    return draw(inputs.names, columns, int(inputs.option("seed", 0)), inputs.note)


def _points(path: Path) -> Points:
    return np.asarray(read_embedding(path), np.float64)


def project(embedding: Points, seed: int) -> Points | None:
    """t-SNE of n x d embeddings to n x 2, or None where there is nothing to spread out.

    It starts from the first two principal components, with fixed signs, and has perplexity
    min(30, (n - 1)/3), so that equal input gives equal output.
    """
    count = len(embedding)
    centred = embedding - embedding.mean(axis=0)
    scale = float(np.abs(centred).max(initial=0.0))
    if count < 4 or scale <= 1e-12 * (1.0 + float(np.abs(embedding).max())):
        return None
    centred /= scale
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    start = np.zeros((count, 2))
    for axis in range(min(2, len(values))):
        component = left[:, axis] * values[axis]
        start[:, axis] = component * (np.sign(component[np.argmax(np.abs(component))]) or 1.0)
    start *= 1e-4 / start[:, 0].std()
    from sklearn.manifold import TSNE  # slow to import, and no other figure needs it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(
            TSNE(
                perplexity=min(30.0, (count - 1) / 3),
                init=start,
                random_state=seed,
                method="exact" if count <= 500 else "barnes_hut",
                learning_rate="auto",
                n_jobs=1,
            ).fit_transform(centred),
            np.float64,
        )


def draw(
    names: Sequence[str],
    columns: Sequence[tuple[str, Sequence[Points]]],
    seed: int = 0,
    note: str = "",
) -> Figure:
    """Draw a row per sequence and a column per embedding; from six on in several blocks.

    Args:
        names: the sequences.
        columns: label of an embedding and, per sequence, its n x d array.
        seed: of t-SNE.
        note: what kind of data this is.
    """
    blocks = math.ceil(len(columns) / _MOST)
    across = math.ceil(len(columns) / blocks)
    width = min(2.45 * across + 0.6, style.WIDTH)
    side = min((width - 0.6) / across, 2.45)
    height = 0.8 * side
    with style.context():
        figure = style.new_figure(width, 0.5 + blocks * (0.3 + height * len(names)))
        style.add_note(figure, note)
        grid = figure.subplots(blocks * len(names), across, squeeze=False)
        for place, (label, arrays) in enumerate(columns):
            block, column = divmod(place, across)
            top = block * len(names)
            for row, (name, array) in enumerate(zip(names, arrays, strict=True), start=top):
                axes = grid[row][column]
                _panel(axes, array, seed)
                axes.set_xlabel(_share(array, across), fontsize=6.5, color=style.MUTED)
                if column == 0:
                    axes.set_ylabel(style.fit(name, 0.92 * height))
            heading = f"({string.ascii_lowercase[place % 26]}) {label}"
            grid[top][column].set_title(style.fit(heading, side - 0.05, 8), fontsize=8)
        for place in range(len(columns), blocks * across):
            block, column = divmod(place, across)
            for row in range(block * len(names), (block + 1) * len(names)):
                grid[row][column].set_visible(False)
        bar = figure.colorbar(
            ScalarMappable(Normalize(0, 1), _COLOURS),
            ax=grid,
            shrink=0.6 / blocks,
            aspect=35 / blocks,
            pad=0.02,
        )
        bar.set_ticks([0, 0.5, 1], labels=["first", "middle", "last"])
        bar.set_label("frame of the sequence")
        bar.outline.set_visible(False)
    return figure


def _share(embedding: Points, across: int) -> str:
    """What stands below a panel; shorter where panels are small."""
    share = neighbour_share(embedding)
    if math.isnan(share):
        return ""
    words = "nearest other frame is adjacent in time" if across <= 2 else "nearest is adjacent"
    return f"{words}: {100 * share:.0f} %"


def _panel(axes: Axes, embedding: Points, seed: int) -> None:
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(style.FAINT)
    points = project(embedding, seed)
    if points is None:
        style.say(axes, "too few frames" if len(embedding) < 4 else "all frames alike")
        return
    axes.plot(points[:, 0], points[:, 1], color=style.MUTED, lw=0.7, ls=(0, (3, 1.5)), zorder=1)
    size = 26.0 if len(points) <= 40 else 12.0
    axes.scatter(
        points[:, 0],
        points[:, 1],
        c=np.linspace(0, 1, len(points)),
        cmap=_COLOURS,
        s=size,
        edgecolors="white",
        linewidths=0.4,
        zorder=2,
    )
    axes.margins(0.1)
    axes.set_aspect("equal", adjustable="datalim")
