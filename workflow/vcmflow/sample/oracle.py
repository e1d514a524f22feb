"""Sampler ``oracle``: the best choice that was found by trying. A bound, not a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from vcmflow.core.choices import Choice, best
from vcmflow.core.errors import VcmflowError
from vcmflow.sample.fill import IntArray


def choose(
    n: int, m: int, choices: Sequence[Choice], by: Literal["psnr", "accuracy"] = "accuracy"
) -> IntArray:
    """Take the best of the choices that ``vcmflow bounds`` tried.

    Args:
        n: frames of the video, >= 2.
        m: frames to keep.
        choices: with what they are worth, without coding.
        by: what is best: the PSNR of the interpolated frames, or the task's accuracy.

    Returns:
        int64 (m,), 0-based, ascending.

    Raises:
        VcmflowError: none of the choices is m of n frames.
    """
    fitting = [one for one in choices if len(one.frames) == m and one.frames[-1] == n - 1]
    if not fitting:
        raise VcmflowError(f"none of the {len(choices)} choices keeps {m} of {n} frames")
    return np.array(best(fitting, by).frames, np.int64)
