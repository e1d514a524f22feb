"""Checks that every run has to pass, with the numbers that they compare.

They find a chain that is put together wrongly: streams that do not belong to their QP, frames in
the wrong order, a decoder that shows something else than was encoded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import pandas as pd

from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import numbers, tasks_of, wide
from vcmflow.core.titles import Titles
from vcmflow.score.registry import accuracy_of
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

ACCURACY_KEPT = 0.95
# task's accuracy -> (what readers call it, the limit's name in ``Inputs``)
LIMITS = {"map": ("mAP", "min_map"), "jaccard": ("mean Jaccard index", "min_jaccard")}

Row = dict[str, Value]


def build(inputs: Inputs) -> Table:
    """One row per check, dataset and codec: pass or fail, and the number nearest to failing.

    A codec without loss has one point, and nothing to check but the number of frames.

    1. Rate falls from each operating point to the next (as QP rises), for every sequence and
       method; number: largest ratio of a rate to that of the point before.
    2. PSNR of the kept frames falls likewise; number: largest step up, dB.
    3. Every sampler keeps the number of frames that it was asked for.
    4. All frames kept, at the highest rate: at least 95 % of the uncompressed mAP.
    5. If limits are given: mAP and mean Jaccard index on uncompressed frames.
    """
    inputs.need("scores")
    rows: list[Row] = []
    sequences, titles = inputs.rows("sequence"), inputs.titles
    coded = sequences[sequences["method"] != SOURCE]
    for dataset, of_dataset in coded.groupby("dataset", sort=False):
        lossy = of_dataset[~of_dataset["codec"].isin(inputs.lossless)]
        for codec, part in lossy.groupby("codec"):
            rising = codec in inputs.rising
            words = f"falls as {titles.point(str(codec), 'falls' if rising else 'rises')}"
            part = part.iloc[::-1] if rising else part
            at = str(dataset), titles.short(str(codec))
            falls = _falls(titles, part, "rate_bytes", lambda a, b: b / a, 1.0)
            rows.append(_row(f"rate {words}", *at, "< 1", falls))
            if "psnr_kept" in part and part["psnr_kept"].notna().any():
                falls = _falls(titles, part, "psnr_kept", lambda a, b: b - a, 0.0)
                rows.append(_row(f"PSNR of kept frames {words}", *at, "< 0", falls))
        kept = _frames_kept(titles, of_dataset)
        check = "every sampler keeps the frames asked for"
        rows.append(_row(check, str(dataset), "", "0 frames off", kept))
    for dataset, scores in inputs.scores.groupby("dataset", sort=False):
        for task in tasks_of(scores):
            rows += _accuracies(inputs, scores, str(dataset), task)
    outcomes = [row["status"] for row in rows]
    counts = ", ".join(f"{outcomes.count(name)} {name}" for name in ("pass", "fail", "not run"))
    caption = (
        f"Checks of the chain. Of {len(rows)}: {counts}. Each number is the one nearest to "
        "(or furthest beyond) its limit, found at the place named."
    )
    return Table(
        label="sanity",
        number="",
        caption=inputs.caption(caption),
        columns=[
            Column("check", "Check"),
            Column("dataset", "Data set"),
            Column("mode", "Mode"),
            Column("passed", "Passed"),
            Column("total", "Of"),
            Column("value", "Number", 4),
            Column("limit", "Limit"),
            Column("place", "At"),
            Column("status", "Result"),
        ],
        rows=rows,
    )


def _row(
    check: str,
    dataset: str,
    mode: str,
    limit: str,
    found: tuple[int, int, float, str],
) -> Row:
    """A row; ``found``: how many passed, of how many, the worst number, and where it is."""
    passed, total, value, place = found
    status = "not run" if total == 0 else "pass" if passed == total else "fail"
    row: Row = {"check": check, "dataset": dataset, "mode": mode, "passed": passed, "total": total}
    return row | {"value": value, "limit": limit, "place": place, "status": status}


def _falls(
    titles: Titles,
    rows: pd.DataFrame,
    column: str,
    step: Callable[[float, float], float],
    limit: float,
) -> tuple[int, int, float, str]:
    """How many sequences and methods pass, of how many; the worst step, and where it is.

    A ladder goes from the highest rate to the lowest; ``step(a point, the next) < limit``. Of equal
    steps, that of the first sampler by name is told.
    """
    passed = total = 0
    worst, place = -math.inf, ""
    order = list(dict.fromkeys(rows["sequence"]))
    groups = [group for _, group in rows.groupby(["sequence", "method"], sort=False)]
    groups.sort(key=lambda g: (order.index(g["sequence"].iloc[0]), g["sampler"].iloc[0]))
    for points in groups:
        # A step that cannot be computed (a missing number) fails the check.
        steps = [
            math.inf if math.isnan(value) else value
            for value in (step(a, b) for a, b in pairwise(numbers(points, column)))
        ]
        if steps:
            total += 1
            passed += all(value < limit for value in steps)
            if max(steps) > worst:
                worst = max(steps)
                at = points.iloc[steps.index(worst) + 1]
                point = titles.point(at["codec"], at["point"])
                place = f"{at['sequence']}, {titles.of(at['method'])}, {point}"
    return passed, total, worst if math.isfinite(worst) else math.nan, place


def _frames_kept(titles: Titles, rows: pd.DataFrame) -> tuple[int, int, float, str]:
    differences = (rows["m"] - rows["m_expected"]).abs()
    worst = rows.iloc[int(differences.to_numpy().argmax())]
    value = float(differences.max())
    place = f"{worst['sequence']}, {titles.of(worst['method'])}" if value else ""
    return int((differences == 0).sum()), len(rows), value, place


def _accuracies(inputs: Inputs, scores: pd.DataFrame, dataset: str, task: str) -> Iterator[Row]:
    accuracy = accuracy_of(scores, task).accuracy
    rows = wide(scores, "dataset", task)
    source = rows[rows["method"] == SOURCE]
    if source.empty:
        return
    value = float(source[accuracy].iloc[0])
    name = f", {task}" if len(tasks_of(scores)) > 1 else ""
    coded = rows[(rows["method"] != SOURCE) & ~rows["codec"].isin(inputs.lossless)]
    for codec, part in coded.groupby("codec") if accuracy == "map" and value == value else ():
        best_point = f"{'highest' if codec in inputs.rising else 'lowest'} "
        best_point += inputs.titles.point(str(codec), "").strip()
        check = f"all frames at the {best_point} keep the uncompressed mAP{name}"
        at = check, dataset, inputs.titles.short(str(codec)), f"≥ {ACCURACY_KEPT:g}"
        whole = part[part["m"] == part["n"]]
        if whole.empty:
            yield _row(*at, (0, 0, math.nan, ""))
            continue
        best = whole.iloc[int(whole["rate_bytes"].to_numpy().argmax())]
        share = float(best["map"]) / value if value > 0 else math.nan
        place = inputs.titles.point(str(codec), str(best["point"]))
        yield _row(*at, (int(share >= ACCURACY_KEPT), 1, share, place))
    words, attribute = LIMITS.get(accuracy, ("", "note"))
    limit = getattr(inputs, attribute)
    if words and limit is not None:
        check = f"{words} on uncompressed frames{name}"
        yield _row(check, dataset, "", f"≥ {limit:g}", (int(value >= limit), 1, value, ""))
