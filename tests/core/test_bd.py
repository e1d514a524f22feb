"""BD metrics against published examples, an independent computation, and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.bd import (
    STATUS_MEANING,
    Curve,
    bd_map,
    bd_psnr,
    bd_rate,
    p_map,
    p_map_area,
)
from vcmflow.core.errors import VcmflowError

METRICS = (bd_rate, bd_psnr, bd_map, p_map, p_map_area)

# README of the bjontegaard package: libx265 at two presets.
X265_ANCHOR = Curve.of([9487.76, 4593.60, 2486.44, 1358.24], [40.037, 38.615, 36.845, 34.851])
X265_TEST = Curve.of([9787.80, 4469.00, 2451.52, 1356.24], [40.121, 38.651, 36.970, 34.987])
# The example of VCEG-M33, in which Bjøntegaard proposed the measure, with the results that
# independent implementations in C++ and Visual Basic print for it.
M33_ANCHOR = Curve.of([90.33, 181.03, 332.99, 547.79], [27.95, 31.17, 34.44, 38.11])
M33_TEST = Curve.of([127.1719, 186.14, 307.2924, 481.5588], [29.9286, 32.4165, 34.7013, 37.4561])


@pytest.mark.parametrize(
    ("fit", "expected"), [("cubic", -4.4205), ("pchip", -4.4175), ("akima", -4.4252)]
)
def test_bd_rate_of_the_published_x265_example(fit, expected):
    result = bd_rate(X265_ANCHOR, X265_TEST, fit)
    assert result.status == "ok"
    assert result.value == pytest.approx(expected, abs=5e-5)


def test_bd_rate_and_bd_psnr_of_the_published_m33_example():
    rate, psnr = bd_rate(M33_ANCHOR, M33_TEST, "cubic"), bd_psnr(M33_ANCHOR, M33_TEST, "cubic")
    assert rate.value == pytest.approx(-13.261773, abs=1e-6)
    assert psnr.value == pytest.approx(0.800713, abs=1e-6)
    # On the rate axis the curves share log(481.6/127.2) of log(547.8/90.3).
    assert psnr.status == "ok" if psnr.overlap >= 0.75 else "low_overlap"
    assert psnr.overlap == pytest.approx(math.log(481.5588 / 127.1719) / math.log(547.79 / 90.33))


# --- an independent computation -------------------------------------------------------------------


def hermite(x, y, at):
    """Fritsch and Butland's monotone cubic Hermite interpolation, written down from the paper."""
    h, d = np.diff(x), np.diff(y) / np.diff(x)
    if len(x) == 2:
        return y[0] + d[0] * (at - x[0])
    m = np.zeros(len(x))
    for i in range(1, len(x) - 1):
        if d[i - 1] * d[i] > 0:
            w1, w2 = 2 * h[i] + h[i - 1], h[i] + 2 * h[i - 1]
            m[i] = (w1 + w2) / (w1 / d[i - 1] + w2 / d[i])
    for end, i, j in ((0, 0, 1), (-1, -1, -2)):
        slope = ((2 * h[i] + h[j]) * d[i] - h[i] * d[j]) / (h[i] + h[j])
        if slope * d[i] <= 0:
            slope = 0.0
        elif d[i] * d[j] <= 0 and abs(slope) > 3 * abs(d[i]):
            slope = 3 * d[i]
        m[end] = slope
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    t = (at - x[k]) / h[k]
    return (
        (1 + 2 * t) * (1 - t) ** 2 * y[k]
        + t * (1 - t) ** 2 * h[k] * m[k]
        + t**2 * (3 - 2 * t) * y[k + 1]
        + t**2 * (t - 1) * h[k] * m[k + 1]
    )


def grid(a, b):
    """Midpoints of many equal steps over the common range of two axes."""
    low, high, steps = max(a.min(), b.min()), min(a.max(), b.max()), 10_000
    return low + (high - low) * (np.arange(steps) + 0.5) / steps


def front(rates, scores):
    keep = [i for i in range(len(rates)) if all(scores[j] < scores[i] for j in range(i))]
    return rates[keep], scores[keep]


def reference(metric, ra, da, rt, dt):
    if metric in (p_map, p_map_area):
        (ra, da), (rt, dt) = front(ra, da), front(rt, dt)
    if metric in (bd_psnr, bd_map):
        at = grid(np.log10(ra), np.log10(rt))
        mean = np.mean(hermite(np.log10(rt), dt, at) - hermite(np.log10(ra), da, at))
        return mean * (100 if metric is bd_map else 1)
    at = grid(da, dt)
    ga, gt = hermite(da, np.log10(ra), at), hermite(dt, np.log10(rt), at)
    if metric is p_map_area:
        return 100 * (np.sum(10**gt) / np.sum(10**ga) - 1)
    return 100 * (10 ** np.mean(gt - ga) - 1)


def curves(rising):
    # Thousandths: the grid of the reference sees no steeper steps.
    step = st.integers(20 if rising else -50, 200).map(lambda thousandths: thousandths / 1000)
    return st.tuples(
        st.lists(st.floats(1.2, 3.0), min_size=6, max_size=6),
        st.lists(step, min_size=6, max_size=6),
    ).map(lambda parts: (100 * np.cumprod(parts[0]), np.cumsum(parts[1])))


@settings(max_examples=40, deadline=None)
@given(curves(rising=True), curves(rising=True))
def test_all_metrics_agree_with_the_independent_computation(anchor, test):
    for metric in METRICS:
        result = metric(Curve.of(*anchor), Curve.of(*test))
        if result.defined and result.overlap > 0.01:
            expected = reference(metric, *anchor, *test)
            assert result.value == pytest.approx(expected, rel=1e-4, abs=1e-4), metric.__name__


@settings(max_examples=40, deadline=None)
@given(curves(rising=False), curves(rising=False))
def test_pareto_map_agrees_with_the_independent_computation_where_curves_bend_back(anchor, test):
    for metric in (p_map, p_map_area, bd_map):
        result = metric(Curve.of(*anchor), Curve.of(*test))
        if result.defined and result.overlap > 0.05:
            expected = reference(metric, *anchor, *test)
            assert result.value == pytest.approx(expected, rel=1e-3, abs=1e-3), metric.__name__


# --- closed forms and properties ------------------------------------------------------------------

RATES = np.array([10.0, 20, 45, 100, 190, 400])
SCORES = np.array([0.11, 0.19, 0.28, 0.33, 0.41, 0.44])
CURVE = Curve.of(RATES, SCORES)


@pytest.mark.parametrize("metric", METRICS)
def test_a_curve_does_not_differ_from_itself(metric):
    result = metric(CURVE, CURVE)
    assert (result.value, result.status, result.overlap) == (pytest.approx(0, abs=1e-9), "ok", 1)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.3, 4.0])
@pytest.mark.parametrize("metric", [bd_rate, p_map, p_map_area])
def test_scaling_all_rates_is_that_rate_difference(metric, factor):
    result = metric(CURVE, Curve.of(RATES * factor, SCORES))
    assert result.value == pytest.approx(100 * (factor - 1))


@given(st.floats(0.001, 0.3))
def test_raising_all_accuracies_is_that_accuracy_difference(gain):
    result = bd_map(CURVE, Curve.of(RATES, SCORES + gain))
    assert result.value == pytest.approx(100 * gain)
    assert bd_psnr(CURVE, Curve.of(RATES, SCORES + gain)).value == pytest.approx(gain)


def test_straight_lines_have_closed_forms():
    # Anchor log10 R = 1 + D, test log10 R = 1 + D/2, both over D in [0, 1].
    d = np.linspace(0, 1, 6)
    anchor, test = Curve.of(10 ** (1 + d), d), Curve.of(10 ** (1 + d / 2), d)
    assert p_map(anchor, test).value == pytest.approx(100 * (10**-0.25 - 1))
    areas = (10**0.5 - 1) / (math.log(10) / 2), (10 - 1) / math.log(10)
    assert p_map_area(anchor, test).value == pytest.approx(100 * (areas[0] / areas[1] - 1))
    # At equal log-rate r in [1, 1.5]: D_t - D_a = 2(r-1) - (r-1) = r - 1, mean 1/4.
    assert bd_map(anchor, test).value == pytest.approx(25)


@settings(max_examples=40, deadline=None)
@given(curves(rising=True), curves(rising=True))
def test_swapping_anchor_and_test_turns_the_sign(anchor, test):
    a, t = Curve.of(*anchor), Curve.of(*test)
    forth, back = bd_map(a, t), bd_map(t, a)
    assert forth.status == back.status
    if forth.defined:
        assert forth.value == pytest.approx(-back.value)
    for metric in (bd_rate, p_map, p_map_area):
        forth, back = metric(a, t), metric(t, a)
        assert forth.status == back.status
        if forth.defined:
            assert (1 + forth.value / 100) * (1 + back.value / 100) == pytest.approx(1)


def test_better_test_means_negative_rates_and_positive_accuracy():
    better = Curve.of(RATES * 0.8, SCORES + 0.02)
    assert bd_rate(CURVE, better).value < 0
    assert p_map(CURVE, better).value < 0
    assert p_map_area(CURVE, better).value < 0
    assert bd_map(CURVE, better).value > 0


def test_order_of_points_does_not_matter():
    shuffled = Curve.of(RATES[[3, 1, 5, 0, 2, 4]], SCORES[[3, 1, 5, 0, 2, 4]])
    for metric in METRICS:
        assert metric(CURVE, shuffled) == metric(CURVE, CURVE)


@given(curves(rising=False))
def test_pareto_front_rises_and_nothing_lies_above_it(points):
    curve = Curve.of(*points)
    pareto = curve.pareto_front()
    assert np.all(np.diff(pareto.rates) > 0)
    assert np.all(np.diff(pareto.scores) > 0)
    for rate, score in zip(curve.rates, curve.scores, strict=True):
        assert pareto.scores[pareto.rates <= rate].max() >= score


def test_subsets_are_rate_ranks():
    assert CURVE.subset("low4").rates.tolist() == RATES[:4].tolist()
    assert CURVE.subset("mid4").rates.tolist() == RATES[1:5].tolist()
    assert CURVE.subset("high4").rates.tolist() == RATES[2:].tolist()
    assert len(Curve.of(RATES[:5], SCORES[:5]).subset("low4")) == 0
    seven = Curve.of([*RATES, 800], [*SCORES, 0.45])
    assert seven.subset("mid4").rates.tolist() == RATES[1:5].tolist()
    assert seven.subset("high4").rates.tolist() == [*RATES[3:], 800]


# --- statuses -------------------------------------------------------------------------------------

BENT = Curve.of(RATES, [0.11, 0.19, 0.28, 0.25, 0.41, 0.44])
FLAT = Curve.of(RATES, [0.11, 0.19, 0.28, 0.28, 0.41, 0.44])
TWICE = Curve.of([10, 20, 45, 45, 190, 400], SCORES)
SHORT = Curve.of(RATES[:3], SCORES[:3])
FAR_UP = Curve.of(RATES, SCORES + 1)
FAR_RIGHT = Curve.of(RATES * 1000, SCORES)


@pytest.mark.parametrize(
    ("metric", "test", "status"),
    [
        (bd_rate, BENT, "non_monotone"),
        (bd_rate, FLAT, "equal_points"),
        (bd_rate, TWICE, "equal_points"),
        (bd_rate, SHORT, "too_few_points"),
        (bd_rate, FAR_UP, "no_overlap"),
        (bd_map, TWICE, "equal_points"),
        (bd_map, SHORT, "too_few_points"),
        (bd_map, FAR_RIGHT, "no_overlap"),
        (p_map, FAR_UP, "no_overlap"),
        (p_map, Curve.of(RATES, SCORES[::-1]), "too_few_points"),
        (p_map, Curve.of([], []), "too_few_points"),
        (p_map_area, FAR_UP, "no_overlap"),
        (p_map_area, Curve.of(RATES, np.full(6, math.nan)), "too_few_points"),
    ],
)
def test_what_is_not_defined_has_a_reason_and_no_number(metric, test, status):
    for anchor, other in ((CURVE, test), (test, CURVE)):
        result = metric(anchor, other)
        assert result.status == status
        assert math.isnan(result.value)
        assert not result.defined


@pytest.mark.parametrize(
    ("metric", "test", "status"),
    [
        (bd_map, BENT, "non_monotone"),
        (bd_map, FLAT, "ok"),
        (bd_map, Curve.of(RATES * 5, SCORES), "low_overlap"),
        (bd_rate, Curve.of(RATES, SCORES + 0.2), "low_overlap"),
        (p_map, BENT, "ok"),
        (p_map, FLAT, "ok"),
        (p_map, SHORT, "few_points"),
        (p_map, Curve.of(RATES, SCORES + 0.2), "low_overlap"),
    ],
)
def test_what_is_defined_with_a_remark_has_both(metric, test, status):
    result = metric(CURVE, test)
    assert result.status == status
    assert math.isfinite(result.value)


@pytest.mark.parametrize(("lowest", "status"), [(1.0, "ok"), (1.05, "low_overlap")])
def test_three_quarters_of_the_joint_range_are_enough(lowest, status):
    """Accuracies 0..7 and 1..8 share six of eight."""
    anchor = Curve.of([1, 2, 3, 4], [0.0, 2, 4, 7])
    result = bd_rate(anchor, Curve.of([1, 2, 3, 4], [lowest, 3, 5, 8]))
    assert result.status == status
    assert result.overlap == pytest.approx((7 - lowest) / 8)


@pytest.mark.parametrize("fit", ["cubic", "akima"])
def test_other_fits_give_no_number_for_a_curve_that_bends_back(fit):
    # The library's cubic fit gives a plausible looking number here.
    for metric in (bd_rate, bd_map):
        assert metric(CURVE, BENT, fit).status == "non_monotone"
        assert math.isnan(metric(CURVE, BENT, fit).value)


def test_a_fit_that_swings_gives_no_number():
    stairs = Curve.of(RATES, [0.10, 0.101, 0.102, 0.43, 0.431, 0.44])
    assert bd_rate(CURVE, stairs, "cubic").status == "bad_fit"
    assert math.isnan(bd_rate(CURVE, stairs, "cubic").value)
    assert bd_rate(CURVE, stairs, "pchip").defined


def test_points_without_accuracy_are_left_out():
    scores = SCORES.copy()
    scores[2] = math.nan
    result = bd_map(CURVE, Curve.of(RATES, scores))
    assert result.points == (6, 5)
    assert result.defined


@pytest.mark.parametrize(
    ("rates", "scores"),
    [([1, 2], [1]), ([0, 1], [1, 2]), ([-1, 1], [1, 2]), ([1, 2], [1, math.inf])],
)
def test_bad_points_are_refused(rates, scores):
    with pytest.raises(VcmflowError):
        Curve.of(rates, scores)


def test_every_status_is_explained():
    seen = {
        metric(a, b, fit).status
        for metric in METRICS
        for fit in ("pchip", "cubic")
        for a in (CURVE, BENT, FLAT)
        for b in (CURVE, BENT, FLAT, TWICE, SHORT, FAR_UP, FAR_RIGHT)
    }
    assert seen <= set(STATUS_MEANING)
