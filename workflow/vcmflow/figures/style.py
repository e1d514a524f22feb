"""One look for all figures: sizes, fonts, colours, and files whose bytes depend on nothing else.

Nothing here keeps state: ``context`` sets matplotlib's parameters (from its own defaults, not from
a user's matplotlibrc) and puts the former ones back.
"""

from __future__ import annotations

import itertools
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.core.scores import methods_of
from vcmflow.core.titles import Titles

WIDTH = 7.16  # inches: both columns of an IEEE page
COLUMN = 3.5  # inches: one column
DPI = 200
NOTE_SIZE = 6.5
INK = "#222222"
MUTED = "#6B6B6B"
FAINT = "#C9C9C9"
# The line of the uncompressed score.
REFERENCE: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": (0, (4, 2))}

_PARAMETERS: dict[str, Any] = {
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "font.family": ["DejaVu Sans"],  # it comes with matplotlib
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "axes.titlepad": 4.0,
    "axes.labelpad": 2.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": INK,
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "xtick.minor.width": 0.4,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.6,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.columnspacing": 1.6,
    "legend.borderaxespad": 0.2,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.hspace": 0.02,
    "figure.constrained_layout.wspace": 0.02,
    "image.interpolation": "nearest",
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "none",
    "svg.hashsalt": "vcmflow",
}

# Of each format, what would otherwise carry a date or a program's version.
_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}


@contextmanager
def context() -> Iterator[None]:
    """Use this project's matplotlib parameters inside the block, and the former ones after it."""
    own: dict[Any, Any] = {
        key: value
        for key, value in matplotlib.rcParamsDefault.items()
        if not key.startswith("backend") and key not in ("interactive", "toolbar", "date.epoch")
    }
    own.update(_PARAMETERS)
    with matplotlib.rc_context(own):
        yield


def settle(figure: Figure) -> None:
    """Solve the layout once and for all: solved again for each file, it would move a little."""
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        with context():
            figure.draw_without_rendering()
        figure.set_layout_engine("none")


def check_paths(paths: Sequence[Path]) -> None:
    """Raise unless every path ends in .png, .pdf or .svg."""
    for path in paths:
        if path.suffix not in _METADATA:
            raise VcmflowError(f"{path}: a figure is written as {', '.join(sorted(_METADATA))}")


def save(figure: Figure, paths: Sequence[Path]) -> None:
    """Write a figure to one file per path: vectors for .pdf and .svg, 200 dpi for .png.

    Equal figures give equal bytes: no dates, no versions, no random ids.

    Raises:
        VcmflowError: a path ends in something else.
    """
    check_paths(paths)
    with context():
        settle(figure)
        for path in paths:
            with whole_file(path) as temporary:
                figure.savefig(temporary, metadata=_METADATA[path.suffix])


# --- methods --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """How a method, or what all of its instances share, is drawn in every figure."""

    colour: str
    marker: str
    linewidth: float = 1.2
    size: float = 3.6
    label: str = ""
    dashes: Any = "-"
    hollow: bool = False

    def line(self, **changes: Any) -> dict[str, Any]:
        """Keyword arguments for ``Axes.plot``."""
        edge = (
            {"markerfacecolor": "white", "markeredgecolor": self.colour, "markeredgewidth": 0.8}
            if self.hollow
            else {"markeredgecolor": "white", "markeredgewidth": 0.3}
        )
        return (
            {
                "color": self.colour,
                "marker": self.marker,
                "linewidth": self.linewidth,
                "linestyle": self.dashes,
                "markersize": self.size,
                "label": self.label,
            }
            | edge
            | changes
        )


# Blue, orange and wine differ in hue and lightness, for every kind of colour vision and in print.
# The later is the thinner and smaller, so that curves that coincide can all be seen.
_KNOWN: dict[str, Look] = {
    "uniform": Look("#0072B2", "o", 1.5, 4.3),
    "tracking": Look("#E69F00", "s", 1.25, 3.7),
    "manifold": Look("#882255", "D", 1.05, 3.2),
    "all": Look("#7A7A7A", "^", 0.7, 3.2),
    "source": Look("#222222", "", 0.8),
}
_LABELS = {"all": "all frames kept", "source": "uncompressed"}
_FURTHER: tuple[tuple[str, str], ...] = (
    ("#009E73", "v"),
    ("#56B4E9", "P"),
    ("#CC79A7", "X"),
    ("#999933", "<"),
    ("#332288", "p"),
    ("#117733", ">"),
    ("#AA4499", "h"),
    ("#661100", "d"),
)
# For the ninth further sampler and on, so that no name gets one of these while others are free.
_LAST: tuple[tuple[str, str], ...] = (("#DDAA33", "*"), ("#44AA99", "H"), ("#004488", "8"))


# Line styles of codecs and markers of reconstructors, in the order of the methods.
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (3, 1.5)),
    (0, (1, 1)),
    (0, (5, 1.2, 1, 1.2)),
    (0, (5, 1, 1, 1, 1, 1)),
    (0, (7, 3)),
)
_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")


def looks(names: Iterable[str], titles: Titles | None = None) -> dict[str, Look]:
    """Give each sampler (or other instance) its colour and marker, in the order of legends.

    The paper's samplers come first. A further one's colour follows from its name, so that it is the
    same in every figure unless two names meet on one colour; then the later in the alphabet moves
    on to the next free one.
    """
    wanted = dict.fromkeys(names)
    given = {name: look for name, look in _KNOWN.items() if name in wanted}
    taken: set[int] = set()
    further: dict[str, Look] = {}
    for name in sorted(set(wanted) - set(given)):
        start = zlib.crc32(name.encode()) % len(_FURTHER)
        turns = [(start + step) % len(_FURTHER) for step in range(len(_FURTHER))]
        turns += range(len(_FURTHER), len(_FURTHER + _LAST))
        place = next((turn for turn in turns if turn not in taken), start)
        taken.add(place)
        further[name] = Look(*(_FURTHER + _LAST)[place])
    references = {name: given.pop(name) for name in ("all", "source") if name in given}
    words = titles or Titles()
    return {
        name: replace(look, label=_label(words, name))
        for name, look in (given | further | references).items()
    }


def _label(titles: Titles, name: str) -> str:
    words = titles.of(name)
    return _LABELS.get(words, words)


@dataclass(frozen=True)
class Key:
    """The looks of methods by their names, and what the legend explains."""

    looks: Mapping[str, Look]
    entries: Sequence[Look]

    def handles(self) -> tuple[list[Line2D], list[str]]:
        """Legend entries; that of the uncompressed frames is a dashed line."""
        lines = [
            Line2D([], [], **(REFERENCE if look.label == _LABELS["source"] else look.line()))
            for look in self.entries
        ]
        return lines, [look.label for look in self.entries]


def method_looks(
    scores: pd.DataFrame,
    names: Iterable[str],
    titles: Titles,
    source: bool = False,
    by_codec: bool = True,
) -> Key:
    """Give methods their looks: colours by sampler, line styles by codec, markers by reconstructor.

    Where all have one sampler, colours tell codecs apart, or else reconstructors.

    Args:
        scores: in which the methods' instances stand.
        names: the methods.
        titles: words for methods and instances.
        source: whether the legend has the uncompressed frames.
        by_codec: whether methods of several codecs share a panel.
    """
    every = methods_of(scores)
    methods = [every[name] for name in names]
    kinds = {
        kind: list(dict.fromkeys(str(getattr(method, kind)) for method in methods))
        for kind in ("sampler", "codec", "reconstructor")
    }
    if not by_codec:
        kinds["codec"] = kinds["codec"][:1]
    main = next((kind for kind, found in kinds.items() if len(found) > 1), "sampler")
    colours = looks(kinds[main], titles)
    dashed = main != "codec" and len(kinds["codec"]) > 1
    marked = main != "reconstructor" and len(kinds["reconstructor"]) > 1
    dashes = dict(zip(kinds["codec"], itertools.cycle(_DASHES), strict=False))
    markers = dict(zip(kinds["reconstructor"], itertools.cycle(_MARKERS), strict=False))
    found: dict[str, Look] = {}
    order = list(colours)
    for method in sorted(methods, key=lambda method: order.index(getattr(method, main))):
        look = colours[getattr(method, main)]
        if dashed:
            hollow = method.codec != kinds["codec"][0]
            look = replace(look, dashes=dashes[method.codec], hollow=hollow)
        if marked:
            look = replace(look, marker=markers[method.reconstructor])
        found[method.name] = replace(look, label=_label(titles, method.name))
    entries = [replace(look, marker="") if marked else look for look in colours.values()]
    if source:
        entries.append(looks(["source"])["source"])
    neutral = Look(MUTED, "" if marked else "o")
    for index, codec in enumerate(kinds["codec"] if dashed else []):
        style = replace(neutral, dashes=dashes[codec], hollow=index > 0)
        entries.append(replace(style, label=titles.of(codec)))
    for reconstructor in kinds["reconstructor"] if marked else []:
        shape = Look(MUTED, markers[reconstructor], dashes="none", size=4.2)
        entries.append(replace(shape, label=titles.of(reconstructor)))
    return Key(found, entries)


# --- text ----------------------------------------------------------------------------------------


def text_width(text: str, size: float) -> float:
    """Width in inches of one line of text set in ``size`` points."""
    font = FontProperties(family="DejaVu Sans", size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72


def fit(text: str, width: float, size: float = 7.5) -> str:
    """Shorten ``text`` in its middle (with an ellipsis) until it is at most ``width`` inches."""
    if text_width(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        head = (kept + 1) // 2
        shorter = text[:head] + "…" + text[len(text) - (kept - head) :]
        if text_width(shorter, size) <= width:
            return shorter
    return text[:1] + "…"


def wrap(text: str, width: float, size: float) -> str:
    """Break ``text`` between words into lines of at most ``width`` inches; longer words stay."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key under which ``9_x`` comes before ``10_x``."""
    return tuple(
        (0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part
    )


# --- parts of a figure ----------------------------------------------------------------------------


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches, laid out so that nothing overlaps."""
    return Figure(figsize=(width, height), layout="constrained")


def add_note(figure: Figure, note: str) -> None:
    """Write what kind of data this is (or nothing) in small type above the panels."""
    if note:
        text = wrap(note, 0.95 * float(figure.get_figwidth()), NOTE_SIZE)
        figure.suptitle(
            text, fontsize=NOTE_SIZE, color=MUTED, fontstyle="italic", x=0.99, ha="right"
        )


def bottom_legend(
    figure: Figure, handles: Sequence[Any], labels: Sequence[str], xlabel: str = ""
) -> Legend:
    """One legend below all panels, in as many rows as its width needs.

    The x label that all panels share is its title: a figure's own label would lie upon the legend.
    """
    width = float(figure.get_figwidth())
    total = sum(text_width(label, 7.5) + 0.62 for label in labels)
    rows = max(1, math.ceil(total / (width - 0.1)))
    return figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=math.ceil(len(labels) / rows),
        handletextpad=0.5,
        labelspacing=0.35,
        title=xlabel or None,
        title_fontsize=8,
    )


def say(axes: Axes, text: str) -> None:
    """Write in the middle of a panel why it is empty."""
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize=7
    )


def empty(axes: Axes, text: str) -> None:
    """A panel without curves, and why."""
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    say(axes, text)


def remark(axes: Axes, text: str) -> None:
    """Write in a panel's lower right corner what is missing from it."""
    axes.text(
        0.985,
        0.02,
        text,
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        color=MUTED,
        fontsize=5.5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
    )


def _plain(value: float, _position: int | None = None) -> str:
    return f"{value:.10g}"


def rate_axis(axes: Axes, rates: Sequence[float]) -> None:
    """A logarithmic axis for positive rates, with a few ticks in plain numbers.

    Octaves of a rate are what BD measures average over, hence the logarithm.
    """
    axes.set_xscale("log")
    positive = [rate for rate in rates if rate > 0]
    if not positive:
        return
    low, high = min(positive), max(positive)
    pad = (high / low) ** 0.06 if high > low else 1.6
    low, high = low / pad, high * pad
    axes.set_xlim(low, high)
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)):
        ticks = [t for t in LogLocator(10, steps).tick_values(low, high) if low <= t <= high]
        if len(ticks) >= 3:
            break
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def grid_shape(count: int, most_columns: int) -> tuple[int, int]:
    """Rows and columns for ``count`` panels, at most ``most_columns`` wide, with few left empty."""
    columns = min(count, most_columns)
    rows = -(-count // columns)
    return rows, -(-count // rows)
