"""Choosing the frames of one sequence with any registered method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vcmflow.core.arrays import Embedding
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import Entry, lookup
from vcmflow.core.tracks import Track
from vcmflow.sample.fill import least_count
from vcmflow.sample.registry import complete_options, find_method


def count_to_keep(n: int, keep_every: int) -> int:
    """Return m = floor(n / k) + 1 as in the paper, and at least the two ends and at most n frames.

    Raises:
        VcmflowError: ``keep_every`` is below 1.
    """
    if keep_every < 1:
        raise VcmflowError(f"keep every {keep_every} frames: must be 1 or more")
    return min(n, max(2, n // keep_every + 1))


def choose_frames(
    method: str,
    n: int,
    m: int,
    *,
    embedding: Embedding | None = None,
    tracks: Sequence[Sequence[Track]] | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[int]:
    """Choose frames of a sequence of n.

    Args:
        method: an entry of ``SAMPLERS``.
        n: frames of the sequence, >= 1.
        m: frames to keep, 2 <= m <= n (1 for n = 1).
        embedding: float n x d, for methods that need it.
        tracks: tracked objects of each frame, for methods that need them.
        options: the method's options.

    Returns:
        Kept frames, 0-based, strictly ascending, first 0, last n - 1, never more than 255 dropped
        in between. Exactly m of them, unless the method keeps all, keeps the bare rule, or m is so
        small that one byte per gap needs more (then the least number that does).

    Raises:
        VcmflowError: m out of range, an unknown method or option, or missing or unfit material.
    """
    entry = find_method(method)
    settings = complete_options(method, options or {})
    if n < 1:
        raise VcmflowError(f"the sequence has {n} frames; wanted: 1 or more")
    if not min(2, n) <= m <= n:
        raise VcmflowError(f"m is {m}: of {n} frames, {min(2, n)}..{n} can be kept")
    material = {"embedding": embedding, "tracks": tracks}
    if entry.needs is not None and material[entry.needs] is None:
        raise VcmflowError(f"sampling method {method!r} needs the sequence's {entry.needs}")
    if n == 1:
        return [0]
    needed = {} if entry.needs is None else {entry.needs: material[entry.needs]}
    chooser = lookup({method: Entry(entry.chooser)}, method, "method")
    kept = chooser(n, max(m, least_count(n)), **needed, **settings)
    return [int(frame) for frame in kept]
