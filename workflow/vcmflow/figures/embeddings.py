"""Figure 8: t-SNE of sequences' embeddings, consecutive frames joined, for two embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from vcmflow.errors import VcmflowError
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs, read_embedding

Points = npt.NDArray[np.float64]
_COLOURS = "cividis"  # even steps of lightness, made for every kind of colour vision


def build(inputs: Inputs) -> Figure:
    """The figure from ``--reference-embeddings`` and ``--embeddings`` of the sequences ``--names``.

    ``--labels`` names the two columns.
    """
    inputs.need("embeddings", "names", "labels")
    inputs.only_options("seed")
    inputs.need_equal("names", "embeddings", "reference-embeddings")
    if len(inputs.labels) != 2:
        raise VcmflowError(f"figure {inputs.figure}: --labels names two columns, left and right")
    columns = [
        (label, [read_embedding(path) for path in paths])
        for label, paths in zip(
            inputs.labels, (inputs.reference_embeddings, inputs.embeddings), strict=True
        )
    ]
    return draw(inputs.names, columns, int(inputs.option("seed", 0)), inputs.note)


def neighbour_share(embedding: Points) -> float:
    """Share of frames whose nearest other frame, in the embedding itself, is next to it in time.

    1 on a smooth path, about 2/n by chance. Ties count as the frame nearer in time.
    """
    count = len(embedding)
    if count < 3:
        return float("nan")
    near = 0
    for place in range(count):
        distances = np.linalg.norm(embedding - embedding[place], axis=1)
        distances[place] = np.inf
        beside = [other for other in (place - 1, place + 1) if 0 <= other < count]
        near += bool(distances[beside].min() <= distances.min())
    return near / count


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
    """Draw a row per sequence and a column per embedding.

    Args:
        names: the sequences.
        columns: label of an embedding and, per sequence, its n x d array.
        seed: of t-SNE.
        note: what kind of data this is.
    """
    with style.context():
        figure = style.new_figure(2.45 * len(columns) + 0.6, 0.8 + 1.95 * len(names))
        style.add_note(figure, note)
        grid = figure.subplots(len(names), len(columns), squeeze=False)
        for place, (label, arrays) in enumerate(columns):
            for row, (name, array) in enumerate(zip(names, arrays, strict=True)):
                axes = grid[row][place]
                _panel(axes, array, seed)
                share = neighbour_share(array)
                text = (
                    ""
                    if np.isnan(share)
                    else f"nearest other frame is adjacent in time: {100 * share:.0f} %"
                )
                axes.set_xlabel(text, fontsize=6.5, color=style.MUTED)
                if place == 0:
                    axes.set_ylabel(style.fit(name, 1.8))
            heading = f"({'abcdefgh'[place % 8]}) {label}"
            grid[0][place].set_title(style.fit(heading, 2.4, 8), fontsize=8)
        bar = figure.colorbar(
            ScalarMappable(Normalize(0, 1), _COLOURS), ax=grid, shrink=0.6, aspect=35, pad=0.02
        )
        bar.set_ticks([0, 0.5, 1], labels=["first", "middle", "last"])
        bar.set_label("frame of the sequence")
        bar.outline.set_visible(False)
    return figure


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
