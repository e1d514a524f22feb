"""Choosing the frames of one sequence with any registered sampler."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build, find, lookup
from vcmflow.sample.fill import least_count
from vcmflow.sample.registry import GIVEN, SAMPLERS


def count_to_keep(n: int, keep_every: int) -> int:
    """Return m = floor(n / k) + 1 as in the paper, and at least the two ends and at most n frames.

    Raises:
        VcmflowError: ``keep_every`` is below 1.
    """
    if keep_every < 1:
        raise VcmflowError(f"keep every {keep_every} frames: must be 1 or more")
    return min(n, max(2, n // keep_every + 1))


def all_options(sampler: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a sampler, those given and the defaults of the others, by name.

    Raises:
        VcmflowError: no such sampler.
    """
    found = inspect.signature(lookup(SAMPLERS, sampler, "sampler")).parameters
    given = {*GIVEN, *SAMPLERS[sampler].needs}
    defaults = {key: part.default for key, part in found.items() if key not in given}
    return dict(sorted({**defaults, **options}.items()))


def choose_frames(
    sampler: str,
    n: int,
    m: int,
    needs: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    sequence: str = "",
) -> list[int]:
    """Choose frames of a sequence of n.

    Args:
        sampler: an entry of ``SAMPLERS``.
        n: frames of the sequence, >= 1.
        m: frames to keep, 2 <= m <= n (1 for n = 1).
        needs: what the sampler needs, by name: ``embedding``, float n x d; ``tracks``, the tracked
            objects of each frame.
        options: the sampler's options.
        sequence: its id, for samplers that draw at random.

    Returns:
        Kept frames, 0-based, strictly ascending, first 0, last n - 1, never more than 255 dropped
        in between. Exactly m of them, unless the sampler keeps all, keeps the bare rule, or m is so
        small that one byte per gap needs more (then the least number that does).

    Raises:
        VcmflowError: m out of range, an unknown sampler or option, or missing or unfit material.
    """
    entry = find(SAMPLERS, sampler, "sampler")
    if n < 1:
        raise VcmflowError(f"the sequence has {n} frames; wanted: 1 or more")
    if not min(2, n) <= m <= n:
        raise VcmflowError(f"m is {m}: of {n} frames, {min(2, n)}..{n} can be kept")
    given = {name: (needs or {}).get(name) for name in entry.needs}
    for name, value in given.items():
        if value is None:
            raise VcmflowError(f"sampler {sampler!r} needs the sequence's {name}")
    if n == 1:
        return [0]
    count = max(m, least_count(n))
    offered = {"sequence": sequence}
    kept = build(
        SAMPLERS, sampler, "sampler", options or {}, offered=offered, n=n, m=count, **given
    )
    return [int(frame) for frame in kept]
