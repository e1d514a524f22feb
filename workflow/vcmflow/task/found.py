"""From a network's raw arrays to ``Detections``, and frames in groups of one size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from vcmflow.core.detections import Detections
from vcmflow.core.video import Frame

# Options of models.
AtMost = Annotated[int, Field(ge=1, le=2000)]  # detections or proposals per frame
Side = Annotated[int, Field(ge=32, le=10_000)]  # px


def groups(frames: Sequence[Frame], size: int) -> Iterator[list[Frame]]:
    """Yield the frames in order, at most ``size`` at a time, each group of one picture size."""
    group: list[Frame] = []
    for frame in frames:
        if group and (len(group) == size or frame.shape != group[0].shape):
            yield group
            group = []
        group.append(frame)
    if group:
        yield group


def group_size(batch: int | None, device: str) -> int:
    """Frames per pass of a network: ``batch``, or what suits the device ("cpu" or "cuda").

    On a CPU, one at a time is as fast as more and rounds the same whatever the batch; a GPU is
    used well only by more.
    """
    if batch is None:
        return 8 if device.startswith("cuda") else 1
    return batch


def ranked(
    boxes: npt.NDArray[np.floating],
    scores: npt.NDArray[np.floating],
    categories: npt.NDArray[np.integer],
    masks: npt.NDArray[np.bool_] | None = None,
) -> Detections:
    """Sort by score, best first, and leave out what has no area.

    Args:
        boxes: (k, 4) x0, y0, x1, y1 in pixels.
        scores: (k,) 0..1.
        categories: (k,) COCO ids.
        masks: (k, H, W) or None; a detection with an empty mask is left out.
    """
    keep = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]) & np.isfinite(scores)
    if masks is not None:
        keep &= masks.any(axis=(1, 2))
    order = np.argsort(-scores, kind="stable")
    order = order[keep[order]]
    return Detections(
        boxes[order].astype(np.float32),
        scores[order].astype(np.float32),
        categories[order].astype(np.int64),
        None if masks is None else masks[order],
    )
