"""The upper convex hull of accuracy over log-rate."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vcmflow.core.frontier import shortfall, upper_hull

RATES = st.floats(0.1, 1000)
POINTS = st.lists(st.tuples(RATES, st.floats(0, 1)), min_size=1, max_size=20)


def test_what_lies_under_a_line_between_others_is_not_on_the_hull():
    rates, scores = [1, 2, 4, 8, 16], [0.1, 0.4, 0.45, 0.7, 0.65]
    assert upper_hull(rates, scores) == [0, 1, 3]
    below = shortfall(rates, scores, [0, 1, 3])
    assert [round(value, 6) for value in below] == [0, 0, 0.1, 0, 0.05]


def test_points_without_a_score_count_for_nothing():
    assert upper_hull([1, 2, 4], [0.1, math.nan, 0.2]) == [0, 2]


@given(POINTS)
def test_no_point_lies_above_the_hull(points):
    rates, scores = ([*values] for values in zip(*points, strict=True))
    hull = upper_hull(rates, scores)
    assert max(scores) == scores[hull[-1]]
    assert min(rates) == rates[hull[0]]
    assert all(rates[a] < rates[b] and scores[a] < scores[b] for a, b in pairwise(hull))
    assert all(value > -1e-9 for value in shortfall(rates, scores, hull))
