"""Trying choices of frames: interpolated frames, and what a task finds in them, are kept by gap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise
from math import comb

import numpy as np

from vcmflow.core.choices import DRAWN, EVERY, EXCHANGED, Choice
from vcmflow.core.gaps import LARGEST_GAP

Frames = tuple[int, ...]
Evaluate = Callable[[Frames], tuple[float, float]]


def try_choices(
    n: int, m: int, limit: int, seed: int, evaluate: Evaluate, given: dict[str, Frames]
) -> Iterator[Choice]:
    """Yield all choices of m of n frames with both ends kept, where there are at most ``limit``.

    Of more, ``limit`` are drawn with equal chance, and two are found by exchanging frames: from the
    best one drawn, the best exchange of a kept frame for a dropped one is made as long as there is
    one, once by PSNR and once by accuracy.

    Args:
        n: frames, >= 2.
        m: kept ones, 2 <= m <= n.
        limit: how many choices are tried before exchanging.
        seed: of the draw.
        evaluate: kept frames -> PSNR and accuracy.
        given: sampler -> its choice, tried beside.
    """
    inner = range(1, n - 1)
    if comb(len(inner), m - 2) <= limit:
        tried = [(EVERY, (0, *some, n - 1)) for some in combinations(inner, m - 2)]
    else:
        tried = [(DRAWN, frames) for frames in _draw(n, m, limit, seed)]
    found = [
        Choice(frames, *evaluate(frames), how)
        for how, frames in [*tried, *given.items()]
        if _fits(frames)
    ]
    yield from found
    if tried[0][0] == DRAWN:
        drawn = [choice for choice in found if choice.found == DRAWN]
        for by in (0, 1):
            start = max(drawn, key=lambda choice: _rank(choice, by))
            yield _exchange(start, n, by, evaluate)


def _draw(n: int, m: int, count: int, seed: int) -> list[Frames]:
    random = np.random.default_rng(seed)
    drawn: dict[Frames, None] = {}
    while len(drawn) < count:
        some = np.sort(random.choice(np.arange(1, n - 1), m - 2, replace=False))
        drawn[(0, *map(int, some), n - 1)] = None
    return list(drawn)


def _fits(frames: Frames) -> bool:
    return all(after - before - 1 <= LARGEST_GAP for before, after in pairwise(frames))


def _rank(choice: Choice, by: int) -> float:
    value = (choice.psnr, choice.accuracy)[by]
    return -np.inf if np.isnan(value) else value


def _exchange(start: Choice, n: int, by: int, evaluate: Evaluate) -> Choice:
    best = Choice(start.frames, start.psnr, start.accuracy, EXCHANGED)
    while True:
        dropped = sorted({*range(n)} - {*best.frames})
        others = [
            tuple(sorted({*best.frames, new} - {old}))
            for old in best.frames[1:-1]
            for new in dropped
        ]
        tried = [Choice(frames, *evaluate(frames), EXCHANGED) for frames in others if _fits(frames)]
        better = max(tried, key=lambda choice: _rank(choice, by), default=best)
        if not _rank(better, by) > _rank(best, by):
            return best
        best = better


def mean_psnr(errors: Sequence[float]) -> float:
    """Mean PSNR in dB of frames with these mean squared errors; NaN of none."""
    if not errors:
        return float("nan")
    return float(np.mean([10 * np.log10(255**2 / max(error, 1e-5)) for error in errors]))
