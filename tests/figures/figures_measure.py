"""What a reader would complain of, measured: texts that overlap, leave the page, or are missing."""

from __future__ import annotations

from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from vcmflow.figures import style


def texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """All texts that are drawn, with their boxes in pixels."""
    style.settle(figure)
    with style.context():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        unused = {id(text) for axes in figure.axes for text in _unused_labels(axes)}
        return [
            (text.get_text(), text.get_window_extent(renderer))
            for text in figure.findobj(Text)
            if text.get_visible() and text.get_text().strip() and id(text) not in unused
        ]


def _unused_labels(axes: Axes) -> list[Text]:
    """Texts of hidden panels, and tick labels that drawing leaves out."""
    if not axes.get_visible():
        return [text for text in axes.findobj(Text) if isinstance(text, Text)]
    labels = []
    for axis in (axes.xaxis, axes.yaxis):
        shown = {id(tick) for tick in axis._update_ticks()} if axes.axison else set()
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if id(tick) not in shown:
                labels += [tick.label1, tick.label2]
    return labels


def overlapping(found: list[tuple[str, Bbox]]) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes share more than a hair."""
    pairs = []
    for (first, one), (second, other) in combinations(found, 2):
        shared = Bbox.intersection(one, other)
        if shared is not None and shared.width > 1 and shared.height > 1:
            pairs.append((first, second))
    return pairs


def outside(figure: Figure, found: list[tuple[str, Bbox]]) -> list[str]:
    """Texts that reach beyond the page."""
    page = figure.bbox
    return [
        text
        for text, box in found
        if box.x0 < -1 or box.y0 < -1 or box.x1 > page.width + 1 or box.y1 > page.height + 1
    ]


def legend_labels(figure: Figure) -> list[str]:
    """What the figure's legends and those of its panels explain."""
    legends = [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]
    return [text.get_text() for legend in legends if legend for text in legend.get_texts()]
