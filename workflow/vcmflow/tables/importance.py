"""Importance-guided coding: every codec with a map against the same encoder without one, per task.

Differences are paired: each sequence has its own, at the same sampling, and the interval is over
the sequences.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from vcmflow.core.bd import Curve, Difference, bd_map, bd_rate, p_map
from vcmflow.core.errors import VcmflowError
from vcmflow.core.means import mean_of
from vcmflow.core.scores import Method, curve, methods_of, select, tasks_of
from vcmflow.score.registry import accuracy_of
from vcmflow.tables.differences import NO_CURVE, REMARKS, Metric
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value, rounded

GAIN, LOSS = "gain", "loss"
STATUSES: Mapping[str, str] = {
    **REMARKS,
    GAIN: "a gain: the interval excludes zero",
    LOSS: "a loss: the interval excludes zero",
}
# column -> (title, metric, sign of what is better)
METRICS: Mapping[str, tuple[str, Metric, int]] = {
    "bd_map": ("BD-mAP ↑", bd_map, 1),
    "p_map": ("P-mAP / % ↓", p_map, -1),
    "bd_rate": ("BD-rate / % ↓", bd_rate, -1),
}


def build(inputs: Inputs) -> Table:
    """One row per dataset, task and method that has its counterpart among the anchors.

    BD-mAP in percentage points of the task's accuracy, BD-rate and P-mAP in percent of the rate, of
    each sequence and then their mean: ``..._low`` and ``..._high`` bound it with 95 % confidence,
    ``..._sequences`` says in how many it is defined, ``..._status`` whether the interval excludes
    zero.
    """
    inputs.need("scores", "anchors")
    anchors = [inputs.method(name) for name in inputs.anchors]
    rows: list[dict[str, Value]] = []
    for dataset in dict.fromkeys(inputs.scores["dataset"]):
        scores = inputs.scores[inputs.scores["dataset"] == dataset]
        there = methods_of(scores)
        pairs = [
            (method, anchor)
            for method in there.values()
            for anchor in anchors
            if anchor.name in there
            and method.codec != anchor.codec
            and (method.sampler, method.reconstructor) == (anchor.sampler, anchor.reconstructor)
        ]
        for task in tasks_of(scores):
            rows += _rows(inputs, dataset, task, pairs)
    if not rows:
        raise VcmflowError(
            "table importance: no method differs from an --anchor in its codec alone"
        )
    several = {key: len({row[key] for row in rows}) > 1 for key in ("dataset", "task")}
    columns = [
        Column("dataset", "Data set" if several["dataset"] else ""),
        Column("task", "Task" if several["task"] else ""),
        Column("method"),
        Column("anchor"),
        Column("sampler", "Sampler"),
        Column("codec", "Map"),
    ]
    for key, (title, _, _) in METRICS.items():
        columns += [
            Column(key, title, 2, status=f"{key}_status"),
            Column(f"{key}_interval", "95 %"),
            Column(f"{key}_sequences", "n"),
        ]
    columns += [Column(f"{key}_{end}", decimals=2) for key in METRICS for end in ("low", "high")]
    columns += [*(Column(f"{key}_status") for key in METRICS), Column("accuracy")]
    words = inputs.codecs([anchor.name for anchor in anchors])
    caption = (
        f"Codecs with an importance map against {words} without one, at the same sampling. BD-mAP "
        "(of segmentation: the same of the Jaccard index) in percentage points, positive = more "
        "accuracy at equal rate; P-mAP and BD-rate in percent, negative = less rate at equal "
        "accuracy, over the Pareto fronts and over the curves as they are. Means over the n "
        "sequences in which they are defined, each against itself, with Student's 95 % interval of "
        "the mean, not corrected for the number of rows. Only where it excludes zero is it called "
        f"a gain (bold) or a loss. {_verdict(inputs, rows)}"
    )
    return Table(
        label="importance",
        number="",
        caption=inputs.caption(caption),
        columns=columns,
        rows=rows,
        bold=frozenset(
            (index, key)
            for index, row in enumerate(rows)
            for key in METRICS
            if row[f"{key}_status"] == GAIN
        ),
        statuses=STATUSES,
    )


def _rows(
    inputs: Inputs, dataset: str, task: str, pairs: Iterable[tuple[Method, Method]]
) -> list[dict[str, Value]]:
    accuracy = accuracy_of(inputs.scores, task).accuracy
    sequences = inputs.rows("sequence", task)
    sequences = sequences[sequences["dataset"] == dataset]
    rows = []
    for method, anchor in pairs:
        tests, others = (_curves(sequences, one.name, accuracy) for one in (method, anchor))
        row: dict[str, Value] = {"dataset": dataset, "task": task, "method": method.name}
        row |= {"anchor": anchor.name, "accuracy": accuracy}
        row |= {key: inputs.titles.of(str(getattr(method, key))) for key in ("codec", "sampler")}
        for key, (_, metric, sign) in METRICS.items():
            found = [
                metric(other, tests.get(sequence, NO_CURVE), inputs.fit)
                for sequence, other in others.items()
            ]
            row |= _summary(key, found, sign)
        rows.append(row)
    return rows


def _curves(rows: pd.DataFrame, method: str, accuracy: str) -> dict[str, Curve]:
    parts = select(rows, method).groupby("sequence", sort=False)
    return {str(sequence): curve(part, accuracy) for sequence, part in parts}


def _summary(key: str, found: Sequence[Difference], sign: int) -> dict[str, Value]:
    """Mean, interval and what may be said of it; for no value the commonest reason."""
    mean = mean_of(part.value if part.defined else math.nan for part in found)
    low, high = mean.interval
    status = "ok"
    if not mean.n:
        said = Counter(part.status for part in found).most_common(1)
        status = said[0][0] if said else "too_few_points"
    elif low > 0 or high < 0:
        status = GAIN if sign * low > 0 else LOSS
    ends = [rounded(end, Column("", decimals=2)) for end in (low, high)]
    return {
        key: mean.value,
        f"{key}_low": low,
        f"{key}_high": high,
        f"{key}_interval": f"{ends[0]} to {ends[1]}" if all(ends) else "",
        f"{key}_sequences": mean.count,
        f"{key}_status": status,
    }


def _verdict(inputs: Inputs, rows: Iterable[Mapping[str, Value]]) -> str:
    """In words, which maps gain and which lose accuracy at equal rate, task by task."""
    said: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        task = said.setdefault(f"{row['dataset']}, {row['task']}", {GAIN: [], LOSS: []})
        if row["bd_map_status"] in task:
            task[str(row["bd_map_status"])].append(f"`{inputs.titles.of(str(row['method']))}`")
    parts = []
    for task_name, found in said.items():
        words = [f"{kind} for {', '.join(names)}" for kind, names in found.items() if names]
        parts.append(f"{task_name}: {', '.join(words) or 'neither for any method'}")
    return f"By BD-mAP, {'; '.join(parts)}."
