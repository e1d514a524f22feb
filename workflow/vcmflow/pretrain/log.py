"""The training's log: rows of means, their CSV, their plot, and a warning on collapse."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file

# Means over the steps since the row before. Without the rotation task its two columns are 0.
COLUMNS = (
    "step",
    "epoch",
    "loss",
    "contrastive_loss",
    "rotation_loss",
    "positive_similarity",
    "negative_similarity",
    "rotation_accuracy",
    "radius",
    "kept_share",
    "learning_rate",
    "unusable_videos",
)
Row = dict[str, float]

# Untrained networks map everything to nearly one direction, so the first steps say nothing.
_COLLAPSED = 0.95


class Window:
    """Means over the steps between two rows.

    Attributes:
        sums: name -> sum; to be saved with a checkpoint.
        count: steps summed.
    """

    def __init__(self, sums: Mapping[str, float] | None = None, count: int = 0) -> None:
        self.sums = dict(sums or {})
        self.count = count

    def add(self, values: Mapping[str, float]) -> None:
        """Add one step."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def close(self) -> Row:
        """Return the means and start anew."""
        means = {name: total / self.count for name, total in self.sums.items()}
        self.sums, self.count = {}, 0
        return means


def collapse_warning(rows: Sequence[Row], warmup_steps: float) -> str | None:
    """Return a line of warning when the embeddings begin to collapse to one direction, else None.

    Args:
        rows: of the log so far; the last one is the news.
        warmup_steps: steps in which nothing is said.
    """
    collapsed = [
        row["step"] > warmup_steps and row["negative_similarity"] >= _COLLAPSED for row in rows
    ]
    if not collapsed[-1] or any(collapsed[:-1]):
        return None
    return (
        f"step {rows[-1]['step']:.0f}: frames of different videos have a similarity of "
        f"{rows[-1]['negative_similarity']:.3f}: the embedding collapses; use more pairs and "
        "negatives, change learning_rate, lower temperature, or raise rotation_weight"
    )


def write_log(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as CSV with the columns of ``COLUMNS``, whole or not at all."""
    with whole_file(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([f"{row[name]:.8g}" for name in COLUMNS])


def read_log(path: Path) -> list[Row]:
    """Read what :func:`write_log` wrote.

    Raises:
        VcmflowError: the file is missing or no such log.
    """
    try:
        with Path(path).open(newline="") as file:
            return [{name: float(row[name]) for name in COLUMNS} for row in csv.DictReader(file)]
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(f"{path}: not a log of 'vcmflow pretrain'") from None


def plot_log(rows: Sequence[Row], path: Path) -> None:
    """Draw loss, similarities, rotation accuracy, and mining and learning rate over the steps.

    Args:
        rows: of the log, at least one.
        path: PNG, PDF or SVG, by its suffix.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = (
        ("loss", ("loss", "contrastive_loss", "rotation_loss")),
        ("cosine similarity", ("positive_similarity", "negative_similarity")),
        ("share", ("rotation_accuracy", "kept_share")),
        ("radius (1 - C)", ("radius",)),
    )
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    steps = [row["step"] for row in rows]
    for axes, (label, names) in zip(figure.subplots(2, 2, sharex=True).flat, panels, strict=True):
        for name in names:
            axes.plot(steps, [row[name] for row in rows], label=name.replace("_", " "), lw=1)
        axes.set_ylabel(label)
        axes.legend(frameon=False, fontsize=8)
        axes.grid(alpha=0.3)
        axes.set_xlabel("step")
    with whole_file(path) as temporary:
        dates = {"CreationDate": None} if path.suffix == ".pdf" else {}
        figure.savefig(temporary, dpi=150, metadata=dates)
