"""What a detector of boxes or masks can do, and its detections as a COCO results list.

A results list has one object per detection with ``image_id`` (frame index from 0),
``category_id``, ``bbox`` [x, y, w, h] in pixels, ``score`` and, for masks, ``segmentation``
(``vcmflow.core.rle``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.core.rle import encode_mask
from vcmflow.core.video import Frame

Result = dict[str, Any]

# Digits kept: finer than any score can feel, coarse enough to read and to store.
BOX_DIGITS = 2
SCORE_DIGITS = 5


@dataclass(frozen=True)
class Detections:
    """The k objects found in one frame, best first.

    Attributes:
        boxes: float32 (k, 4): x0, y0, x1, y1 in pixels of the frame, x1 > x0, y1 > y0.
        scores: float32 (k,), 0..1, descending.
        categories: int64 (k,), COCO category ids (person 1, bicycle 2, car 3, ...).
        masks: bool (k, H, W) of the frame's size, or None from a detector of boxes.

    Raises:
        VcmflowError: the arrays' shapes do not agree, or the scores do not descend.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    categories: npt.NDArray[np.int64]
    masks: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        count = len(self.scores)
        if self.boxes.shape != (count, 4) or self.categories.shape != (count,):
            raise VcmflowError(
                f"detections: boxes {self.boxes.shape}, scores {self.scores.shape} and categories "
                f"{self.categories.shape} do not belong together"
            )
        if self.masks is not None and (self.masks.ndim != 3 or len(self.masks) != count):
            raise VcmflowError(f"detections: masks {self.masks.shape} for {count} objects")
        if count and not bool(np.all(np.diff(self.scores) <= 0)):
            raise VcmflowError("detections: scores must descend and be numbers")

    def __len__(self) -> int:
        return len(self.scores)


def no_detections(mask_size: tuple[int, int] | None = None) -> Detections:
    """Return detections of nothing; with ``mask_size`` (height, width) the masks are empty too."""
    return Detections(
        boxes=np.zeros((0, 4), np.float32),
        scores=np.zeros(0, np.float32),
        categories=np.zeros(0, np.int64),
        masks=None if mask_size is None else np.zeros((0, *mask_size), np.bool_),
    )


class Detector(Protocol):
    """A loaded model, of boxes or of masks.

    Builders have the form ``build(weights: Path | None, device: str, **options) -> Detector``;
    ``weights=None`` gives a model with fixed random weights, for tests and for counting operations.
    """

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        ...

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Run on frames (uint8 H x W x 3, RGB, all of one size), one result per frame, in order.

        The result for a frame does not depend on which frames share its batch.
        """
        ...


def to_results(frame: int, detections: Detections) -> list[Result]:
    """Return one frame's detections as COCO results, best first, rounded so that text is stable.

    Args:
        frame: index of the frame, from 0; becomes ``image_id``.
        detections: boxes in pixels; masks, where present, become ``segmentation``.
    """
    results: list[Result] = []
    for index in range(len(detections)):
        x0, y0, x1, y1 = (float(side) for side in detections.boxes[index])
        result: Result = {
            "image_id": frame,
            "category_id": int(detections.categories[index]),
            "bbox": [round(side, BOX_DIGITS) for side in (x0, y0, x1 - x0, y1 - y0)],
            "score": round(float(detections.scores[index]), SCORE_DIGITS),
        }
        if detections.masks is not None:
            result["segmentation"] = encode_mask(detections.masks[index])
        results.append(result)
    return results


def write_results(path: Path, results: Iterable[Result]) -> None:
    """Write a results list as JSON, one result per line, whole or not at all."""
    lines = ",\n".join(
        json.dumps(result, separators=(",", ":"), allow_nan=False) for result in results
    )
    with whole_file(path) as temporary:
        temporary.write_text(f"[\n{lines}\n]\n" if lines else "[]\n", "utf-8")
