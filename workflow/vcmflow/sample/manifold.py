"""Sampler ``manifold``: equal parts of the embedding curve's arc length (docs/paper.md, 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from scipy.linalg import lapack

from vcmflow.core.arrays import Embedding
from vcmflow.core.errors import VcmflowError
from vcmflow.sample import uniform
from vcmflow.sample.fill import TOLERANCE, FloatArray, IntArray, fit

_ROWS = 4096  # rows of the embedding in flight, so that a memory-mapped file is read as a stream
_COLUMNS = 32  # dimensions of the spline in flight


def choose(
    n: int,
    m: int,
    embedding: Embedding,
    arc: Literal["chord", "spline"] = "chord",
    count: Literal["exact", "literal"] = "exact",
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
    # Its second derivatives, zero at the ends, solve a tridiagonal system, factorised once.
    h = np.diff(knots)
    middle = np.concatenate([[1.0], 2 * (h[:-1] + h[1:]), [1.0]])
    beside = np.concatenate([[0.0], h[1:-1], [0.0]])[: len(h)]
    middle, beside, _ = lapack.dpttrf(middle, beside)
    # In a segment, gamma' = slope - (q - p) / 3 + q t^2 - p (1 - t)^2 with t in 0..1, and p and q
    # the second derivatives at its ends times h / 2. Of the dimensions, inner products suffice.
    products = np.zeros((6, len(h)))
    for start in range(0, embedding.shape[1], _COLUMNS):
        points = np.array(embedding[first, start : start + _COLUMNS].T, np.float64, order="C")
        slope = np.diff(points, axis=1) / h
        bend = points  # overwritten in place
        bend[:, 1:-1] = 6 * np.diff(slope, axis=1)
        bend[:, [0, -1]] = 0
        bend = lapack.dpttrs(middle, beside, bend.T, overwrite_b=True)[0].T
        p, q = bend[:, :-1] * (h / 2), bend[:, 1:] * (h / 2)
        slope -= (q - p) / 3
        pairs = (slope, slope), (slope, p), (slope, q), (p, p), (p, q), (q, q)
        for row, (left, right) in enumerate(pairs):
            products[row] += np.einsum("ij,ij->j", left, right)
    nodes, weights = np.polynomial.legendre.leggauss(5)
    segments = np.zeros_like(h)
    for t, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        u, v = (1 - t) ** 2, t**2
        terms = 1, -2 * u, 2 * v, u * u, -2 * u * v, v * v
        squared = np.tensordot(terms, products, axes=1)
        segments += weight * h * np.sqrt(np.maximum(squared, 0))
    length: FloatArray = np.concatenate([[0.0], np.cumsum(segments)])[frame_knot]
    return length
