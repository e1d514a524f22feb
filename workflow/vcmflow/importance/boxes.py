"""Bound ``boxes``: the boxes of the ground truth, which no encoder knows."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.core.truth import Box, read_truth
from vcmflow.core.video import Frame
from vcmflow.importance.maps import Pixels, Score


def build(truth: Path | None) -> Score:
    """Build the map: 1 inside the boxes that scores count, 0 outside.

    Args:
        truth: COCO ground truth of the sequence.

    Raises:
        VcmflowError: there is none, or it is none.
    """
    if truth is None:
        raise VcmflowError("map 'boxes' needs --truth, the ground truth of every video")
    boxes: dict[int, list[Box]] = defaultdict(list)
    for annotation in read_truth(Path(truth)).annotations:
        if not (annotation.crowd or annotation.ignore):
            boxes[annotation.frame].append(annotation.box)

    def score(frame: Frame, index: int) -> Pixels:
        inside = np.zeros(frame.shape[:2], np.float32)
        for x, y, width, height in boxes[index]:
            top, left = max(0, round(y)), max(0, round(x))
            inside[top : max(0, round(y + height)), left : max(0, round(x + width))] = 1
        return inside

    return score
