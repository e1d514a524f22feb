"""Tables 3 and 4: the paper's method against uniform sampling, by scene (spec sections 8, 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vcmflow.core.errors import VcmflowError
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
from vcmflow.tables.inputs import Inputs, Score, curve, scene_keys, select, title_mode
from vcmflow.tables.layout import Column, Table, Value, mean_of

Metric = Callable[[Curve, Curve, Fit], Difference]

REMARKS: Mapping[str, str] = {
    status: meaning for status, meaning in STATUS_MEANING.items() if status != "ok"
}
NUMBERS = {"ra": "3", "ai": "4"}


def random_access(inputs: Inputs) -> Table:
    """Table 3."""
    return build(inputs, "ra")


def all_intra(inputs: Inputs) -> Table:
    """Table 4."""
    return build(inputs, "ai")


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


def build(inputs: Inputs, mode: str) -> Table:
    """One row per scene and a mean row over the scenes that count.

    Columns: those of the paper (P-mAP and its subsets in percent, BD-mAP in percentage points),
    the literal variants (area form of P-mAP; Eq. (12), which is the BD-rate over mAP), and for
    each its status; in the mean row the status says how many scenes entered.
    """
    inputs.need("scenes")
    if inputs.modes not in ((), (mode,)):
        raise VcmflowError(f"table {NUMBERS[mode]} is about mode {mode!r}; leave out --modes")
    anchors = select(inputs.scenes, inputs.anchor, mode)
    tests = select(inputs.scenes, inputs.test, mode)
    rows: list[dict[str, Value]] = []
    bold: set[tuple[int, str]] = set()
    found: dict[str, list[float]] = {key: [] for key in METRICS}
    for dataset, scene in scene_keys([*anchors, *tests]):
        anchor = curve(_of_scene(anchors, dataset, scene), "map")
        test = curve(_of_scene(tests, dataset, scene), "map")
        row: dict[str, Value] = {"scene": scene, "dataset": dataset}
        row |= {"points_anchor": len(anchor), "points_test": len(test)}
        for key, (_, metric, high_is_better) in METRICS.items():
            result = metric(anchor, test, inputs.fit)
            found[key].append(result.value)
            row |= {key: result.value, f"{key}_status": result.status}
            if key in ("p_map", "bd_map"):
                row[f"{key}_overlap"] = result.overlap
            if result.defined and (result.value > 0) == high_is_better and result.value != 0:
                bold.add((len(rows), key))
        rows.append(row)
    summary: dict[str, Value] = {"scene": "mean"}
    for key, values in found.items():
        mean, entered = mean_of(values)
        summary |= {key: mean, f"{key}_status": f"{entered} of {len(rows)}"}
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
    caption = (
        f"Pareto mAP and BD-mAP of `{inputs.test}` against `{inputs.anchor}`, {title_mode(mode)}. "
        "P-mAP, its rate ranks (high, mid, low 4 of six points), its literal area form and the "
        "BD-rate over mAP (Eq. 12) in percent, negative = better; BD-mAP in percentage points, "
        f"positive = better. Bold: `{inputs.test}` is better. Scenes in the mean: {counts}."
    )
    return Table(
        label=f"table{NUMBERS[mode]}",
        number=f"Table {NUMBERS[mode]}",
        caption=inputs.caption(caption, tests),
        columns=columns,
        rows=rows,
        match="scene",
        bold=frozenset(bold),
        summary_from=len(rows) - 1,
        statuses=REMARKS,
    )


def _of_scene(scores: list[Score], dataset: str, scene: str) -> list[Score]:
    return [score for score in scores if (score.dataset, score.scene) == (dataset, scene)]
