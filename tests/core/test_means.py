"""Means, and how many scenes an effect needs."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcmflow.core.means import Mean, mean_of, power_of

NORMAL = NormalDist()


def power(n: float, ratio: float) -> float:
    """Chance that a mean of n values (deviation 1, true mean ``ratio``) exceeds 1.96 errors."""
    edge = NORMAL.inv_cdf(0.975)
    return NORMAL.cdf(ratio * math.sqrt(n) - edge)


@given(st.floats(0.1, 50), st.integers(2, 40), st.floats(0.2, 5))
def test_as_many_scenes_as_needed_find_the_effect_and_fewer_do_not(
    spread: float, n: int, effect: float
) -> None:
    mean = Mean(0.3, spread / math.sqrt(n), n, n)
    needed = mean.scenes_for(effect)
    ratio = effect / spread
    assert needed >= 2
    assert power(needed, ratio) >= 0.8 - 1e-9
    if needed > 2:
        assert power(needed - 1, ratio) < 0.8 + 1e-9


def test_the_sentence_says_the_spread_and_the_number() -> None:
    said = power_of(mean_of([0.0, 4.0, -4.0, 0.0, math.nan]))
    assert "these 4 scenes" in said
    assert "standard deviation 3.27" in said
    # ((1.96 + 0.8416)·3.266)² = 83.7
    assert "an effect of 1 point would need 84 scenes" in said
    assert power_of(mean_of([1.0])) == ""
    assert mean_of([1.0, 1.0]).scenes_for(1) == pytest.approx(2)
