"""How well the task models do on the uncompressed frames: the upper end of every curve."""

from __future__ import annotations

import math

from vcmflow.core.errors import VcmflowError
from vcmflow.core.runs import SOURCE
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

_FIXED = {
    "map": "mAP",
    "map50": "AP50",
    "jaccard": "Jaccard",
    "f1": "F1",
}


def build(inputs: Inputs) -> Table:
    """One row per scene, and one per dataset with all its scenes pooled."""
    inputs.need("scenes", "datasets")
    pooled = [score for score in inputs.datasets if score.sampler == SOURCE]
    scores = [
        *(score for score in inputs.scenes if score.sampler == SOURCE),
        *pooled,
    ]
    if not scores:
        raise VcmflowError("table accuracy: no rows of uncompressed frames (sampler 'source')")
    classes = [
        key
        for key in dict.fromkeys(key for score in scores for key in score.fields)
        if key.startswith("ap_")
    ]
    keys = ["map", "map50", *classes, "jaccard", "f1"]
    columns = [
        Column("dataset", "Data set"),
        Column("scene", "Scene"),
        Column("sequences", "Sequences"),
        Column("n", "Frames"),
        *(Column(key, _FIXED.get(key, key.replace("ap_", "AP ")), 4) for key in keys),
        Column("ground_truth"),
    ]
    rows: list[dict[str, Value]] = []
    for score in scores:
        row: dict[str, Value] = {"dataset": score.dataset, "scene": score.scene}
        row |= {"sequences": int(score["sequences"]), "n": int(score["n"])}
        row |= {key: score[key] if key in score.fields else math.nan for key in keys}
        row["ground_truth"] = score.text("ground_truth")
        rows.append(row)
    caption = (
        "Accuracy on the uncompressed frames. Detection: COCO AP (IoU 0.50:0.95) per class, their "
        "mean, and the mean at IoU 0.50; segmentation: means of Jaccard index and F1. The rows "
        "`all` pool the scenes of a data set."
    )
    return Table(
        label="accuracy",
        number="",
        caption=inputs.caption(caption, scores),
        columns=columns,
        rows=rows,
        summary_from=len(rows) - len(pooled),
    )
