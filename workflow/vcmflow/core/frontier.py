"""The frontier of operating points: what a sender that may choose among all of them would use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

import pandas as pd

from vcmflow.core.errors import VcmflowError
from vcmflow.core.scores import find_method, methods_of


def upper_hull(rates: Sequence[float], scores: Sequence[float]) -> list[int]:
    """The points on the upper convex hull of score over log-rate, by rising rate.

    From the cheapest point to the one with the highest score; beyond that more rate buys nothing.

    Args:
        rates: > 0, any unit.
        scores: the accuracy at each rate; points whose score is NaN are on no hull.

    Returns:
        Indices of the points.
    """
    known = [index for index, score in enumerate(scores) if not math.isnan(score)]
    order = sorted(known, key=lambda index: (rates[index], -scores[index]))
    hull: list[int] = []
    for index in order:
        if hull and scores[index] <= scores[hull[-1]]:
            continue
        while len(hull) > 1 and _below(hull[-2], hull[-1], index, rates, scores):
            hull.pop()
        hull.append(index)
    return hull


def _below(
    first: int, middle: int, last: int, rates: Sequence[float], scores: Sequence[float]
) -> bool:
    """Whether the middle point lies on or below the line through the others."""
    run = math.log(rates[last] / rates[first])
    share = math.log(rates[middle] / rates[first]) / run
    return scores[middle] <= scores[first] + share * (scores[last] - scores[first])


def shortfall(rates: Sequence[float], scores: Sequence[float], hull: Sequence[int]) -> list[float]:
    """How far each point lies below the hull at its rate; NaN where its score is."""
    return [
        _height(rate, rates, scores, hull) - score
        for rate, score in zip(rates, scores, strict=True)
    ]


def _height(
    rate: float, rates: Sequence[float], scores: Sequence[float], hull: Sequence[int]
) -> float:
    for first, last in pairwise(hull):
        if rates[first] <= rate <= rates[last]:
            share = math.log(rate / rates[first]) / math.log(rates[last] / rates[first])
            return scores[first] + share * (scores[last] - scores[first])
    return scores[hull[-1]] if rate >= rates[hull[-1]] else math.nan


def points_alike(rows: pd.DataFrame, anchor: str, accuracy: str) -> pd.DataFrame:
    """All points of the methods that are coded like one of them, by rising rate.

    Args:
        rows: of one dataset, all scenes pooled (``core.scores.wide``).
        anchor: a method; those with another codec or reconstructor are left out.
        accuracy: the column that counts.

    Returns:
        The rows with ``share`` (m/n), ``on_hull`` and ``shortfall`` (in the unit of the accuracy).

    Raises:
        VcmflowError: no such method, or none with an accuracy.
    """
    own = find_method(rows, anchor)
    alike = [
        method.name
        for method in methods_of(rows).values()
        if (method.codec, method.reconstructor) == (own.codec, own.reconstructor)
    ]
    points = rows[rows["method"].isin(alike) & rows[accuracy].notna()].sort_values("kbps")
    if points.empty:
        raise VcmflowError(f"scores: {accuracy} is defined for none of {', '.join(alike)}")
    rates, values = points["kbps"].to_list(), points[accuracy].to_list()
    hull = upper_hull(rates, values)
    return points.assign(
        share=points["m"] / points["n"],
        on_hull=[index in hull for index in range(len(points))],
        shortfall=shortfall(rates, values, hull),
    )


def sentence(points: pd.DataFrame) -> str:
    """Which share of kept frames is on the hull at which rates, and whether dropping pays."""
    on_hull = points[points["on_hull"]]
    shares = [f"{share:.2f}" for share in on_hull["share"]]
    spans = []
    for share, group in groupby(
        zip(shares, on_hull["kbps"], strict=True), key=lambda pair: pair[0]
    ):
        rates = [rate for _, rate in group]
        words = "all frames" if share == "1.00" else f"m/n = {share}"
        at = f"at {rates[0]:.0f}" if len(rates) == 1 else f"from {rates[0]:.0f} to {rates[-1]:.0f}"
        spans.append(f"{words} {at} kbit/s")
    least = points.loc[points["share"] == 1, "kbps"].min()
    dropped = on_hull.loc[(on_hull["share"] < 1) & ~(on_hull["kbps"] < least), "kbps"]
    pays = f"up to {dropped.max():.0f} kbit/s" if len(dropped) else "at no rate"
    where = (
        f"Where all frames can be had, from {least:.0f} kbit/s on, dropping"
        if least > 0
        else "Dropping"
    )
    return f"On the hull: {', '.join(spans)}. {where} some pays {pays}."
