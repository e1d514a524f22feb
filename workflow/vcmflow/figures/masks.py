"""Figure 7: one frame as each method delivers it, with the masks that match its objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from scipy.optimize import linear_sum_assignment

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rle import decode_mask
from vcmflow.core.truth import Annotation, Found
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs
from vcmflow.figures.pictures import Scene, lay_out, read_scene

Mask = npt.NDArray[np.bool_]
_COLOURS = ("#56B4E9", "#F0E442", "#FF6F3C", "#CC79A7", "#00C08B", "#B0A0FF", "#FFFFFF", "#C8A165")


@dataclass(frozen=True)
class Match:
    """A ground truth object, the mask assigned to it (or None), and their Jaccard index."""

    truth: Mask
    predicted: Mask | None
    jaccard: float


def build(inputs: Inputs) -> Figure:
    """The figure; see `pictures.read_scene` for its files."""
    inputs.only_options("frame")
    return draw(read_scene(inputs), inputs.note)


def match(truth: Sequence[Mask], predicted: Sequence[Mask]) -> list[Match]:
    """Assign predicted masks to objects so that the sum of their Jaccard indices is greatest.

    Eq. (14), whatever the classes; an object left without overlap has no mask and counts 0.
    """
    overlaps = np.zeros((len(truth), len(predicted)))
    for row, object_mask in enumerate(truth):
        for column, mask in enumerate(predicted):
            union = np.count_nonzero(object_mask | mask)
            overlaps[row, column] = np.count_nonzero(object_mask & mask) / union if union else 0.0
    matches = [Match(mask, None, 0.0) for mask in truth]
    for row, column in zip(*linear_sum_assignment(overlaps, maximize=True), strict=True):
        if overlaps[row, column] > 0:
            matches[row] = Match(truth[row], predicted[column], float(overlaps[row, column]))
    return matches


def window(objects: Sequence[Mask], height: int, width: int) -> tuple[float, float, float, float]:
    """The part of the frame that holds its objects: left, top, width, height in px.

    It has the frame's proportions, a quarter of the objects' extent as margin on each side, and at
    least half the frame's width.
    """
    union = np.any(np.array(objects, bool).reshape(-1, height, width), axis=0)
    if not union.any():
        return 0.0, 0.0, float(width), float(height)
    rows, columns = np.nonzero(union)
    left, right = int(columns.min()), int(columns.max()) + 1
    top, bottom = int(rows.min()), int(rows.max()) + 1
    scale = max(1.5 * (right - left) / width, 1.5 * (bottom - top) / height, 0.5)
    across, down = min(scale, 1.0) * width, min(scale, 1.0) * height
    x = float(np.clip((left + right - across) / 2, 0, width - across))
    y = float(np.clip((top + bottom - down) / 2, 0, height - down))
    return x, y, across, down


def draw(scene: Scene, note: str = "") -> Figure:
    """Fill each object's matched mask with the object's colour and outline the ground truth.

    The frame's mean Jaccard index stands in each panel; an object without a mask is crossed out.
    """
    height, width = scene.views[0].picture.shape[:2]
    objects = [
        entry
        for entry in scene.truth
        if entry.mask is not None and not (entry.ignore or entry.crowd)
    ]
    objects.sort(key=lambda entry: -1 if entry.object_id is None else entry.object_id)
    truth = _masks(objects, height, width)
    with style.context():
        figure, panels = lay_out(scene, note, window(truth, height, width))
        for axes, view in zip(panels, scene.views, strict=True):
            predicted = _masks([s for s in view.shapes if s.mask is not None], height, width)
            matches = match(truth, predicted)
            for place, found in enumerate(matches):
                _draw_match(axes, found, _COLOURS[place % len(_COLOURS)])
            if matches:
                mean = np.mean([found.jaccard for found in matches])
                _corner(axes, f"J = {mean:.2f}")
            else:
                _corner(axes, "no object in this frame")
        colours = [_COLOURS[place % len(_COLOURS)] for place in range(len(truth))]
        handles: list[Rectangle | Line2D] = [
            Rectangle((0, 0), 1, 1, facecolor=colour, alpha=0.6) for colour in colours
        ]
        labels = [f"object {shape.object_id}" for shape in objects]
        handles.append(Line2D([], [], color="black", lw=1.0, ls=(0, (2, 1.2))))
        handles.append(Line2D([], [], color="black", marker="x", ls="none", ms=5, mew=1.4))
        figure.legend(
            handles,
            [*labels, "ground truth", "no mask found"],
            loc="lower center",
            ncols=min(len(handles), 7),
            bbox_to_anchor=(0.5, 0.0),
            handlelength=1.6,
        )
    return figure


def _masks(shapes: Sequence[Annotation] | Sequence[Found], height: int, width: int) -> list[Mask]:
    masks = [decode_mask(shape.mask) for shape in shapes if shape.mask is not None]
    for mask in masks:
        if mask.shape != (height, width):
            raise VcmflowError(
                f"a mask is {mask.shape[1]}x{mask.shape[0]}, the frame is {width}x{height}"
            )
    return masks


def _draw_match(axes: Axes, found: Match, colour: str) -> None:
    height, width = found.truth.shape
    limits = axes.get_xlim(), axes.get_ylim()
    if found.predicted is not None:
        layer = np.zeros((height, width, 4))
        layer[..., :3] = to_rgb(colour)
        layer[..., 3] = 0.55 * found.predicted
        axes.imshow(layer, interpolation="nearest", zorder=2)
        _outline(axes, found.predicted, colour, 0.9, "solid", 3)
    _outline(axes, found.truth, "black", 0.9, (0, (2, 1.2)), 4)
    if found.predicted is None and found.truth.any():
        rows, columns = np.nonzero(found.truth)
        x, y = float(columns.mean()), float(rows.mean())
        axes.plot(x, y, marker="x", ms=8, mew=3.2, color="white", zorder=5)
        axes.plot(x, y, marker="x", ms=7, mew=1.6, color="black", zorder=6)
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])


def _outline(
    axes: Axes, mask: Mask, colour: str, width: float, dashes: object, order: float
) -> None:
    if mask.any() and not mask.all():
        axes.contour(
            mask.astype(float),
            [0.5],
            colors=[colour],
            linewidths=width,
            linestyles=[dashes],
            zorder=order,
        )


def _corner(axes: Axes, text: str) -> None:
    axes.text(
        0.985,
        0.03,
        text,
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=7,
        zorder=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
    )
