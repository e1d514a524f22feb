"""Sampler ``manifold``: equal parts of the embedding curve's arc length (2.3, spec section 2)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from vcmflow.errors import VcmflowError
from vcmflow.sample import uniform
from vcmflow.sample.fill import TOLERANCE, FloatArray, IntArray, fit

Embedding = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_ROWS = 4096  # rows of the embedding in flight, so that a memory-mapped file is read as a stream
_COLUMNS = 8  # dimensions of the spline in flight


def choose(
    n: int, m: int, embedding: Embedding, arc: str = "chord", count: str = "exact"
) -> IntArray:
    """Choose the frames whose content moves on by equal parts.

    The curve's length l is divided into m - 1 equal parts, Eq. (8), which makes as many clusters of
    frames, Eq. (9). Kept are the first frame, each frame whose cluster differs from that of the
    frame before it, and the last frame. O(n d).

    The choice depends on ratios of distances alone: permuting the dimensions, rotating, shifting or
    scaling the embedding changes nothing, up to ties closer than 1e-9 of l.

    Args:
        n: frames of the video, >= 2.
        m: frames to keep, ``max(2, least_count(n)) <= m <= n``.
        embedding: float n x d, one row per frame.
        arc: ``chord`` sums the distances of adjacent frames, Eq. (7); ``spline`` integrates the
            length of a cubic spline through the points.
        count: ``exact`` fills empty clusters until there are m frames; ``literal`` keeps the bare
            rule, which may give fewer.

    Returns:
        int64, 0-based, ascending. A video whose embedding never moves (l = 0) is sampled uniformly.

    Raises:
        VcmflowError: the embedding has not n rows, or a value that is not finite.
    """
    if embedding.ndim != 2 or len(embedding) != n:
        raise VcmflowError(f"the embedding's shape is {embedding.shape}; wanted: {n} rows x d")
    length = spline_length(embedding) if arc == "spline" else chord_length(blocks(embedding))
    if not np.isfinite(length[-1]):
        raise VcmflowError("the embedding holds values that are not finite (or beyond 1e150)")
    if length[-1] == 0:
        return uniform.choose(n, m)
    return fit(lambda k: rule(length, k), length, m, exact=count == "exact")


def rule(length: FloatArray, m: int) -> IntArray:
    """Keep the first frame of every cluster, Eq. (9), and the last frame: at most m frames.

    Args:
        length: float64 (n,), arc length up to each frame, from 0 to l > 0.
        m: number of clusters plus one, >= 2.
    """
    reached = np.floor((length / length[-1] + TOLERANCE) * (m - 1)).astype(np.int64)
    cluster = np.minimum(reached, m - 2)  # s = l belongs to the last cluster
    starts = np.flatnonzero(np.diff(cluster)) + 1
    return np.unique(np.concatenate([[0], starts, [len(length) - 1]]))


def blocks(embedding: Embedding) -> Iterable[Embedding]:
    """Yield the rows of the embedding in blocks."""
    for start in range(0, len(embedding), _ROWS):
        yield embedding[start : start + _ROWS]


def chord_length(rows: Iterable[Embedding]) -> FloatArray:
    """Return the summed distances of adjacent frames up to each frame, Eq. (7), as a stream.

    Args:
        rows: blocks of consecutive embeddings, each float k x d with k >= 1.

    Returns:
        float64 (n,), starting at 0.
    """
    steps = []
    last: FloatArray | None = None
    for block in rows:
        points = np.asarray(block, dtype=np.float64)
        before = points[:1] if last is None else last
        change = np.diff(points, axis=0, prepend=before)
        steps.append(np.sqrt(np.einsum("ij,ij->i", change, change)))
        last = points[-1:]
    return np.cumsum(np.concatenate(steps))


def spline_length(embedding: Embedding) -> FloatArray:
    """Return the length of a natural cubic spline through the points up to each frame.

    The spline's parameter is the chord length, as in the paper's gamma(s); frames that do not move
    share one knot. |gamma'| is integrated by five-point Gauss-Legendre quadrature per segment.

    Args:
        embedding: float n x d.

    Returns:
        float64 (n,), starting at 0.
    """
    chord = chord_length(blocks(embedding))
    if not 0 < chord[-1] < np.inf:
        return chord
    # Twelve digits: steps that are rounding and no motion would make the spline swing.
    knots, first, frame_knot = np.unique(
        np.round(chord / chord[-1], 12), return_index=True, return_inverse=True
    )
    # Within a segment |gamma'|^2 is a quartic in u; its coefficients are sums over the dimensions.
    quartic = np.zeros((5, len(knots) - 1))
    for start in range(0, embedding.shape[1], _COLUMNS):
        points = np.asarray(embedding[first, start : start + _COLUMNS], dtype=np.float64)
        a, b, c = CubicSpline(knots, points, bc_type="natural").derivative().c
        products = (a, a), (a, 2 * b), (a, 2 * c), (b, 2 * c), (c, c)
        for row, (left, right) in enumerate(products):
            quartic[row] += np.einsum("ij,ij->i", left, right)
        quartic[2] += np.einsum("ij,ij->i", b, b)
    nodes, weights = np.polynomial.legendre.leggauss(5)
    half = np.diff(knots)[:, None] / 2
    u = half * (nodes + 1)
    squared_speed = np.zeros_like(u)
    for coefficient in quartic:  # Horner
        squared_speed = squared_speed * u + coefficient[:, None]
    squared_speed = np.maximum(squared_speed, 0)
    segments = (np.sqrt(squared_speed) * weights * half).sum(axis=1)
    length: FloatArray = np.concatenate([[0.0], np.cumsum(segments)])[frame_knot]
    return length
