"""What may be found in a video, and what evaluates it.

An entry's builder is called with ``sequence`` (``core.sequence.Sequence``), ``truth`` (its file of
ground truth, or None), ``source`` and the user's options. ``source`` is what the task found on the
uncompressed frames, where the sequence lacks the annotations that the kind ``reads`` so that those
become pseudo ground truth; else None. The builder returns an object with ``measure(results, where)
-> evidence``: what pooling needs to know of one run, as JSON. The function ``pool`` turns the
evidence of the sequences of a scene into numbers, metric -> value, NaN where the ground truth does
not define it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import Entry

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EvaluatorEntry(Entry):
    """How one kind of result is evaluated.

    Attributes:
        pool: ``"package.module:function"``, see the module.
        reads: the annotations of a sequence that it needs (``core.sequence.ANNOTATIONS``).
        accuracy: the metric, 0..1, that curves and their differences are made of.
        titles: metric -> what readers call it, for the metrics that figures draw.
    """

    pool: str = ""
    reads: str = ""
    accuracy: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)


EVALUATORS: dict[str, EvaluatorEntry] = {
    "detection": EvaluatorEntry(
        "vcmflow.score.detection:build",
        pool="vcmflow.score.detection:pool",
        reads="boxes",
        accuracy="map",
        titles={"map": "mAP (IoU 0.50:0.95)", "map50": "AP50, mean over classes"},
    ),
    "segmentation": EvaluatorEntry(
        "vcmflow.score.segmentation:build",
        pool="vcmflow.score.segmentation:pool",
        reads="masks",
        accuracy="jaccard",
        titles={"jaccard": "Jaccard J", "f1": "F1"},
    ),
}


def evaluator_with(metrics: Iterable[str]) -> EvaluatorEntry | None:
    """The evaluator whose accuracy is among these metrics of one task."""
    there = set(metrics)
    return next((entry for entry in EVALUATORS.values() if entry.accuracy in there), None)


def accuracy_of(scores: pd.DataFrame, task: str) -> EvaluatorEntry:
    """The evaluator whose accuracy a task has in a table of scores.

    Raises:
        VcmflowError: it has none.
    """
    entry = evaluator_with(scores.loc[scores["task"] == task, "metric"].unique())
    if entry is None:
        raise VcmflowError(f"scores: task {task!r} has no accuracy")
    return entry
