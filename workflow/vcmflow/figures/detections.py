"""Figure 6: one frame as each method delivers it, with what the detector finds in it."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vcmflow.core.truth import Box
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs
from vcmflow.figures.pictures import Scene, lay_out, place_labels, read_scene

_COLOURS = ("#56B4E9", "#F0E442", "#FF6F3C", "#CC79A7", "#009E73")


def build(inputs: Inputs) -> Figure:
    """The figure; see `pictures.read_scene` for its files. ``--option score=0.5`` is the least."""
    inputs.only_options("score", "frame")
    return draw(read_scene(inputs), inputs.option("score", 0.5), inputs.note)


def draw(scene: Scene, threshold: float = 0.5, note: str = "") -> Figure:
    """Draw detections of at least ``threshold`` as boxes, and ground truth as thin dashed ones.

    Only the ground truth's categories are drawn, since only they are scored.
    """
    colours = {
        category: _COLOURS[place % len(_COLOURS)]
        for place, category in enumerate(sorted(scene.categories))
    }
    with style.context():
        figure, panels = lay_out(scene, note)
        for axes, view in zip(panels, scene.views, strict=True):
            for entry in scene.truth:
                if not (entry.ignore or entry.crowd):
                    axes.add_patch(_box(entry.box, "#00000066", 0.6, "-", 2.8))
                    axes.add_patch(_box(entry.box, "white", 0.6, (0, (2, 1.5)), 3))
            found = [
                shape
                for shape in view.shapes
                if shape.score >= threshold and shape.category in colours
            ]
            for shape in found:
                axes.add_patch(_box(shape.box, "black", 1.7, "-", 2))
                axes.add_patch(_box(shape.box, colours[shape.category], 1.1, "-", 2.5))
            left_out = place_labels(
                figure,
                axes,
                [
                    (
                        f"{scene.categories[shape.category]} {shape.score:.2f}",
                        shape.box,
                        colours[shape.category],
                    )
                    for shape in found
                ],
            )
            if left_out:
                style.remark(axes, f"{left_out} more, too close for labels")
        handles = [
            Rectangle((0, 0), 1, 1, facecolor="none", edgecolor=colour, linewidth=1.4)
            for colour in colours.values()
        ]
        labels = [scene.categories[category] for category in colours]
        handles.append(
            Rectangle(
                (0, 0), 1, 1, facecolor="#999999", edgecolor="white", ls=(0, (2, 1.5)), lw=0.8
            )
        )
        figure.legend(
            handles,
            [*labels, "ground truth"],
            loc="lower center",
            ncols=len(handles),
            bbox_to_anchor=(0.5, 0.0),
            handlelength=1.6,
        )
    return figure


def _box(box: Box, colour: str, width: float, dashes: object, order: float) -> Rectangle:
    x, y, w, h = box
    patch = Rectangle((x - 0.5, y - 0.5), w, h, facecolor="none", edgecolor=colour, lw=width)
    patch.set_linestyle(dashes)  # type: ignore[arg-type]
    patch.set_zorder(order)
    return patch
