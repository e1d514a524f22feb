"""Means over scenes or sequences, with how sure they are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy import stats

# A difference counts from this many standard errors on (about 95 % for many scenes, less for few).
STANDARD_ERRORS = 2
CONFIDENCE = 0.95
POWER = 0.8  # chance that an effect that is there is found


@dataclass(frozen=True)
class Mean:
    """A mean of values of which some may be undefined.

    Attributes:
        value: the mean of those that are numbers; NaN where none is.
        error: its standard error, s/√n with s of n − 1 degrees of freedom; NaN for n < 2.
        n: how many entered.
        of: how many there are.
    """

    value: float
    error: float
    n: int
    of: int

    @property
    def clear(self) -> bool:
        """Whether it differs from 0 by more than its error explains, and nothing was left out."""
        return self.n == self.of and abs(self.value) > STANDARD_ERRORS * self.error

    @property
    def interval(self) -> tuple[float, float]:
        """Student's 95 % confidence interval, for independent values; NaN for n < 2."""
        if self.n < 2:
            return math.nan, math.nan
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, self.n - 1)) * self.error
        return self.value - half, self.value + half

    def scenes_for(self, effect: float) -> float:
        """How many scenes a mean needs to show an effect of this size at the values' own spread.

        n = ((z₀.₉₇₅ + z₀.₈)·s/effect)², rounded up: a two-sided test at 5 % that finds such an
        effect four times out of five. NaN for fewer than two values.
        """
        spread = self.error * math.sqrt(self.n)
        if math.isnan(spread):
            return math.nan
        z = float(stats.norm.ppf((1 + CONFIDENCE) / 2) + stats.norm.ppf(POWER))
        return max(2, math.ceil((z * spread / effect) ** 2))

    @property
    def count(self) -> str:
        """How many entered, in words: "7 of 9"."""
        return f"{self.n} of {self.of}"


def mean_of(values: Iterable[float]) -> Mean:
    """The mean of the values that are numbers; NaN stands for one that is not defined."""
    every = list(values)
    known = [value for value in every if not math.isnan(value)]
    mean = fmean(known) if known else math.nan
    error = stdev(known) / math.sqrt(len(known)) if len(known) > 1 else math.nan
    return Mean(mean, error, len(known), len(every))


def power_of(mean: Mean, effect: float = 1.0, unit: str = "point") -> str:
    """A sentence for captions: how many scenes an effect would need at a table's own spread."""
    needed = mean.scenes_for(effect)
    if math.isnan(needed):
        return ""
    return (
        f"At the spread of these {mean.n} scenes (standard deviation "
        f"{mean.error * math.sqrt(mean.n):.2f}), an effect of {effect:g} {unit} would need "
        f"{needed:g} scenes to be found four times out of five (two-sided, 5 %)."
    )
