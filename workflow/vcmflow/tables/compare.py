"""Codecs, samplers and reconstructors side by side: every method against one, per task."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from vcmflow.core.bd import Difference, bd_map, bd_rate, p_map
from vcmflow.core.errors import VcmflowError
from vcmflow.core.means import mean_of
from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import methods_of, numbers, select, tasks_of
from vcmflow.score.registry import accuracy_of
from vcmflow.tables.differences import NO_CURVE, REMARKS, Metric
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

ANCHOR, NOT_APPLICABLE = "anchor", "not_applicable"
STATUSES: Mapping[str, str] = {
    **REMARKS,
    ANCHOR: "the method that the others are compared with",
    NOT_APPLICABLE: "the task cannot go on from the features that the codec gives",
}
# column -> (title, metric, whether a positive value means a better method)
METRICS: Mapping[str, tuple[str, Metric, bool]] = {
    "bd_rate": ("BD-rate / % ↓", bd_rate, False),
    "p_map": ("P-mAP / % ↓", p_map, False),
    "bd_map": ("BD-mAP ↑", bd_map, True),
}
SECONDS = ("encode_seconds", "decode_seconds", "reconstruct_seconds")
# Of learned codecs: column -> (title, metric, unit).
COSTS: Mapping[str, tuple[str, str, float]] = {
    "parameters_millions": ("parameters / 10⁶", "parameters", 1e6),
    "encode_kmacs": ("encode / kMAC per px", "encode_macs", 1e3),
    "decode_kmacs": ("decode / kMAC per px", "decode_macs", 1e3),
}


def build(inputs: Inputs) -> Table:
    """One row per dataset, task and method.

    BD-rate and P-mAP (percent, over the task's accuracy) and BD-mAP (percentage points of it) are
    per scene, then means over the scenes in which they are defined; ``..._scenes`` says how many
    those are, ``..._status`` what there is to remark of most of them. Seconds are wall clock per
    frame of the original video, means over the operating points. Where a codec has networks, there
    are their parameters, and multiply-accumulates per pixel of a frame that is not intra.
    """
    inputs.need("scores", "anchors")
    if len(inputs.anchors) != 1:
        raise VcmflowError("table compare takes one --anchor")
    anchor = inputs.method(inputs.anchors[0]).name
    rows: list[dict[str, Value]] = []
    better: set[tuple[int, str]] = set()
    for dataset in dict.fromkeys(inputs.scores["dataset"]):
        scores = inputs.scores[inputs.scores["dataset"] == dataset]
        names = [name for name in methods_of(scores) if name in (inputs.methods or [name])]
        if anchor not in methods_of(scores):
            raise VcmflowError(f"scores: {dataset} has no method {anchor!r} (--anchor)")
        for task in [inputs.task] if inputs.task else tasks_of(scores):
            for row, keys in _rows(inputs, dataset, task, anchor, names):
                better |= {(len(rows), key) for key in keys}
                rows.append(row)
    if not rows:
        raise VcmflowError("table compare: the scores are of no task")
    learned = inputs.scores["metric"].isin([metric for _, metric, _ in COSTS.values()]).any()
    several = {key: len({row[key] for row in rows}) > 1 for key in ("dataset", "task")}
    columns = [
        Column("dataset", "Data set" if several["dataset"] else ""),
        Column("task", "Task" if several["task"] else ""),
        Column("method"),
        Column("codec", "Codec"),
        Column("sampler", "Sampler"),
        Column("reconstructor", "Reconstructor"),
        *(
            column
            for key, (title, _, _) in METRICS.items()
            for column in (
                Column(key, title, 2, status=f"{key}_status", error=f"{key}_error"),
                Column(f"{key}_scenes", "scenes"),
            )
        ),
        Column("encode_seconds", "encode / s", 4),
        Column("decode_seconds", "decode / s", 4),
        Column("reconstruct_seconds", "rebuild / s", 4),
        *(Column(key, title, 2) for key, (title, _, _) in COSTS.items() if learned),
        *(Column(f"{key}_status") for key in METRICS),
        *(Column(f"{key}_error", decimals=2) for key in METRICS),
        Column("accuracy"),
    ]
    caption = (
        f"Every method against `{inputs.titles.of(anchor)}`. BD-rate over the task's accuracy in "
        "percent, negative = less rate at equal accuracy; P-mAP is the same over the Pareto "
        "fronts, defined where accuracy does not rise with rate everywhere, too; BD-mAP (of "
        "other tasks: the same of their accuracy, as of the Jaccard index or of top-1) in "
        "percentage points, positive = more accuracy at equal rate; means over the scenes in which "
        "they are defined, of how many stands beside, ± their standard errors. "
        "Seconds are wall clock on the machine of this run, per frame of the original video, means "
        "over the operating points. Bold: better than the anchor by more than two standard errors, "
        "over all scenes."
    )
    if learned:
        caption += (
            " Of learned codecs: parameters at both ends together, and multiply-accumulates per "
            "pixel of a frame that is not intra."
        )
    return Table(
        label="compare",
        number="",
        caption=inputs.caption(caption, inputs.task),
        columns=columns,
        rows=rows,
        bold=frozenset(better),
        statuses=STATUSES,
    )


def _rows(
    inputs: Inputs, dataset: str, task: str, anchor: str, names: Sequence[str]
) -> Iterator[tuple[dict[str, Value], list[str]]]:
    """Each row, and the columns in which it is clearly better than the anchor."""
    accuracy = accuracy_of(inputs.scores, task).accuracy
    scenes, pooled = inputs.rows("scene", task), inputs.rows("dataset", task)
    scenes, pooled = (rows[rows["dataset"] == dataset] for rows in (scenes, pooled))
    anchors = inputs.curves(scenes[scenes["method"] != SOURCE], anchor, accuracy)
    for name in names:
        method = inputs.method(name)
        tests = inputs.curves(scenes, name, accuracy)
        row: dict[str, Value] = {"dataset": dataset, "task": task, "method": name}
        row |= {
            key: inputs.titles.of(str(getattr(method, key)))
            for key in ("codec", "sampler", "reconstructor")
        }
        better = []
        applies = any(not math.isnan(score) for score in numbers(select(scenes, name), accuracy))
        for key, (_, metric, high_is_better) in METRICS.items():
            if name == anchor:
                row |= {key: math.nan, f"{key}_status": ANCHOR}
                continue
            if not applies:
                row |= {key: math.nan, f"{key}_status": NOT_APPLICABLE}
                continue
            found = [
                metric(curve, tests.get(scene, NO_CURVE), inputs.fit)
                for scene, curve in anchors.items()
            ]
            mean = mean_of(difference.value for difference in found)
            row |= {key: mean.value, f"{key}_error": mean.error, f"{key}_scenes": mean.count}
            row[f"{key}_status"] = _remark(found)
            if mean.clear and (mean.value > 0) == high_is_better:
                better.append(key)
        of_all = select(pooled, name)
        row |= {key: per_frame(of_all, key) for key in SECONDS}
        row |= {
            key: mean_of(numbers(of_all, metric)).value / unit
            for key, (_, metric, unit) in COSTS.items()
        }
        yield row | {"accuracy": accuracy}, better


def _remark(found: Sequence[Difference]) -> str:
    """The commonest remark of the scenes that count, or the commonest reason why none does."""
    defined = [part for part in found if part.defined] or found
    said = Counter(part.status for part in defined)
    return said.most_common(1)[0][0] if said else "too_few_points"


def per_frame(rows: pd.DataFrame, metric: str) -> float:
    """Seconds per frame of the original video, mean over the operating points."""
    seconds = zip(numbers(rows, metric), numbers(rows, "n"), strict=True)
    return mean_of(total / frames for total, frames in seconds).value
