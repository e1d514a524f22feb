"""Codecs, samplers and reconstructors side by side: every method against one, per task."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from vcmflow.core.bd import Difference, bd_map, bd_rate, p_map
from vcmflow.core.errors import VcmflowError
from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import methods_of, numbers, select, tasks_of
from vcmflow.score.registry import accuracy_of
from vcmflow.tables.differences import NO_CURVE, REMARKS, Metric
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value, mean_of

ANCHOR = "anchor"
STATUSES: Mapping[str, str] = {
    **REMARKS,
    ANCHOR: "the method that the others are compared with",
}
METRICS: Mapping[str, Metric] = {"bd_rate": bd_rate, "p_map": p_map, "bd_map": bd_map}
SECONDS = ("encode_seconds", "decode_seconds", "reconstruct_seconds")


def build(inputs: Inputs) -> Table:
    """One row per dataset, task and method.

    BD-rate and P-mAP (percent, over the task's accuracy) and BD-mAP (percentage points of it) are
    per scene, then means over the scenes in which they are defined; ``..._scenes`` says how many
    those are, ``..._status`` what there is to remark of most of them. Seconds are wall clock per
    frame of the original video, means over the operating points.
    """
    inputs.need("scores", "anchors")
    if len(inputs.anchors) != 1:
        raise VcmflowError("table compare takes one --anchor")
    anchor = inputs.method(inputs.anchors[0]).name
    rows: list[dict[str, Value]] = []
    for dataset in dict.fromkeys(inputs.scores["dataset"]):
        scores = inputs.scores[inputs.scores["dataset"] == dataset]
        names = [name for name in methods_of(scores) if name in (inputs.methods or [name])]
        if anchor not in methods_of(scores):
            raise VcmflowError(f"scores: {dataset} has no method {anchor!r} (--anchor)")
        for task in [inputs.task] if inputs.task else tasks_of(scores):
            rows += _rows(inputs, dataset, task, anchor, names)
    if not rows:
        raise VcmflowError("table compare: the scores are of no task")
    several = {key: len({row[key] for row in rows}) > 1 for key in ("dataset", "task")}
    columns = [
        Column("dataset", "Data set" if several["dataset"] else ""),
        Column("task", "Task" if several["task"] else ""),
        Column("method"),
        Column("codec", "Codec"),
        Column("sampler", "Sampler"),
        Column("reconstructor", "Reconstructor"),
        Column("bd_rate", "BD-rate / % ↓", 2, status="bd_rate_status"),
        Column("bd_rate_scenes", "scenes"),
        Column("p_map", "P-mAP / % ↓", 2, status="p_map_status"),
        Column("p_map_scenes", "scenes"),
        Column("bd_map", "BD-mAP ↑", 2, status="bd_map_status"),
        Column("bd_map_scenes", "scenes"),
        Column("encode_seconds", "encode / s", 4),
        Column("decode_seconds", "decode / s", 4),
        Column("reconstruct_seconds", "rebuild / s", 4),
        *(Column(f"{key}_status") for key in METRICS),
        Column("accuracy"),
    ]
    caption = (
        f"Every method against `{inputs.titles.of(anchor)}`. BD-rate over the task's accuracy in "
        "percent, negative = less rate at equal accuracy; P-mAP is the same over the Pareto "
        "fronts, defined where accuracy does not rise with rate everywhere, too; BD-mAP (of "
        "segmentation: the same of the Jaccard index) in percentage points, positive = more "
        "accuracy at equal rate; means over the scenes in which they are defined, of how many "
        "stands beside. "
        "Seconds are wall clock on the machine of this run, per frame of the original video, means "
        "over the operating points. Bold: better than the anchor."
    )
    return Table(
        label="compare",
        number="",
        caption=inputs.caption(caption, inputs.task),
        columns=columns,
        rows=rows,
        bold=frozenset(
            (index, key)
            for index, row in enumerate(rows)
            for key, sign in (("bd_rate", -1), ("p_map", -1), ("bd_map", 1))
            if isinstance(value := row[key], float) and sign * value > 0
        ),
        statuses=STATUSES,
    )


def _rows(
    inputs: Inputs, dataset: str, task: str, anchor: str, names: Sequence[str]
) -> list[dict[str, Value]]:
    accuracy = accuracy_of(inputs.scores, task).accuracy
    scenes, pooled = inputs.rows("scene", task), inputs.rows("dataset", task)
    scenes, pooled = (rows[rows["dataset"] == dataset] for rows in (scenes, pooled))
    anchors = inputs.curves(scenes[scenes["method"] != SOURCE], anchor, accuracy)
    rows = []
    for name in names:
        method = inputs.method(name)
        tests = inputs.curves(scenes, name, accuracy)
        row: dict[str, Value] = {"dataset": dataset, "task": task, "method": name}
        row |= {
            key: inputs.titles.of(str(getattr(method, key)))
            for key in ("codec", "sampler", "reconstructor")
        }
        for key, metric in METRICS.items():
            found = [
                metric(curve, tests.get(scene, NO_CURVE), inputs.fit)
                for scene, curve in anchors.items()
            ]
            row |= _mean(key, found) if name != anchor else {key: math.nan, f"{key}_status": ANCHOR}
        row |= {key: _per_frame(select(pooled, name), key) for key in SECONDS}
        rows.append(row | {"accuracy": accuracy})
    return rows


def _mean(key: str, found: Sequence[Difference]) -> dict[str, Value]:
    """Mean over the scenes where the difference is defined, or the commonest reason for none."""
    mean, entered = mean_of(difference.value for difference in found)
    said = Counter(part.status for part in found if part.defined or not entered)
    status = said.most_common(1)[0][0] if said else "too_few_points"
    return {key: mean, f"{key}_status": status, f"{key}_scenes": f"{entered} of {len(found)}"}


def _per_frame(rows: pd.DataFrame, metric: str) -> float:
    seconds = zip(numbers(rows, metric), numbers(rows, "n"), strict=True)
    return mean_of(total / frames for total, frames in seconds)[0]
