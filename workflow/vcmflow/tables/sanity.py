"""Checks that every run has to pass, with the numbers that they compare.

They find a chain that is put together wrongly: streams that do not belong to their QP, frames in
the wrong order, a decoder that shows something else than was encoded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import pandas as pd

from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import numbers, tasks_of
from vcmflow.tables.inputs import Inputs, accuracy_of, source_rows
from vcmflow.tables.layout import Column, Table, Value

ACCURACY_KEPT = 0.95
# task's accuracy -> (what readers call it, the limit's name in ``Inputs``)
LIMITS = {"map": ("mAP", "min_map"), "jaccard": ("mean Jaccard index", "min_jaccard")}

Row = dict[str, Value]


def build(inputs: Inputs) -> Table:
    """One row per check, dataset and codec: pass or fail, and the number nearest to failing.

    1. Rate falls from each operating point to the next (as QP rises), for every sequence and
       method; number: largest ratio of a rate to that of the point before.
    2. PSNR of the kept frames falls likewise; number: largest step up, dB.
    3. Every sampler keeps the number of frames that it was asked for.
    4. All frames kept, at the highest rate: at least 95 % of the uncompressed mAP.
    5. If limits are given: mAP and mean Jaccard index on uncompressed frames.
    """
    inputs.need("scores")
    rows: list[Row] = []
    sequences = inputs.rows("sequence")
    coded = sequences[sequences["method"] != SOURCE]
    for dataset in dict.fromkeys(coded["dataset"]):
        of_dataset = coded[coded["dataset"] == dataset]
        for codec in sorted(of_dataset["codec"].unique()):
            of_codec = of_dataset[of_dataset["codec"] == codec]
            falls = _Falls(inputs, of_codec, dataset, codec)
            rows.append(falls.row("rate", "rate_bytes", lambda a, b: b / a, 1.0))
            if "psnr_kept" in of_codec and of_codec["psnr_kept"].notna().any():
                rows.append(falls.row("PSNR of kept frames", "psnr_kept", lambda a, b: b - a, 0.0))
        rows.append(_frames_kept(inputs, of_dataset, dataset))
    for dataset in dict.fromkeys(inputs.scores["dataset"]):
        scores = inputs.scores[inputs.scores["dataset"] == dataset]
        for task in tasks_of(scores):
            accuracy = accuracy_of(scores, task)
            pooled = inputs.rows("dataset", task)
            pooled = pooled[pooled["dataset"] == dataset]
            source = numbers(source_rows(pooled), accuracy)
            if not source:
                continue
            name = f", {task}" if len(tasks_of(scores)) > 1 else ""
            if accuracy == "map" and not math.isnan(source[0]):
                rows += _accuracy_kept(inputs, pooled, dataset, name, source[0])
            rows += _limits(inputs, dataset, name, accuracy, source[0])
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


def _verdict(passed: int, total: int) -> str:
    if total == 0:
        return "not run"
    return "pass" if passed == total else "fail"


class _Falls:
    """Checks of columns that have to fall strictly from an operating point to the next."""

    def __init__(self, inputs: Inputs, rows: pd.DataFrame, dataset: str, codec: str) -> None:
        self._titles, self._dataset, self._codec = inputs.titles, dataset, codec
        # A ladder goes from the highest rate to the lowest. Of equals, the first sampler by name.
        groups = [group for _, group in rows.groupby(["sequence", "method"], sort=False)]
        order = list(dict.fromkeys(rows["sequence"]))
        self._groups = sorted(
            groups, key=lambda g: (order.index(g["sequence"].iloc[0]), g["sampler"].iloc[0])
        )

    def row(
        self, what: str, column: str, step: Callable[[float, float], float], limit: float
    ) -> Row:
        """One check: ``step(a point's value, the next point's) < limit``."""
        passed = total = 0
        worst, place = -math.inf, ""
        for points in self._groups:
            values = numbers(points, column)
            steps = [
                (_or_worst(step(low, high)), self._place(points.iloc[index + 1]))
                for index, (low, high) in enumerate(pairwise(values))
            ]
            if not steps:
                continue
            total += 1
            passed += all(value < limit for value, _ in steps)
            worst, place = max((worst, place), max(steps, key=_first), key=_first)
        return {
            "check": f"{what} falls as {self._titles.point(self._codec, 'rises')}",
            "dataset": self._dataset,
            "mode": self._titles.short(self._codec),
            "passed": passed,
            "total": total,
            "value": worst if math.isfinite(worst) else math.nan,
            "limit": f"< {limit:g}",
            "place": place,
            "status": _verdict(passed, total),
        }

    def _place(self, row: pd.Series[float]) -> str:
        point = self._titles.point(self._codec, str(row["point"]))
        return f"{row['sequence']}, {self._titles.of(str(row['method']))}, {point}"


def _first(entry: tuple[float, str]) -> float:
    return entry[0]


def _or_worst(value: float) -> float:
    """A step that cannot be computed (a missing number) fails the check."""
    return math.inf if math.isnan(value) else value


def _frames_kept(inputs: Inputs, rows: pd.DataFrame, dataset: str) -> Row:
    differences = (rows["m"] - rows["m_expected"]).abs()
    passed = int((differences == 0).sum())
    worst = rows.iloc[int(differences.to_numpy().argmax())]
    value = float(differences.max())
    return {
        "check": "every sampler keeps the frames asked for",
        "dataset": dataset,
        "mode": "",
        "passed": passed,
        "total": len(rows),
        "value": value,
        "limit": "0 frames off",
        "place": f"{worst['sequence']}, {inputs.titles.of(worst['method'])}" if value else "",
        "status": _verdict(passed, len(rows)),
    }


def _accuracy_kept(
    inputs: Inputs, rows: pd.DataFrame, dataset: str, name: str, source: float
) -> Iterator[Row]:
    coded = rows[rows["method"] != SOURCE]
    for codec in sorted(coded["codec"].unique()):
        of_codec = coded[coded["codec"] == codec]
        whole = of_codec[of_codec["m"] == of_codec["n"]]
        row: Row = {
            "check": f"all frames at the lowest QP keep the uncompressed mAP{name}",
            "dataset": dataset,
            "mode": inputs.titles.short(codec),
            "limit": f"≥ {ACCURACY_KEPT:g}",
        }
        if len(whole):
            best = whole.loc[whole["rate_bytes"].idxmax()]
            share = float(best["map"]) / source if source > 0 else math.nan
            good = int(share >= ACCURACY_KEPT)
            place = inputs.titles.point(codec, str(best["point"]))
            row |= {"passed": good, "total": 1, "value": share, "place": place}
            yield row | {"status": _verdict(good, 1)}
        else:
            yield row | {"passed": 0, "total": 0, "value": math.nan, "status": "not run"}


def _limits(inputs: Inputs, dataset: str, name: str, accuracy: str, source: float) -> Iterable[Row]:
    if accuracy not in LIMITS:
        return
    words, attribute = LIMITS[accuracy]
    limit = getattr(inputs, attribute)
    if limit is not None:
        good = int(source >= limit)
        yield {
            "check": f"{words} on uncompressed frames{name}",
            "dataset": dataset,
            "mode": "",
            "passed": good,
            "total": 1,
            "value": source,
            "limit": f"≥ {limit:g}",
            "status": _verdict(good, 1),
        }
