"""How far two rate-accuracy curves lie apart: BD-rate, BD-PSNR, BD-mAP and Pareto mAP.

docs/paper.md 8; Eqs. (12) and (13) of the paper. Every function returns a :class:`Difference`: the
number together with whether it can be trusted. A comparison that is not defined gives NaN and says
why; a curve fit that fails never gives a number.

Notation: R rate, D accuracy (mAP, PSNR, SSIM, ...), f: log10 R -> D and g = f⁻¹: D -> log10 R, both
fitted through the points of a curve; index a for the anchor, t for the test.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError

Array = npt.NDArray[np.float64]
Fit = Literal["pchip", "akima", "cubic"]
Subset = Literal["low4", "mid4", "high4"]
Status = Literal[
    "ok",
    "low_overlap",
    "few_points",
    "saturated",
    "non_monotone",
    "equal_points",
    "no_overlap",
    "bad_fit",
    "too_few_points",
]

STATUS_MEANING: dict[Status, str] = {
    "ok": "defined, nothing to remark",
    "low_overlap": "the curves share less than three quarters of the range that they span together",
    "few_points": "fewer than four points of a curve are on its Pareto front",
    "saturated": "the points of highest rate of a curve lie within one point of accuracy, so that "
    "its upper end is noise",
    "non_monotone": "accuracy does not rise with rate everywhere",
    "equal_points": "two points of a curve coincide on the axis of integration",
    "no_overlap": "the curves have no common range, so that there is nothing to compare",
    "bad_fit": "the fitted curve is not monotone although the points are",
    "too_few_points": "not enough points for a curve",
}

# A curve is saturated where its points of highest rate lie closer together than this.
TOP_POINTS, NOISE = 3, 0.01
MIN_POINTS = 4
MIN_OVERLAP = 0.75


@dataclass(frozen=True)
class Curve:
    """The points of one method, by rising rate.

    Attributes:
        rates: float64 (k,), > 0, ascending; any unit, the same for anchor and test.
        scores: float64 (k,), the accuracy at each rate.
    """

    rates: Array
    scores: Array

    @classmethod
    def of(cls, rates: Sequence[float], scores: Sequence[float]) -> Curve:
        """Sort points by rate (then accuracy) and leave out those whose accuracy is NaN.

        Raises:
            VcmflowError: the lists differ in length, a rate is not a positive number, or an
                accuracy is infinite.
        """
        r, d = np.asarray(rates, np.float64), np.asarray(scores, np.float64)
        if r.shape != d.shape or r.ndim != 1:
            raise VcmflowError(f"a curve needs as many rates as scores; got {r.shape}, {d.shape}")
        if not bool(np.all(np.isfinite(r) & (r > 0))):
            raise VcmflowError(f"a curve's rates must be positive numbers; got {r.tolist()}")
        if bool(np.any(np.isinf(d))):
            raise VcmflowError(f"a curve's scores must be finite; got {d.tolist()}")
        known = ~np.isnan(d)
        r, d = r[known], d[known]
        order = np.lexsort((d, r))
        return cls(r[order], d[order])

    def __len__(self) -> int:
        return len(self.rates)

    def subset(self, name: Subset) -> Curve:
        """Four points by rate rank: of six points, ranks 1..4 (low), 2..5 (mid) or 3..6 (high).

        With more points, the lowest, the middle and the highest four; with fewer than six the
        three subsets do not exist and the curve comes back empty.
        """
        if len(self) < MIN_POINTS + 2:
            return Curve(self.rates[:0], self.scores[:0])
        start = {"low4": 0, "mid4": (len(self) - 4) // 2, "high4": len(self) - 4}[name]
        return Curve(self.rates[start : start + 4], self.scores[start : start + 4])

    @property
    def saturated(self) -> bool:
        """Whether more rate buys nothing at its upper end (for accuracies in 0..1)."""
        top = self.scores[-TOP_POINTS:]
        return len(self) > TOP_POINTS and bool(np.ptp(top) < NOISE)

    def pareto_front(self) -> Curve:
        """The points whose accuracy exceeds that of every cheaper point."""
        keep: list[int] = []
        best = -math.inf
        for index in np.lexsort((-self.scores, self.rates)):
            if self.scores[index] > best:
                keep.append(int(index))
                best = float(self.scores[index])
        return Curve(self.rates[keep], self.scores[keep])


@dataclass(frozen=True)
class Difference:
    """How a test curve differs from an anchor curve.

    Attributes:
        value: the difference in the unit of the function; NaN where it is not defined.
        status: a key of ``STATUS_MEANING``. Where ``value`` is a number, the most important remark.
        overlap: length of the common range over length of the joint range on the axis of
            integration, 0..1; NaN if there are no curves to speak of.
        points: how many points of anchor and test entered.
    """

    value: float
    status: Status
    overlap: float
    points: tuple[int, int]

    @property
    def defined(self) -> bool:
        """Whether ``value`` is a number, that is, whether it may enter a mean."""
        return not math.isnan(self.value)


def bd_rate(anchor: Curve, test: Curve, fit: Fit = "pchip") -> Difference:
    """Average rate difference at equal accuracy, percent; negative = the test needs less rate.

    100·(10^M − 1) with M the mean of g_t(D) − g_a(D) over [D_b, D_u], Eqs. (12) and (13). The paper
    calls Eq. (12) "BDmAP"; it is the BD-rate.

    Both curves need four points, and accuracy must rise strictly with rate: g is a function of
    accuracy, which it is not for a curve that bends back (status ``non_monotone``) or stands still
    (``equal_points``).
    """
    return _relative_rate(anchor, test, fit, MIN_POINTS)


def bd_psnr(anchor: Curve, test: Curve, fit: Fit = "pchip") -> Difference:
    """Average accuracy difference at equal log-rate, in the unit of the scores; positive = better.

    Mean of f_t(r) − f_a(r) over the common range of r = log10 R. Four points each. A curve that
    falls somewhere is still a function of rate, so with ``pchip`` the value is given and marked
    ``non_monotone``; the other fits may swing there and give none.
    """
    points = (len(anchor), len(test))
    if min(points) < MIN_POINTS:
        return Difference(math.nan, "too_few_points", math.nan, points)
    base_a, base_t = np.log10(anchor.rates), np.log10(test.rates)
    low, high, overlap = _common_range(base_a, base_t)
    if not (_rises(base_a) and _rises(base_t)):
        return Difference(math.nan, "equal_points", overlap, points)
    falls = bool(np.any(np.diff(anchor.scores) < 0) or np.any(np.diff(test.scores) < 0))
    if falls and fit != "pchip":
        return Difference(math.nan, "non_monotone", overlap, points)
    if not high > low:
        return Difference(math.nan, "no_overlap", 0.0, points)
    value, *fits = _integrate(base_a, anchor.scores, base_t, test.scores, fit)
    if fit != "pchip" and not all(_is_monotone(function, low, high) for function in fits):
        return Difference(math.nan, "bad_fit", overlap, points)
    status: Status = "non_monotone" if falls else _remark(overlap, MIN_POINTS)
    return Difference(value, status, overlap, points)


def bd_map(anchor: Curve, test: Curve, fit: Fit = "pchip") -> Difference:
    """BD-mAP: average mAP difference at equal log-rate, percentage points; positive = better.

    The scores are mAP as fractions, 0..1. This is what the paper's tables and text mean by
    "BDmAP"; its Eq. (12) read literally is :func:`bd_rate`.
    """
    result = bd_psnr(anchor, test, fit)
    return Difference(100 * result.value, result.status, result.overlap, result.points)


def p_map(anchor: Curve, test: Curve, fit: Fit = "pchip") -> Difference:
    """Pareto mAP: rate difference of the two Pareto fronts, percent; negative = test better.

    100·(10^M − 1) with M the mean of g_t − g_a over [D_b, D_u], on the points whose accuracy
    exceeds that of every cheaper point. A front of two or three points is fitted too and marked
    ``few_points``; one point is no curve. Where the upper end of a curve is flat, its front is a
    choice among noise, and the difference is marked ``saturated``.
    """
    result = _relative_rate(anchor.pareto_front(), test.pareto_front(), fit, 2)
    if result.defined and (anchor.saturated or test.saturated):
        return replace(result, status="saturated")
    return result


def p_map_area(anchor: Curve, test: Curve, fit: Fit = "pchip") -> Difference:
    """Pareto mAP in the literal area form, percent; negative = test better.

    100·(∫R_t dD / ∫R_a dD − 1) over [D_b, D_u], the areas between the fronts and the accuracy
    axis, with R = 10^g and g fitted as in :func:`p_map`. High rates weigh more than in p_map.
    """
    front_a, front_t = anchor.pareto_front(), test.pareto_front()
    logarithmic = p_map(anchor, test, fit)
    if not logarithmic.defined:
        return logarithmic
    _, fit_a, fit_t = _integrate(
        front_a.scores, np.log10(front_a.rates), front_t.scores, np.log10(front_t.rates), fit
    )
    low, high, _ = _common_range(front_a.scores, front_t.scores)
    area_a = _area(fit_a, front_a.scores, low, high)
    area_t = _area(fit_t, front_t.scores, low, high)
    return Difference(
        100 * (area_t / area_a - 1), logarithmic.status, logarithmic.overlap, logarithmic.points
    )


def _relative_rate(anchor: Curve, test: Curve, fit: Fit, min_points: int) -> Difference:
    points = (len(anchor), len(test))
    if min(points) < min_points:
        return Difference(math.nan, "too_few_points", math.nan, points)
    low, high, overlap = _common_range(anchor.scores, test.scores)
    if not (_rises(anchor.rates) and _rises(test.rates)):
        return Difference(math.nan, "equal_points", overlap, points)
    for curve in (anchor, test):
        steps = np.diff(curve.scores)
        if bool(np.any(steps < 0)):
            return Difference(math.nan, "non_monotone", overlap, points)
        if bool(np.any(steps == 0)):
            return Difference(math.nan, "equal_points", overlap, points)
    if not high > low:
        return Difference(math.nan, "no_overlap", 0.0, points)
    if fit == "cubic" and min(points) < MIN_POINTS:
        return Difference(math.nan, "too_few_points", overlap, points)
    mean, *fits = _integrate(
        anchor.scores, np.log10(anchor.rates), test.scores, np.log10(test.rates), fit
    )
    if fit != "pchip" and not all(_is_monotone(function, low, high) for function in fits):
        return Difference(math.nan, "bad_fit", overlap, points)
    return Difference(100 * (10**mean - 1), _remark(overlap, min(points)), overlap, points)


def _remark(overlap: float, points: int) -> Status:
    if points < MIN_POINTS:
        return "few_points"
    return "low_overlap" if overlap < MIN_OVERLAP else "ok"


def _rises(values: Array) -> bool:
    return bool(np.all(np.diff(values) > 0))


def _common_range(anchor: Array, test: Array) -> tuple[float, float, float]:
    """Limits of Eq. (13) on one axis, and common over joint length.

    The fits go through the points, so that g(max R) of Eq. (13) adds nothing to max D.
    """
    low, high = max(anchor.min(), test.min()), min(anchor.max(), test.max())
    joint = max(anchor.max(), test.max()) - min(anchor.min(), test.min())
    overlap = max(high - low, 0.0) / joint if joint > 0 else 0.0
    return float(low), float(high), float(overlap)


def _integrate(
    base_a: Array, value_a: Array, base_t: Array, value_t: Array, fit: Fit
) -> tuple[float, Any, Any]:
    """Mean of test − anchor over the common range, and the two fitted functions."""
    import bjontegaard  # it brings pyplot, which figures do without

    with warnings.catch_warnings():
        # The library warns of low overlap; here the status says so.
        warnings.simplefilter("ignore")
        mean, fit_a, fit_t = bjontegaard.bd_linear(
            base_a,
            value_a,
            base_t,
            value_t,
            method=fit,
            require_matching_points=False,
            interpolators=True,
            min_overlap=0,
        )
    return float(mean), fit_a, fit_t


def _is_monotone(function: Callable[[Array], Array], low: float, high: float) -> bool:
    values = np.asarray(function(np.linspace(low, high, 513)), np.float64)
    slack = 1e-9 * float(np.ptp(values))
    return bool(np.all(np.isfinite(values)) and np.all(np.diff(values) >= -slack))


def _area(fit: Callable[[Array], Array], knots: Array, low: float, high: float) -> float:
    """∫ 10^g over [low, high]; Gauss-Legendre between knots, where g is one smooth polynomial."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.unique(np.concatenate([[low], knots[(knots > low) & (knots < high)], [high]]))
    centres, halves = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    samples = 10 ** np.asarray(fit((centres[:, None] + halves[:, None] * nodes).ravel()))
    return float(np.sum(samples.reshape(len(centres), -1) * weights * halves[:, None]))
