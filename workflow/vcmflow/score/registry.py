"""What may be found in a video, and what evaluates it.

An entry's builder is called with ``sequence`` (``core.sequence.Sequence``), ``truth`` (its file of
ground truth, or None), ``source`` and the user's options. ``source`` is what the task found on the
uncompressed frames, where the sequence lacks the annotations that the kind ``reads`` so that those
become pseudo ground truth; else None. The builder returns an object with ``measure(results, where)
-> evidence``: what pooling needs to know of one run, as JSON. The function ``pool`` turns the
evidence of the sequences of a scene into numbers, metric -> value, NaN where the ground truth does
not define it. A kind of task may have several evaluators; all their metrics stand side by side.
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
    """Metrics of one kind of task.

    Attributes:
        kind: of task (``vcmflow.task.registry.TASKS``).
        pool: ``"package.module:function"``, see the module.
        reads: the annotations of a sequence that its kind needs (``core.sequence.ANNOTATIONS``).
        accuracy: the metric, 0..1, that curves and their differences are made of. One evaluator of
            a kind has it, and says what is read; others leave both empty.
        titles: metric -> what readers call it, for the metrics that figures draw.
    """

    kind: str = ""
    pool: str = ""
    reads: str = ""
    accuracy: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)


EVALUATORS: dict[str, EvaluatorEntry] = {
    "action": EvaluatorEntry(
        "vcmflow.score.action:build",
        kind="action",
        pool="vcmflow.score.action:pool",
        reads="label",
        accuracy="top1",
        titles={"top1": "Top-1 accuracy", "top5": "Top-5 accuracy"},
    ),
    "detection": EvaluatorEntry(
        "vcmflow.score.detection:build",
        kind="detection",
        pool="vcmflow.score.detection:pool",
        reads="boxes",
        accuracy="map",
        titles={"map": "mAP (IoU 0.50:0.95)", "map50": "AP50, mean over classes"},
    ),
    "segmentation": EvaluatorEntry(
        "vcmflow.score.segmentation:build",
        kind="segmentation",
        pool="vcmflow.score.segmentation:pool",
        reads="masks",
        accuracy="jaccard",
        titles={
            "jaccard": "Jaccard J",
            "f1": "F1",
            "f1_objects": "F1 with false positives",
            "proposals": "Proposals per frame",
        },
    ),
    "tracking": EvaluatorEntry(
        "vcmflow.score.tracking:build",
        kind="tracking",
        pool="vcmflow.score.tracking:pool",
        reads="boxes",
        accuracy="hota",
        titles={"hota": "HOTA", "mota": "MOTA", "motp": "MOTP (1 - IoU)", "idf1": "IDF1"},
    ),
    "vos": EvaluatorEntry(
        "vcmflow.score.vos:build",
        kind="vos",
        pool="vcmflow.score.vos:pool",
        reads="masks",
        accuracy="jf",
        titles={
            "jf": "J&F, mean",
            "j_mean": "J, mean",
            "j_recall": "J, recall",
            "j_decay": "J, decay",
            "f_mean": "F, mean",
            "f_recall": "F, recall",
            "f_decay": "F, decay",
        },
    ),
}


def evaluators_of(kind: str) -> dict[str, EvaluatorEntry]:
    """The evaluators of a kind of task by name, first the one with its accuracy.

    Raises:
        VcmflowError: there is none.
    """
    found = {name: entry for name, entry in EVALUATORS.items() if entry.kind == kind}
    if not any(entry.accuracy for entry in found.values()):
        kinds = sorted({entry.kind for entry in EVALUATORS.values() if entry.accuracy})
        raise VcmflowError(f"unknown kind of task {kind!r}; allowed: {', '.join(kinds)}")
    return dict(sorted(found.items(), key=lambda item: not item[1].accuracy))


def reads(kind: str) -> str:
    """The annotations that a kind of task is evaluated against."""
    return next(entry.reads for entry in evaluators_of(kind).values())


def titles_of(metrics: Iterable[str]) -> dict[str, str]:
    """Metric -> what readers call it, of a task that has these metrics."""
    there = list(metrics)
    main = evaluator_with(there)
    entries = evaluators_of(main.kind).values() if main else ()
    return {key: text for entry in entries for key, text in entry.titles.items() if key in there}


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
