"""How well the task models do on the uncompressed frames: the upper end of every curve."""

from __future__ import annotations

import math

from vcmflow.core.errors import VcmflowError
from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import PSEUDO, Level, tasks_of, wide
from vcmflow.score.registry import titles_of
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

_FIXED = {"map": "mAP", "map50": "AP50", "jaccard": "Jaccard", "f1": "F1"}
_CLASS = "ap_"


def build(inputs: Inputs) -> Table:
    """One row per task and scene, and one per task and dataset with all its scenes pooled."""
    inputs.need("scores")
    rows: list[dict[str, Value]] = []
    pooled: list[dict[str, Value]] = []
    datasets = dict.fromkeys(inputs.scores["dataset"])
    several = False
    further: dict[str, str] = {}
    for dataset in datasets:
        of_dataset = inputs.scores[inputs.scores["dataset"] == dataset]
        several = several or len(tasks_of(of_dataset)) > 1
        for task in tasks_of(of_dataset):
            metrics = of_dataset.loc[of_dataset["task"] == task, "metric"].unique()
            titles = titles_of(metrics)
            further |= {name: text for name, text in titles.items() if name not in _FIXED}
            shown = [
                name for name in metrics if name in (*_FIXED, *further) or name.startswith(_CLASS)
            ]
            levels: list[tuple[Level, list[dict[str, Value]]]]
            levels = [("scene", rows), ("dataset", pooled)]
            for level, into in levels:
                source = wide(of_dataset, level, task)
                for _, score in source[source["method"] == SOURCE].iterrows():
                    row: dict[str, Value] = {"dataset": dataset, "scene": str(score["scene"])}
                    row |= {"task": task, "n": int(score["n"])}
                    row |= {"sequences": int(score["sequences"])}
                    row |= {name: float(score[name]) for name in shown}
                    pseudo = score["status"] == PSEUDO
                    into.append(row | {"ground_truth": PSEUDO if pseudo else "annotations"})
    if not rows + pooled:
        raise VcmflowError("table accuracy: no scores of uncompressed frames (method 'source')")
    classes = [key for row in rows for key in row if key.startswith(_CLASS)]
    keys = ["map", "map50", *dict.fromkeys(classes), "jaccard", "f1", *further]
    words = _FIXED | further
    columns = [
        Column("dataset", "Data set"),
        *([Column("task", "Task")] if several else []),
        Column("scene", "Scene"),
        Column("sequences", "Sequences"),
        Column("n", "Frames"),
        *(Column(key, words.get(key, key.replace(_CLASS, "AP ")), 4) for key in keys),
        Column("ground_truth"),
    ]
    caption = (
        "Accuracy on the uncompressed frames. Detection: COCO AP (IoU 0.50:0.95) per class, their "
        "mean, and the mean at IoU 0.50; segmentation: means of Jaccard index and F1 of masks that "
        "are assigned to the objects, F1 over whole objects with false positives (IoU 0.5), and "
        "the mean number of proposals in a frame. The rows `all` pool the scenes of a data set."
    )
    return Table(
        label="accuracy",
        number="",
        caption=inputs.caption(caption),
        columns=columns,
        rows=[{key: row.get(key, math.nan) for key in _keys(columns)} for row in rows + pooled],
        summary_from=len(rows),
    )


def _keys(columns: list[Column]) -> list[str]:
    return [column.key for column in columns]
