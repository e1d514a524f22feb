"""Checks that every run has to pass, with the numbers that they compare.

They find a chain that is put together wrongly: streams that do not belong to their QP, frames in
the wrong order, a decoder that shows something else than was encoded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from vcmflow.core.runs import SOURCE
from vcmflow.tables.inputs import Inputs, Score
from vcmflow.tables.layout import Column, Table, Value

ACCURACY_KEPT = 0.95
EVERYTHING = "all"

Row = dict[str, Value]


def build(inputs: Inputs) -> Table:
    """One row per check, dataset and mode: pass or fail, and the number nearest to failing.

    1. Rate falls as QP rises, for every sequence and sampler; number: largest ratio of a rate to
       that of the next lower QP.
    2. PSNR of the kept frames falls as QP rises; number: largest step up, dB.
    3. Every sampler keeps the number of frames that it was asked for.
    4. All frames kept, at the lowest QP: at least 95 % of the uncompressed mAP.
    5. If limits are given: mAP and mean Jaccard index on uncompressed frames.
    """
    inputs.need("sequences", "datasets")
    rows: list[Row] = []
    coded = [score for score in inputs.sequences if score.sampler != SOURCE]
    for dataset in dict.fromkeys(score.dataset for score in coded):
        of_dataset = [score for score in coded if score.dataset == dataset]
        for mode in dict.fromkeys(score.mode for score in of_dataset):
            of_mode = [score for score in of_dataset if score.mode == mode]
            rows.append(
                _falls("rate falls as QP rises", of_mode, "rate_bytes", lambda a, b: b / a, 1.0)
            )
            rows.append(
                _falls(
                    "PSNR of kept frames falls as QP rises",
                    of_mode,
                    "psnr_kept",
                    lambda a, b: b - a,
                    0.0,
                )
            )
        rows.append(_frames_kept(of_dataset))
    for dataset in dict.fromkeys(score.dataset for score in inputs.datasets):
        of_dataset = [score for score in inputs.datasets if score.dataset == dataset]
        rows += _accuracy_kept(of_dataset)
        rows += _limits(inputs, of_dataset)
    outcomes = [row["status"] for row in rows]
    counts = ", ".join(f"{outcomes.count(name)} {name}" for name in ("pass", "fail", "not run"))
    caption = (
        f"Checks of the chain. Of {len(rows)}: {counts}. Each number is the one nearest to "
        "(or furthest beyond) its limit, found at the place named."
    )
    return Table(
        label="sanity",
        number="",
        caption=inputs.caption(caption, inputs.datasets),
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


def _row(check: str, of: Sequence[Score], mode: str = "") -> Row:
    return {"check": check, "dataset": of[0].dataset, "mode": mode}


def _verdict(passed: int, total: int) -> str:
    if total == 0:
        return "not run"
    return "pass" if passed == total else "fail"


def _falls(
    check: str,
    scores: Sequence[Score],
    column: str,
    step: Callable[[float, float], float],
    limit: float,
) -> Row:
    """Check that a column falls strictly from QP to QP; ``step(lower QP, higher QP) < limit``."""
    groups: dict[tuple[str, str], list[Score]] = {}
    for score in sorted(scores, key=lambda s: s.qp):
        groups.setdefault((score.sequence, score.sampler), []).append(score)
    passed = total = 0
    worst, place = -math.inf, ""
    for (sequence, sampler), points in groups.items():
        steps = [
            (_or_worst(step(low[column], high[column])), f"{sequence}, {sampler}, QP {high.qp}")
            for low, high in pairwise(points)
        ]
        if not steps:
            continue
        total += 1
        passed += all(value < limit for value, _ in steps)
        worst, place = max((worst, place), max(steps, key=_first), key=_first)
    row = _row(check, scores, scores[0].mode)
    return row | {
        "passed": passed,
        "total": total,
        "value": worst if math.isfinite(worst) else math.nan,
        "limit": f"< {limit:g}",
        "place": place,
        "status": _verdict(passed, total),
    }


def _first(entry: tuple[float, str]) -> float:
    return entry[0]


def _or_worst(value: float) -> float:
    """A step that cannot be computed (a missing number) fails the check."""
    return math.inf if math.isnan(value) else value


def _frames_kept(scores: Sequence[Score]) -> Row:
    differences = [
        (abs(score["m"] - score["m_expected"]), f"{score.sequence}, {score.sampler}")
        for score in scores
    ]
    passed = sum(difference == 0 for difference, _ in differences)
    worst, place = max(differences, key=_first)
    row = _row("every sampler keeps the frames asked for", scores)
    return row | {
        "passed": passed,
        "total": len(scores),
        "value": worst,
        "limit": "0 frames off",
        "place": place if worst else "",
        "status": _verdict(passed, len(scores)),
    }


def _accuracy_kept(scores: Sequence[Score]) -> Iterator[Row]:
    source = [score for score in scores if score.sampler == SOURCE]
    if not source or source[0].text("task") != "detection" or math.isnan(source[0]["map"]):
        return
    check = "all frames at the lowest QP keep the uncompressed mAP"
    modes = dict.fromkeys(score.mode for score in scores if score.sampler != SOURCE)
    for mode in modes:
        points = [s for s in scores if (s.sampler, s.mode) == (EVERYTHING, mode)]
        row = _row(check, source, mode) | {"limit": f"≥ {ACCURACY_KEPT:g}"}
        if points:
            point = min(points, key=lambda s: s.qp)
            share = point["map"] / source[0]["map"] if source[0]["map"] > 0 else math.nan
            good = share >= ACCURACY_KEPT
            place = f"QP {point.qp}"
            yield row | {
                "passed": int(good),
                "total": 1,
                "value": share,
                "place": place,
                "status": _verdict(int(good), 1),
            }
        else:
            yield row | {"passed": 0, "total": 0, "value": math.nan, "status": "not run"}


def _limits(inputs: Inputs, scores: Sequence[Score]) -> Iterable[Row]:
    source = [score for score in scores if score.sampler == SOURCE]
    for task, column, limit, name in (
        ("detection", "map", inputs.min_map, "mAP"),
        ("segmentation", "jaccard", inputs.min_jaccard, "mean Jaccard index"),
    ):
        if limit is None or not source or source[0].text("task") != task:
            continue
        good = int(source[0][column] >= limit)
        yield _row(f"{name} on uncompressed frames", source) | {
            "passed": good,
            "total": 1,
            "value": source[0][column],
            "limit": f"≥ {limit:g}",
            "status": _verdict(good, 1),
        }
