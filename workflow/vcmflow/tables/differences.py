"""Tables 3 and 4: the paper's method against uniform sampling, by scene (docs/paper.md 8, 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vcmflow.core.bd import (
    STATUS_MEANING,
    Curve,
    Difference,
    Fit,
    Subset,
    bd_map,
    bd_rate,
    p_map,
    p_map_area,
)
from vcmflow.core.errors import VcmflowError
from vcmflow.core.means import mean_of, power_of
from vcmflow.core.scores import numbers
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

Metric = Callable[[Curve, Curve, Fit], Difference]

NO_CURVE = Curve.of([], [])
REMARKS: Mapping[str, str] = {
    status: meaning for status, meaning in STATUS_MEANING.items() if status != "ok"
}


def random_access(inputs: Inputs) -> Table:
    """Table 3, of methods whose codec is VVC in random access."""
    return build(inputs, "3")


def all_intra(inputs: Inputs) -> Table:
    """Table 4, of methods whose codec is VVC with every frame intra."""
    return build(inputs, "4")


def _subset(name: Subset) -> Metric:
    def metric(anchor: Curve, test: Curve, fit: Fit) -> Difference:
        return p_map(anchor.subset(name), test.subset(name), fit)

    return metric


# column -> (title, metric, whether a positive value means a better test)
METRICS: Mapping[str, tuple[str, Metric, bool]] = {
    "p_map": ("P-mAP ↓", p_map, False),
    "p_map_high4": ("high 4 ↓", _subset("high4"), False),
    "p_map_mid4": ("mid 4 ↓", _subset("mid4"), False),
    "p_map_low4": ("low 4 ↓", _subset("low4"), False),
    "bd_map": ("BD-mAP ↑", bd_map, True),
    "p_map_area": ("P-mAP (area) ↓", p_map_area, False),
    "bd_rate": ("BD-rate ↓", bd_rate, False),
}


def build(inputs: Inputs, number: str) -> Table:
    """One row per scene and a mean row over the scenes that count.

    Columns: those of the paper (P-mAP and its subsets in percent, BD-mAP in percentage points),
    the literal variants (area form of P-mAP; Eq. (12), which is the BD-rate over mAP), and for
    each its status; in the mean row the status says how many scenes entered. ``n`` is the number
    of sequences of a scene, and of scenes in the mean row, which has standard errors, too.
    """
    inputs.need("scores", "anchors", "tests")
    if len(inputs.anchors) != 1 or len(inputs.tests) != 1:
        raise VcmflowError(f"table {number} takes one --anchor and one --test")
    task, metric_name = inputs.chosen_task()
    (anchor_name,), (test_name,) = inputs.anchors, inputs.tests
    scenes = inputs.rows("scene", task)
    anchors = inputs.curves(scenes, anchor_name, metric_name)
    tests = inputs.curves(scenes, test_name, metric_name)
    scene_of = zip(scenes["dataset"], scenes["scene"], strict=True)
    sequences = dict(zip(scene_of, numbers(scenes, "sequences"), strict=True))
    rows: list[dict[str, Value]] = []
    found: dict[str, list[float]] = {key: [] for key in METRICS}
    for key in dict.fromkeys([*anchors, *tests]):
        anchor, test = anchors.get(key, NO_CURVE), tests.get(key, NO_CURVE)
        row: dict[str, Value] = {"scene": key[1], "dataset": key[0]}
        row |= {"n": int(sequences[key])}
        row |= {"points_anchor": len(anchor), "points_test": len(test)}
        for name, (_, metric, _) in METRICS.items():
            result = metric(anchor, test, inputs.fit)
            found[name].append(result.value)
            row |= {name: result.value, f"{name}_status": result.status}
            if name in ("p_map", "bd_map"):
                row[f"{name}_overlap"] = result.overlap
        rows.append(row)
    summary: dict[str, Value] = {"scene": "mean", "n": len(rows)}
    better = set()
    for name, (_, _, high_is_better) in METRICS.items():
        mean = mean_of(found[name])
        summary |= {name: mean.value, f"{name}_status": mean.count, f"{name}_error": mean.error}
        if mean.clear and (mean.value > 0) == high_is_better:
            better.add((len(rows), name))
    rows.append(summary)
    columns = [Column("scene", "Scene"), Column("n", "n")]
    columns += [
        Column(key, title, 2, status=f"{key}_status", error=f"{key}_error")
        for key, (title, _, _) in METRICS.items()
    ]
    columns += [Column(f"{key}_status") for key in METRICS]
    columns += [Column(f"{key}_error", decimals=2) for key in METRICS]
    columns += [Column(f"{key}_overlap", decimals=2) for key in ("p_map", "bd_map")]
    columns += [Column(key) for key in ("points_anchor", "points_test", "dataset")]
    test_words, anchor_words = inputs.titles.of(test_name), inputs.titles.of(anchor_name)
    caption = (
        f"Pareto mAP and BD-mAP of `{test_words}` against `{anchor_words}`, "
        f"{inputs.codecs([anchor_name, test_name])}. "
        "P-mAP, its rate ranks (high, mid, low 4 of six points), its literal area form and the "
        "BD-rate over mAP (Eq. 12) in percent, negative = better; BD-mAP in percentage points, "
        "positive = better; n sequences of a scene, n scenes in the mean, ± its standard error. "
        f"Bold: `{test_words}` is better, by more than two standard errors over all scenes. "
        f"BD-mAP: {power_of(mean_of(found['bd_map']))}"
    )
    return Table(
        label=f"table{number}",
        number=f"Table {number}",
        caption=inputs.caption(caption, task),
        columns=columns,
        rows=rows,
        match="scene",
        bold=frozenset(better),
        summary_from=len(rows) - 1,
        statuses=REMARKS,
    )
