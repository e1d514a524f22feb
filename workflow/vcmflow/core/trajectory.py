"""Measures of a sequence's trajectory in an embedding, and of how sampling follows its content."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

Points = npt.NDArray[np.float64]
Values = npt.NDArray[np.float64]

_ROWS = 1024  # rows of a matrix of distances in flight
LEAST_WINDOWS = 3
STILL = 1e-6  # a step shorter than this share of the trajectory's length is none


def neighbour_share(embedding: Points) -> float:
    """Share of frames whose nearest other frame, in the embedding itself, is next to it in time.

    1 on a smooth path, about 2/n by chance. Ties count as the frame nearer in time.

    Args:
        embedding: n x d; NaN for n < 3.
    """
    count = len(embedding)
    if count < 3:
        return float("nan")
    near = 0
    for place in range(count):
        distances = np.linalg.norm(embedding - embedding[place], axis=1)
        distances[place] = np.inf
        beside = [other for other in (place - 1, place + 1) if 0 <= other < count]
        near += bool(distances[beside].min() <= distances.min())
    return near / count


def adjacent_distance(embedding: Points) -> float:
    """Mean distance between the embeddings of neighbouring frames; NaN for n < 2."""
    if len(embedding) < 2:
        return math.nan
    return float(np.linalg.norm(np.diff(embedding, axis=0), axis=1).mean())


def pair_distance(embeddings: Sequence[Points]) -> float:
    """Mean distance over all pairs of different frames, whatever sequence they are from.

    The exact expectation of a pair drawn at random. O(N^2 d) time for N frames in all.

    Args:
        embeddings: one n x d array per sequence; NaN for fewer than two frames.
    """
    points = np.concatenate([np.asarray(part, np.float64) for part in embeddings])
    count = len(points)
    if count < 2:
        return math.nan
    squares = np.einsum("ij,ij->i", points, points)
    total = 0.0
    for start in range(0, count, _ROWS):
        rows = points[start : start + _ROWS]
        gram = rows @ points.T
        squared = squares[start : start + _ROWS, None] + squares[None, :] - 2 * gram
        own = np.arange(len(rows))
        squared[own, start + own] = 0.0  # what rounding leaves of a frame's distance to itself
        total += float(np.sqrt(np.maximum(squared, 0.0)).sum())
    return total / (count * (count - 1))


def turning_angle(embedding: Points) -> float:
    """Curvature of a trajectory: mean angle between successive steps, degrees, 0..180.

    0 on a straight line; 90 for steps in unrelated directions of a high-dimensional space. Frames
    that do not move (a step below 1e-6 of the trajectory's length) are left out: the steps before
    and after them are successive.

    Args:
        embedding: n x d; NaN where fewer than two steps are left.
    """
    steps = np.diff(np.asarray(embedding, np.float64), axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    moving = lengths > STILL * lengths.sum()
    directions = steps[moving] / lengths[moving, None]
    if len(directions) < 2:
        return math.nan
    cosines = np.einsum("ij,ij->i", directions[:-1], directions[1:])
    return float(np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))).mean())


def sampling_density(kept: Sequence[int]) -> Values:
    """Kept frames per frame between neighbouring frames: 1 over the distance of the kept ones.

    Args:
        kept: ascending, from 0 to n - 1, at least two.

    Returns:
        n - 1 values in (0, 1], one for each step from a frame to the next.
    """
    gaps = np.diff(np.asarray(kept))
    return np.repeat(1.0 / gaps, gaps)


def reach(n: int, m: int) -> int:
    """The mean distance of m kept frames among n, rounded: how finely sampling can tell speeds."""
    return max(1, round((n - 1) / max(m - 1, 1)))


def windowed(values: Values, radius: int) -> Values:
    """Centred mean over ``2 * radius + 1`` values, over those that there are at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low = np.maximum(places - radius, 0)
    high = np.minimum(places + radius + 1, len(values))
    return np.asarray((sums[high] - sums[low]) / (high - low))


def speed_correlation(kept: Sequence[int], speed: Values, m: int) -> float:
    """Spearman's rank correlation between local sampling density and true content speed.

    Both are averaged over a window that reaches one mean sampling step, (n - 1)/(m - 1) frames, to
    either side of each step from a frame to the next: density is a number of kept frames, and a
    shorter window would hold no other one.

    Args:
        kept: the chosen frames, ascending, from 0 to n - 1.
        speed: n - 1 values >= 0, how far the content moves from each frame to the next.
        m: frames asked for.

    Returns:
        -1..1; NaN where density or speed is the same everywhere, and where the sequence is shorter
        than three windows: ranks of so few places say nothing.
    """
    radius = reach(len(speed) + 1, m)
    if len(speed) < LEAST_WINDOWS * (2 * radius + 1):
        return math.nan
    density = np.round(windowed(sampling_density(kept), radius), 12)
    pace = np.round(windowed(np.asarray(speed, np.float64), radius), 12)
    if np.ptp(density) == 0 or np.ptp(pace) == 0:
        return math.nan
    return float(spearmanr(density, pace).statistic)
