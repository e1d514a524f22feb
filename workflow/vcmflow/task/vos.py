"""Masks of numbered objects: from the first frame's to labels, and from labels to results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from vcmflow.core.detections import Result
from vcmflow.core.errors import VcmflowError
from vcmflow.core.rle import encode_mask

# uint8 H x W: 0 for the background, k for a pixel of the k-th object.
Labels = npt.NDArray[np.uint8]


def labels_of(
    first: Mapping[int, npt.NDArray[np.bool_]], size: tuple[int, int]
) -> tuple[Labels, list[int]]:
    """Labels of the first frame, and the numbers of the objects that they stand for.

    Args:
        first: of each object, its mask, bool H x W.
        size: height, width of the frames.

    Raises:
        VcmflowError: masks of another size than the frames, or more objects than labels.
    """
    if len(first) > 255:
        raise VcmflowError(f"{len(first)} objects in the first frame; allowed: 255")
    labels = np.zeros(size, np.uint8)
    numbers = sorted(first)
    for label, number in enumerate(numbers, start=1):
        if first[number].shape != size:
            shape = first[number].shape
            raise VcmflowError(
                f"the first frame's masks are {shape[1]}x{shape[0]}, the frames {size[1]}x{size[0]}"
            )
        labels[first[number]] = label
    return labels, numbers


def to_results(frame: int, labels: Labels, numbers: Sequence[int]) -> list[Result]:
    """COCO results of a frame's objects, those that are seen, each with its ``object_id``."""
    results: list[Result] = []
    for label, number in enumerate(numbers, start=1):
        mask = labels == label
        if not mask.any():
            continue
        rows, columns = (np.flatnonzero(mask.any(axis=axis)).tolist() for axis in (1, 0))
        box = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
        results.append(
            {
                "image_id": frame,
                "category_id": 1,
                "bbox": box,
                "score": 1.0,
                "object_id": number,
                "segmentation": encode_mask(mask),
            }
        )
    return results
