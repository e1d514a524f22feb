"""What Figs. 6 and 7 share: which frame is shown, from which files, and how panels are laid out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vcmflow.core.decision import Decision, read_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.runs import Run, read_run
from vcmflow.core.scores import select, wide
from vcmflow.core.truth import Annotation, Found, read_found, read_truth
from vcmflow.core.video import Frame, read_video
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs

_TITLES = 0.32  # inches above each panel, for two lines
_GAP = 0.06
_LEGEND = 0.28


@dataclass(frozen=True)
class View:
    """One panel: a picture (uint8 H x W x 3, RGB) with what was found in it."""

    name: str
    title: str
    subtitle: str
    picture: Frame
    shapes: tuple[Found, ...]


@dataclass(frozen=True)
class Scene:
    """One frame of a sequence as each method delivers it, the uncompressed one first.

    ``categories`` are the names of the ground truth's categories; ``frame`` counts from 0.
    """

    sequence: str
    frame: int
    views: tuple[View, ...]
    truth: tuple[Annotation, ...]
    categories: dict[int, str]


def choose_frame(decisions: Sequence[Decision]) -> int:
    """The frame to show: dropped by as many of the methods as possible, then nearest the middle.

    A dropped frame shows what reconstruction makes of it. Of two equally near, the earlier one.

    Raises:
        VcmflowError: the decisions are of different sequences or lengths.
    """
    if len({(decision.sequence, decision.n) for decision in decisions}) != 1:
        found = sorted(f"{d.sequence} ({d.n} frames)" for d in decisions)
        raise VcmflowError(f"decisions must be of one sequence, found {', '.join(found)}")
    count = decisions[0].n
    kept = [frozenset(decision.frames) for decision in decisions]

    def rank(frame: int) -> tuple[int, float, int]:
        return sum(frame in own for own in kept), abs(frame - (count - 1) / 2), frame

    return min(range(count), key=rank)


def origin(decision: Decision, frame: int) -> str:
    """How a method comes by a frame: kept, or interpolated between its two kept neighbours."""
    if frame in decision.frames:
        return f"frame {frame}, kept"
    before = max(kept for kept in decision.frames if kept < frame)
    after = min(kept for kept in decision.frames if kept > frame)
    return f"frame {frame}, interpolated from {before} and {after}"


def read_scene(inputs: Inputs) -> Scene:
    """Read one frame of a sequence from all methods.

    Uses ``--original --source-results --truth --scores --sequence --points`` (one, or one per
    method) and, one per method, ``--methods --recons --results --decisions``.

    Raises:
        VcmflowError: files are missing, disagree, or have no rate for a method.
    """
    original_path, source_path, truth_path = inputs.original, inputs.source_results, inputs.truth
    if not (original_path and source_path and truth_path):
        raise VcmflowError(f"figure {inputs.figure} needs --original, --source-results and --truth")
    inputs.need("scores", "sequence", "points", "methods", "recons", "results", "decisions")
    inputs.need_equal("methods", "recons", "results", "decisions")
    count = len(inputs.methods)
    if len(inputs.points) not in (1, count):
        raise VcmflowError(
            f"figure {inputs.figure}: give one --points value, or one for each of --methods"
        )
    points = inputs.points * count if len(inputs.points) == 1 else inputs.points
    decisions = [read_decision(path) for path in inputs.decisions]
    frame = choose_frame(decisions)
    if "frame" in inputs.options:
        frame = int(inputs.option("frame", frame))
        if not 0 <= frame < decisions[0].n:
            raise VcmflowError(f"option frame={frame} is outside 0..{decisions[0].n - 1}")
    truth = read_truth(truth_path)
    rates = wide(inputs.table, "sequence")
    rates = rates[rates["sequence"] == inputs.sequence]

    original = _frame(original_path, frame)
    views = [
        View(
            "source",
            "uncompressed",
            f"frame {frame} of 0–{decisions[0].n - 1}",
            original,
            _found(source_path, Run(inputs.sequence), frame),
        )
    ]
    for name, recon, results, decision, point in zip(
        inputs.methods, inputs.recons, inputs.results, decisions, points, strict=True
    ):
        picture = _frame(recon, frame)
        if picture.shape != original.shape:
            raise VcmflowError(
                f"{recon}: frames are {picture.shape[1]}x{picture.shape[0]}, those of "
                f"{original_path} {original.shape[1]}x{original.shape[0]}"
            )
        row, titles = select(rates, name, point).iloc[0], inputs.titles
        codec = str(row["codec"])
        coding = f"{titles.of(codec)}, {titles.point(codec, point)}"
        title = f"{titles.of(name)}, {row['kbps']:.3g} kbit/s ({coding})"
        shapes = _found(results, Run(inputs.sequence, point), frame)
        views.append(View(name, title, origin(decision, frame), picture, shapes))
    objects = tuple(entry for entry in truth.annotations if entry.frame == frame)
    return Scene(inputs.sequence, frame, tuple(views), objects, dict(truth.categories))


def _frame(path: Path, place: int) -> Frame:
    frames = list(itertools.islice(read_video(path), place, place + 1))
    if not frames:
        raise VcmflowError(f"{path}: has no frame {place}")
    return frames[0]


def _found(path: Path, run: Run, frame: int) -> tuple[Found, ...]:
    """What was found in a frame, best first."""
    found = read_found(read_run(path, run), None, str(path))
    return tuple(sorted((one for one in found if one.frame == frame), key=lambda o: -o.score))


# --- layout ---------------------------------------------------------------------------------------


def lay_out(
    scene: Scene, note: str, part: tuple[float, float, float, float] | None = None
) -> tuple[Figure, list[Axes]]:
    """A figure with the pictures in it, two side by side (three where that fills the rows better).

    The layout is computed, not solved, so that a pixel has its final size when labels are placed.
    ``part`` (left, top, width, height in px, of the frame's proportions) shows no more than that.
    """
    views = scene.views
    height, width = views[0].picture.shape[:2]
    columns = min(len(views), 3 if len(views) in (3, 5, 6, 9) else 2)
    rows = -(-len(views) // columns)
    small_print = style.wrap(note, 0.95 * style.WIDTH, style.NOTE_SIZE)
    top = 0.08 + 0.12 * len(small_print.splitlines())
    across = (style.WIDTH - _GAP * (columns - 1) - 0.04) / columns
    down = across * height / width
    total = top + rows * (_TITLES + down + _GAP) + _LEGEND
    figure = Figure(figsize=(style.WIDTH, total))
    if note:
        figure.text(
            0.99,
            1 - 0.04 / total,
            small_print,
            ha="right",
            va="top",
            fontsize=style.NOTE_SIZE,
            color=style.MUTED,
            fontstyle="italic",
        )
    panels = []
    for place, view in enumerate(views):
        row, column = divmod(place, columns)
        x = 0.02 + column * (across + _GAP)
        y = total - top - (row + 1) * (_TITLES + down + _GAP) + _GAP
        axes = figure.add_axes((x / style.WIDTH, y / total, across / style.WIDTH, down / total))
        axes.imshow(view.picture, interpolation="antialiased")
        x0, y0, w, h = part or (0.0, 0.0, float(width), float(height))
        axes.set_xlim(x0 - 0.5, x0 + w - 0.5)
        axes.set_ylim(y0 + h - 0.5, y0 - 0.5)
        axes.set_axis_off()
        for text, size, colour, lift in (
            (view.title, 7.5, style.INK, 11.0),
            (view.subtitle, 6.5, style.MUTED, 2.5),
        ):
            axes.annotate(
                style.fit(text, across, size),
                (0, 1),
                xycoords="axes fraction",
                xytext=(0, lift),
                textcoords="offset points",
                fontsize=size,
                color=colour,
                va="bottom",
            )
        panels.append(axes)
    return figure, panels


def place_labels(
    figure: Figure,
    axes: Axes,
    labels: Sequence[tuple[str, tuple[float, float, float, float], str]],
    size: float = 5.5,
) -> int:
    """Write labels beside boxes so that none overlaps another or leaves the picture.

    Args:
        figure: of `lay_out`.
        axes: one of its panels, with the picture in it.
        labels: text, box (x, y, w, h in px) and colour; the first ones get the best places.
        size: of the text, in points.

    Returns:
        How many found no free place and are not written.
    """
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    across = float(figure.get_figwidth()) * axes.get_position().width
    pixels = abs(right - left) / across  # px of the picture per inch
    tall = 1.35 * size / 72 * pixels
    taken: list[tuple[float, float, float, float]] = []
    left_out = 0
    for text, (x, y, w, h), colour in labels:
        wide = (style.text_width(text, size) + 0.04) * pixels
        places = [
            (x, y - tall),
            (x + w - wide, y - tall),
            (x, y + h),
            (x + w - wide, y + h),
            (x, y),
            (x + w - wide, y),
            (x + w, y),
            (x - wide, y),
            (x + w, y + h - tall),
            (x - wide, y + h - tall),
        ]
        for px, py in places:
            inside = left <= px and px + wide <= right and top <= py and py + tall <= bottom
            free = all(
                px + wide <= ox or ox + ow <= px or py + tall <= oy or oy + oh <= py
                for ox, oy, ow, oh in taken
            )
            if inside and free:
                break
        else:
            left_out += 1
            continue
        taken.append((px, py, wide, tall))
        axes.add_patch(
            Rectangle((px, py), wide, tall, facecolor=colour, edgecolor="none", zorder=4)
        )
        axes.text(
            px + wide / 2,
            py + tall * 0.52,
            text,
            fontsize=size,
            color=on(colour),
            ha="center",
            va="center",
            zorder=5,
        )
    return left_out


def on(colour: str) -> str:
    """Black or white, whichever reads better on a colour "#RRGGBB"."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
