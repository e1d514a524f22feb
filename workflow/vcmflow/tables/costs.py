"""Table 7: what choosing frames costs, and what it gains over uniform ones (docs/paper.md 9)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from vcmflow.core.bd import bd_map, bd_rate
from vcmflow.core.errors import VcmflowError
from vcmflow.tables.differences import NO_CURVE, Metric
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value, mean_of, rounded

# column -> (metric, score that it compares; empty: the task's accuracy)
GAINS: Mapping[str, tuple[Metric, str]] = {
    "bd_map": (bd_map, ""),
    "bd_rate_psnr": (bd_rate, "psnr"),
    "bd_rate_ssim": (bd_rate, "ssim"),
}
COSTS = ("params_millions", "gflops_per_frame")
LOWER_IS_BETTER = ("params_millions", "gflops_per_frame", "bd_rate_psnr", "bd_rate_ssim")
# Wall clock: differs from run to run, so that the columns say so and nothing depends on them.
MEASURED = ("frames_per_second", "latency_ms")


def complexity(inputs: Inputs) -> Table:
    """One row per method.

    BD-mAP (percentage points) and BD-rates (percent) are against the anchor: per scene, averaged
    over the scenes where they are defined, then over the codecs for which an anchor was given, as
    the paper's 2.6276 is the mean of its two tables' 2.30 and 2.95.
    """
    inputs.need("scores", "complexity", "anchors", "tests", "standards")
    task, accuracy = inputs.chosen_task()
    rows: list[dict[str, Value]] = []
    for method, chooser, members in (
        ("ours", "manifold", inputs.tests),
        ("standard", "tracking", inputs.standards),
    ):
        if len(members) != len(inputs.anchors):
            raise VcmflowError("table 7: give as many --anchor as --test and --standard methods")
        row: dict[str, Value] = {"method": method, "sampler": inputs.method(members[0]).sampler}
        costs = inputs.complexity[chooser]
        row |= {key: costs.get(key, math.nan) for key in COSTS}
        row |= {f"measured_{key}": costs.get(key, math.nan) for key in MEASURED}
        for key, (metric, score) in GAINS.items():
            gain = _gain(inputs, task, members, metric, score or accuracy)
            row[key], row[f"{key}_scenes"] = gain
        rows.append(row)
    columns = [
        Column("method", "Method"),
        Column("params_millions", "Parameters / 10⁶ ↓", 2),
        Column("gflops_per_frame", "GFLOPs per frame ↓", 3),
        Column("bd_map", "BD-mAP ↑", 4),
        Column("bd_rate_psnr", "BD-rate (PSNR) ↓", 4),
        Column("bd_rate_ssim", "BD-rate (SSIM) ↓", 4),
        Column("measured_frames_per_second", "frames per second (measured) ↑", 1),
        Column("measured_latency_ms", "latency / ms (measured) ↓", 1),
        *(Column(f"{key}_scenes") for key in GAINS),
        Column("sampler"),
    ]
    counts = "; ".join(f"{row['method']}: {_counts(row)}" for row in rows)
    test, standard, anchor = (
        inputs.titles.of(names[0]) for names in (inputs.tests, inputs.standards, inputs.anchors)
    )
    caption = (
        "Cost of choosing the frames, and gain over uniform sampling. Embedding or detector "
        f"together with the decision; ours: `{test}`, standard: `{standard}`. "
        f"BD-mAP in percentage points and BD-rates in percent against `{anchor}`, means "
        f"over scenes, then over {inputs.codecs(inputs.anchors)}. Frames per "
        "second, and latency of one frame from its decoding on, as measured on the machine of this "
        "run. Bold: the better. Scenes that entered: "
        f"{counts}."
    )
    return Table(
        label="table7",
        number="Table 7",
        caption=inputs.caption(caption, task),
        columns=columns,
        rows=rows,
        match="method",
        bold=_better(rows, columns),
    )


def _gain(
    inputs: Inputs, task: str, members: Sequence[str], metric: Metric, score: str
) -> tuple[float, str]:
    means: list[float] = []
    entered = total = 0
    rows = inputs.rows("scene", task)
    for anchor_name, name in zip(inputs.anchors, members, strict=True):
        anchors = inputs.curves(rows, anchor_name, score)
        tests = inputs.curves(rows, name, score)
        values = [
            metric(anchors.get(key, NO_CURVE), tests.get(key, NO_CURVE), inputs.fit).value
            for key in dict.fromkeys([*anchors, *tests])
        ]
        mean, known = mean_of(values)
        means.append(mean)
        entered, total = entered + known, total + len(values)
    return mean_of(means)[0], f"{entered} of {total}"


def _counts(row: Mapping[str, Value]) -> str:
    names = {"bd_map": "BD-mAP", "bd_rate_psnr": "PSNR", "bd_rate_ssim": "SSIM"}
    return ", ".join(f"{name} {row[f'{key}_scenes']}" for key, name in names.items())


def _better(rows: list[dict[str, Value]], columns: list[Column]) -> frozenset[tuple[int, str]]:
    bold: set[tuple[int, str]] = set()
    for column in columns:
        if column.decimals is None or column.key.startswith("measured_"):
            continue
        texts = [rounded(row[column.key], column) for row in rows]
        if not all(texts):
            continue
        numbers = [float(text) for text in texts]
        best = min(numbers) if column.key in LOWER_IS_BETTER else max(numbers)
        if numbers.count(best) == 1:
            bold.add((numbers.index(best), column.key))
    return frozenset(bold)
