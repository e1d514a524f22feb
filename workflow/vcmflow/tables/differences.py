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
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value, mean_of

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
    each its status; in the mean row the status says how many scenes entered.
    """
    inputs.need("scores", "anchors", "tests")
    if len(inputs.anchors) != 1 or len(inputs.tests) != 1:
        raise VcmflowError(f"table {number} takes one --anchor and one --test")
    task, metric_name = inputs.chosen_task()
    (anchor_name,), (test_name,) = inputs.anchors, inputs.tests
    scenes = inputs.rows("scene", task)
    anchors = inputs.curves(scenes, anchor_name, metric_name)
    tests = inputs.curves(scenes, test_name, metric_name)
    rows: list[dict[str, Value]] = []
    bold: set[tuple[int, str]] = set()
    found: dict[str, list[float]] = {key: [] for key in METRICS}
    for key in dict.fromkeys([*anchors, *tests]):
        anchor, test = anchors.get(key, NO_CURVE), tests.get(key, NO_CURVE)
        row: dict[str, Value] = {"scene": key[1], "dataset": key[0]}
        row |= {"points_anchor": len(anchor), "points_test": len(test)}
        for name, (_, metric, high_is_better) in METRICS.items():
            result = metric(anchor, test, inputs.fit)
            found[name].append(result.value)
            row |= {name: result.value, f"{name}_status": result.status}
            if name in ("p_map", "bd_map"):
                row[f"{name}_overlap"] = result.overlap
            if result.defined and (result.value > 0) == high_is_better and result.value != 0:
                bold.add((len(rows), name))
        rows.append(row)
    summary: dict[str, Value] = {"scene": "mean"}
    for name, values in found.items():
        mean, entered = mean_of(values)
        summary |= {name: mean, f"{name}_status": f"{entered} of {len(rows)}"}
    rows.append(summary)
    columns = [Column("scene", "Scene")]
    columns += [
        Column(key, title, 2, status=f"{key}_status") for key, (title, _, _) in METRICS.items()
    ]
    columns += [Column(f"{key}_status") for key in METRICS]
    columns += [Column(f"{key}_overlap", decimals=2) for key in ("p_map", "bd_map")]
    columns += [Column(key) for key in ("points_anchor", "points_test", "dataset")]
    counts = ", ".join(
        f"{title.rstrip(' ↓↑')} {summary[f'{key}_status']}"
        for key, (title, _, _) in METRICS.items()
    )
    test_words, anchor_words = inputs.titles.of(test_name), inputs.titles.of(anchor_name)
    caption = (
        f"Pareto mAP and BD-mAP of `{test_words}` against `{anchor_words}`, "
        f"{inputs.codecs([anchor_name, test_name])}. "
        "P-mAP, its rate ranks (high, mid, low 4 of six points), its literal area form and the "
        "BD-rate over mAP (Eq. 12) in percent, negative = better; BD-mAP in percentage points, "
        f"positive = better. Bold: `{test_words}` is better. Scenes in the mean: {counts}."
    )
    return Table(
        label=f"table{number}",
        number=f"Table {number}",
        caption=inputs.caption(caption, task),
        columns=columns,
        rows=rows,
        match="scene",
        bold=frozenset(bold),
        summary_from=len(rows) - 1,
        statuses=REMARKS,
    )
