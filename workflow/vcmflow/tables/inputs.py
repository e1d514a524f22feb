"""What tables are made from: score tables, complexity, and what the command line chose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.rows import Row, number, read_csv, whole_number
from vcmflow.core.runs import SOURCE
from vcmflow.core.bd import Curve, Fit
from vcmflow.trajectory.columns import COLUMNS

MODE_NAMES = {"ra": "random access", "ai": "all-intra"}
_NAMES = ("dataset", "scene", "sampler", "mode", "qp")


@dataclass(frozen=True)
class Score:
    """One row of a score table.

    Attributes:
        dataset: name.
        scene: name; "all" for a whole dataset.
        sequence: id; empty for pooled rows.
        sampler: name; "source" for the uncompressed frames.
        mode: "ra", "ai", or empty for the uncompressed frames.
        qp: quantisation parameter; -1 for the uncompressed frames.
        fields: all fields as text.
        where: file and line.
    """

    dataset: str
    scene: str
    sequence: str
    sampler: str
    mode: str
    qp: int
    fields: Mapping[str, str]
    where: str

    def __getitem__(self, column: str) -> float:
        """The number in a column, NaN where it is empty."""
        return number(self.fields, column, self.where)

    def text(self, column: str) -> str:
        """The text in a column, empty where there is no such column."""
        return self.fields.get(column, "")


@dataclass(frozen=True)
class Inputs:
    """Everything that a table may be made from; each uses a part.

    Attributes:
        table: name of the table.
        scenes: rows per scene, of one or more datasets.
        sequences: rows per sequence.
        datasets: rows per dataset, all scenes pooled.
        complexity: sampler -> what choosing frames costs.
        trajectories: measures per variant of the ablation and sequence, as text.
        anchor: sampler that the others are measured against.
        test: the paper's method.
        standard: the tracking based method ("standard method" in the paper).
        modes: coding modes; empty for the table's own.
        qps: quantisation parameters of the rows of Table 6; empty: chosen by the table.
        fit: interpolation between the points of a curve.
        min_map: smallest acceptable mAP on uncompressed frames; None for no such check.
        min_jaccard: the same for the mean Jaccard index.
        note: what the numbers were measured on, for captions.
    """

    table: str
    scenes: Sequence[Score] = ()
    sequences: Sequence[Score] = ()
    datasets: Sequence[Score] = ()
    complexity: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    trajectories: Sequence[Row] = ()
    anchor: str = "uniform"
    test: str = "manifold"
    standard: str = "tracking"
    modes: tuple[str, ...] = ()
    qps: tuple[int, ...] = ()
    fit: Fit = "pchip"
    min_map: float | None = None
    min_jaccard: float | None = None
    note: str = ""

    def need(self, *names: str) -> None:
        """Raise unless each of these parts was given."""
        flags = {"datasets": "dataset-scores"}
        for name in names:
            if not getattr(self, name):
                raise VcmflowError(f"table {self.table} needs --{flags.get(name, name)}")

    def caption(self, text: str, rows: Sequence[Score]) -> str:
        """A caption with what every caption has to say: which data, and whose ground truth."""
        parts = [text]
        if any(row.text("ground_truth") == "pseudo" for row in rows):
            parts.append(
                "Ground truth is pseudo ground truth: what the same model finds on the "
                "uncompressed frames."
            )
        if self.note:
            parts.append(self.note if self.note.endswith(".") else f"{self.note}.")
        return " ".join(parts)


def read_scores(paths: Sequence[Path]) -> tuple[Score, ...]:
    """Read score tables (``vcmflow score pool``) into one.

    Raises:
        VcmflowError: a file is missing, is no score table, or has no rows.
    """
    scores: list[Score] = []
    for path in paths:
        rows = read_csv(path, _NAMES)
        if not rows:
            raise VcmflowError(f"{path}: has no rows")
        for line, row in enumerate(rows, start=2):
            where = f"{path}: line {line}"
            scores.append(
                Score(
                    dataset=row["dataset"],
                    scene=row["scene"],
                    sequence=row.get("sequence", ""),
                    sampler=row["sampler"],
                    mode=row["mode"],
                    qp=-1 if row["sampler"] == SOURCE else whole_number(row, "qp", where),
                    fields=row,
                    where=where,
                )
            )
    return tuple(scores)


def read_trajectories(paths: Sequence[Path]) -> tuple[Row, ...]:
    """Read the measures of trajectories (``vcmflow trajectory``) of all variants.

    Raises:
        VcmflowError: a file is missing, is something else, or has no rows.
    """
    found: list[Row] = []
    for path in paths:
        rows = read_csv(path, COLUMNS)
        if not rows:
            raise VcmflowError(f"{path}: has no rows")
        found += rows
    return tuple(found)


def read_complexity(path: Path) -> dict[str, dict[str, float]]:
    """Read what choosing the frames costs: ``manifold`` or ``tracking`` -> number's name -> number.

    The file is that of the stage complexity: exact numbers under each method's name, and under
    ``measured`` the method's speed on the machine of the run; null stands for "not known".

    Raises:
        VcmflowError: it is missing or something else.
    """
    content: Any = read_json(path)
    try:
        return {
            method: {
                "params_millions": _known(content[method]["parameters_millions"]),
                "gflops_per_frame": _known(content[method]["gflops_per_frame"]),
                "frames_per_second": _known(content["measured"][method]["frames_per_second"]),
                "latency_ms": _known(content["measured"][method]["latency_ms"]),
            }
            for method in ("manifold", "tracking")
        }
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(
            f"{path}: not a file of complexity (manifold and tracking with parameters_millions, "
            "gflops_per_frame, and frames_per_second and latency_ms under measured)"
        ) from None


def _known(value: Any) -> float:
    return math.nan if value is None else float(value)


def select(
    scores: Sequence[Score], sampler: str, mode: str, where: str = "score table"
) -> list[Score]:
    """The rows of one sampler in one mode, by ascending QP within each scene or sequence.

    Raises:
        VcmflowError: there are none; the message lists the samplers and modes that there are.
    """
    rows = [score for score in scores if (score.sampler, score.mode) == (sampler, mode)]
    if not rows:
        there = sorted({f"{s.sampler}/{s.mode}" for s in scores if s.sampler != SOURCE})
        raise VcmflowError(
            f"{where}: no rows of sampler {sampler!r} in mode {mode!r}; there are "
            f"{', '.join(there)}"
        )
    return rows


def curve(rows: Sequence[Score], score: str) -> Curve:
    """Rate (bytes) against a score, one point per row."""
    return Curve.of([row["rate_bytes"] for row in rows], [row[score] for row in rows])


def scene_keys(scores: Sequence[Score]) -> list[tuple[str, str]]:
    """(dataset, scene) pairs in the order of the table."""
    return list(dict.fromkeys((score.dataset, score.scene) for score in scores))


def title_mode(mode: str) -> str:
    """A mode's name for captions."""
    return MODE_NAMES.get(mode, mode)
