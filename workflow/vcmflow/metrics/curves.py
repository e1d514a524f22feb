"""Rows of the plots that ``dvc plots`` draws; their looks are in ``.dvc/plots``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from vcmflow.core.rows import Row, fixed
from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import tasks_of, wide
from vcmflow.score.registry import evaluator_with

RATE_ACCURACY = (
    *("dataset", "scene", "task", "method", "sampler", "codec", "reconstructor", "point"),
    *("kbps", "measure", "accuracy", "psnr", "panel"),
)
ACCURACY_M = (
    *("dataset", "task", "codec", "point", "method", "n", "m", "share"),
    *("measure", "accuracy", "kbps", "panel"),
)
SCENES = ("table", "scene", "p_map", "bd_map", "panel")


def rate_accuracy(scores: pd.DataFrame) -> Iterator[Row]:
    """One point per dataset, task, method and operating point, all scenes pooled.

    Rate in kbit/s; accuracy is that of the task's evaluator, 0..1. A point whose accuracy is
    undefined is left out, and so is a method that is a single point, where others are curves.
    """
    for task, measure, rows in _coded(scores):
        points = rows.groupby("method")["point"].transform("nunique")
        for _, row in rows[(points > 1) | (points.max() == 1)].iterrows():
            yield _row(row, RATE_ACCURACY) | {
                "measure": measure,
                "accuracy": fixed(row[measure], 6),
                "psnr": fixed(row.get("psnr"), 4),
                "panel": f"{row['dataset']}, {row['codec']}, {task}: {measure}",
            }


def accuracy_m(
    scores: pd.DataFrame, curves: Mapping[str, Sequence[str]], points: Sequence[str] = ()
) -> Iterator[Row]:
    """Accuracy against the share m/n of kept frames.

    A dataset without a sweep has one share per method; versions of a run make it a curve.

    Args:
        scores: of one or more datasets.
        curves: name of a curve -> the methods on it, which differ in the share that they keep; any
            other method is a curve of its own.
        points: operating points at which datasets with a sweep are looked at.
    """
    curve_of = {member: name for name, members in curves.items() for member in members}
    for task, measure, rows in _coded(scores):
        names = rows["method"].map(lambda method: curve_of.get(method, method))
        for _, part in rows.assign(curve=names).groupby("dataset", sort=False):
            shares = part.groupby("curve")["method"].transform("nunique")
            swept = part.loc[shares > 1, "codec"].unique()
            for _, row in part.iterrows():
                if len(swept) and not (row["codec"] in swept and row["point"] in points):
                    continue
                yield _row(row, ACCURACY_M) | {
                    "method": str(row["curve"]),
                    "n": fixed(row["n"], 0),
                    "m": fixed(row["m"], 0),
                    "share": fixed(row["m"] / row["n"], 4),
                    "measure": measure,
                    "accuracy": fixed(row[measure], 6),
                    "panel": f"{row['dataset']}, {row['codec']}, {row['point']}, {task}: {measure}",
                }


def scenes(differences: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    """P-mAP (percent) and BD-mAP (percentage points) per scene, of Tables 3 and 4."""
    for table, rows in differences.items():
        for row in rows:
            if row["bd_map"] or row["p_map"]:
                yield {key: row[key] for key in ("scene", "p_map", "bd_map")} | {
                    "table": table,
                    "panel": table,
                }


def _coded(scores: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Task, its accuracy, and the rows of coded datasets in which it is defined."""
    for task in tasks_of(scores):
        rows = wide(scores, "dataset", task)
        entry = evaluator_with(rows.columns)
        if entry is not None:
            defined = (rows["method"] != SOURCE) & rows[entry.accuracy].notna()
            yield task, entry.accuracy, rows[defined].assign(task=task)


def _row(row: pd.Series[float], columns: Sequence[str]) -> Row:
    words = {key: str(row[key]) for key in columns if isinstance(row.get(key), str)}
    return words | {"kbps": fixed(row["kbps"], 4)}
