"""Sampler ``tracking``: runs of frames alike in object motion (docs/paper.md, 3)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.core.tracks import Track
from vcmflow.sample import uniform
from vcmflow.sample.fill import IntArray, fit

# x0, y0, x1, y1 in px by track id: the objects of one frame.
Boxes = dict[int, tuple[float, float, float, float]]

_HALVINGS = 50  # of the threshold's range; beyond it likenesses differ by rounding alone


def choose(n: int, m: int, tracks: Sequence[Sequence[Track]]) -> IntArray:
    """Keep the first frame of each of m - 1 runs of alike frames, and the last frame.

    A run goes on while a frame's likeness to the run's first frame is at least a threshold, which
    is bisected to give m - 1 runs. If none does, the nearest count below is topped up as ``count:
    exact`` does; the arc length is then the summed unlikeness (1 - likeness) of adjacent frames.
    O(n objects) per halving.

    Args:
        n: frames of the video, >= 2.
        m: frames to keep, ``max(2, least_count(n)) <= m <= n``.
        tracks: the tracked objects of each of the n frames.

    Returns:
        int64 (m,), 0-based, ascending. Without tracks, or if nothing ever moves, uniform.

    Raises:
        VcmflowError: ``tracks`` has not n frames, or an id twice in one frame.
    """
    if len(tracks) != n:
        raise VcmflowError(f"the tracks cover {len(tracks)} frames; wanted: {n}")
    frames = [_boxes(frame, number) for number, frame in enumerate(tracks)]
    unlike = [1.0 - likeness(a, b) for a, b in pairwise(frames)]
    arc = np.concatenate([[0.0], np.cumsum(unlike)])
    if arc[-1] == 0:
        return uniform.choose(n, m)
    return fit(lambda k: rule(frames, k), arc, m)


def rule(frames: Sequence[Boxes], m: int) -> IntArray:
    """Return the first frames of m - 1 runs, or of the nearest number below, and the last frame."""
    low, high = 0.0, 1.0 + 1e-6  # one run, and a run per frame
    best = [0]
    for _ in range(_HALVINGS):
        if len(best) == m - 1:
            break
        threshold = (low + high) / 2
        starts = run_starts(frames, threshold)
        if len(starts) <= m - 1:
            low = threshold
            best = max(best, starts, key=len)
        else:
            high = threshold
    return np.unique(np.array([*best, len(frames) - 1], dtype=np.int64))


def run_starts(frames: Sequence[Boxes], threshold: float) -> list[int]:
    """Return where runs start: at frame 0, and where likeness to the run's start is below."""
    starts = [0]
    for number in range(1, len(frames)):
        if likeness(frames[starts[-1]], frames[number]) < threshold:
            starts.append(number)
    return starts


def likeness(first: Boxes, second: Boxes) -> float:
    """Return the mean over the union of track ids of the boxes' IoU, in 0..1.

    An id that one of the frames lacks counts 0. Two frames without objects are alike: 1.
    """
    union = len(first.keys() | second.keys())
    if union == 0:
        return 1.0
    return sum(_iou(box, second[key]) for key, box in first.items() if key in second) / union


def _iou(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return common / (both - common)


def _boxes(frame: Sequence[Track], number: int) -> Boxes:
    boxes: Boxes = {}
    for track in frame:
        if track.id in boxes:
            raise VcmflowError(f"the tracks hold id {track.id} twice in frame {number}")
        x, y, width, height = track.bbox
        boxes[track.id] = (x, y, x + width, y + height)
    return boxes
