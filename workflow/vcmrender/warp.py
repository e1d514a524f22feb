"""Time warps: where on the scene's clock each frame is taken.

A scene moves evenly on its own clock (seconds); the warp decides how much of that clock passes
between two frames. The content speed of a sequence is therefore known: it is the warp's slope.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vcmflow.core.errors import VcmflowError


def even(frames: int, step: float) -> tuple[float, ...]:
    """``frames`` times, ``step`` seconds apart, from 0."""
    return tuple(float(step * index) for index in range(frames))


def from_speeds(speeds: Sequence[float], start: float = 0.0) -> tuple[float, ...]:
    """Times whose differences are ``speeds`` (seconds of scene time per frame, >= 0)."""
    if any(speed < 0 for speed in speeds):
        raise VcmflowError("a time warp cannot run backwards: every speed must be >= 0")
    return tuple(float(value) for value in start + np.concatenate([[0.0], np.cumsum(speeds)]))


def content_speed(times: Sequence[float]) -> list[float]:
    """Scene seconds that pass between neighbouring frames, ``len(times) - 1`` values >= 0."""
    return [float(value) for value in np.diff(np.asarray(times, float))]


def rests_and_bursts(rng: np.random.Generator, frames: int, mean_step: float) -> tuple[float, ...]:
    """A warp with stretches of rest, of slow motion and of bursts, in random order and length.

    Args:
        rng: source of all choices.
        frames: number of frames, >= 1.
        mean_step: mean scene time between two frames, in seconds; the whole sequence lasts
            ``mean_step * (frames - 1)`` whatever the bursts.
    """
    if frames < 2:
        return even(frames, mean_step)
    gaps = frames - 1
    levels = {"rest": (0.0, 0.08), "slow": (0.3, 0.7), "burst": (2.0, 3.5)}
    names = list(levels)
    speeds: list[float] = []
    last = ""
    longest = max(2, gaps // 3)
    while len(speeds) < gaps:
        last = str(rng.choice([name for name in names if name != last]))
        length = int(rng.integers(max(1, longest // 2), longest + 1))
        speeds.extend([float(rng.uniform(*levels[last]))] * length)
    profile = np.asarray(speeds[:gaps])
    # Vehicles and people do not change speed at once.
    padded = np.pad(profile, 1, mode="edge")
    profile = 0.2 * padded[:-2] + 0.6 * profile + 0.2 * padded[2:]
    profile = profile + 1e-3
    return from_speeds(list(profile * (mean_step * gaps / profile.sum())))
