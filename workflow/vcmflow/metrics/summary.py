"""A run in few numbers, nested by what they are about, for ``dvc metrics show`` and ``diff``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

import pandas as pd

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import Row, number
from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import numbers, tasks_of, wide
from vcmflow.score.registry import evaluator_with

Numbers = dict[str, "float | int | Numbers"]

NUMBERS = ("psnr", "ssim", "kbps")
DIFFERENCES = ("p_map", "bd_map", "p_map_area", "bd_rate")
COSTS = ("params_millions", "gmacs_per_frame")
GAINS = ("bd_map", "bd_rate_psnr", "bd_rate_ssim")
DECIMALS = 6


def summary(
    scores: pd.DataFrame,
    differences: Mapping[str, Sequence[Row]],
    costs: Sequence[Row] = (),
    checks: Sequence[Row] = (),
) -> Numbers:
    """The numbers of a run; what is undefined is left out.

    Args:
        scores: of one or more datasets.
        differences: name of a table of differences (Tables 3 and 4) -> its rows.
        costs: rows of Table 7.
        checks: rows of the table of checks.

    Returns:
        ``{dataset: {method: {task: {accuracy: mean over points}, metric: mean over points}}}``,
        the uncompressed frames under "uncompressed", each with ``n``, its number of sequences;
        ``{table: {metric: {mean, error, n}}}`` over n scenes, ``{"costs": {method: {...}}}`` and
        ``{"checks": {status: count}}`` beside. Accuracies in 0..1, PSNR in dB, rates in kbit/s,
        P-mAP and BD-rate in percent, BD-mAP in percentage points. Wall-clock times are not in:
        they differ between runs of the same version.

    Raises:
        VcmflowError: a column is missing or holds no number.
    """
    found: Numbers = {}
    for task in tasks_of(scores) or [""]:
        rows = wide(scores, "dataset", task)
        entry = evaluator_with(rows.columns)
        for (dataset, method), part in rows.groupby(["dataset", "method"], sort=False):
            keys = (str(dataset), "uncompressed" if method == SOURCE else str(method))
            if entry is not None:
                _put(found, (*keys, task, entry.accuracy), numbers(part, entry.accuracy))
            for metric in NUMBERS:
                _put(found, (*keys, metric), numbers(part, metric))
            _put(found, (*keys, "n"), numbers(part, "sequences"))
    for table, rows_of in differences.items():
        means = [row for row in rows_of if row["scene"] == "mean"]
        if len(means) != 1:
            raise VcmflowError(f"{table}: {len(means)} rows 'mean', there has to be one")
        for metric in DIFFERENCES:
            _put(found, (table, metric, "mean"), [number(means[0], metric, table)])
            _put(found, (table, metric, "error"), [number(means[0], f"{metric}_error", table)])
            _put_count(found, (table, metric), means[0][f"{metric}_status"])
    for row in costs:
        for cost in COSTS:
            _put(found, ("costs", row["method"], cost), [number(row, cost, "costs")])
        for cost in GAINS:
            _put(found, ("costs", row["method"], cost, "mean"), [number(row, cost, "costs")])
            _put_count(found, ("costs", row["method"], cost), row[f"{cost}_scenes"])
    for row in checks:
        counts = found.setdefault("checks", {})
        if isinstance(counts, dict):
            before = counts.get(row["status"], 0)
            counts[row["status"]] = 1 + (before if isinstance(before, int) else 0)
    return found


def _put_count(numbers: Numbers, keys: Sequence[str], text: str) -> None:
    """Store how many scenes a mean is over ("7 of 9"), so that means over others are told apart."""
    entered, _, _ = text.partition(" of ")
    _put(numbers, (*keys, "n"), [float(entered)] if int(entered) else [])


def _put(numbers: Numbers, keys: Sequence[str], values: Sequence[float]) -> None:
    """Store the mean of ``values`` under nested keys, unless one of them is undefined."""
    if not values or any(math.isnan(value) for value in values):
        return
    for key in keys[:-1]:
        inner = numbers.setdefault(key, {})
        if not isinstance(inner, dict):
            raise VcmflowError(
                f"metrics: {key!r} is the name of a number and of a group of numbers"
            )
        numbers = inner
    mean = fmean(values)
    numbers[keys[-1]] = int(mean) if keys[-1] == "n" else round(mean, DECIMALS)
