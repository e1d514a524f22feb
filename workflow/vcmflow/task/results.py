"""Detections as a COCO results list, and back.

A results list is what ``task/<seq>/….json`` holds: one object per detection with ``image_id``
(frame index from 0), ``category_id``, ``bbox`` [x, y, w, h] in pixels, ``score`` and, for masks,
``segmentation``: a compressed run-length code with text counts, as pycocotools reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as rle

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, whole_file
from vcmflow.task.types import Detections, no_detections

Result = dict[str, Any]

# Digits kept: finer than any score can feel, coarse enough to read and to store.
BOX_DIGITS = 2
SCORE_DIGITS = 5


def encode_mask(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return the run-length code {"size": [H, W], "counts": str} of a bool H x W mask."""
    code = rle.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(side) for side in code["size"]], "counts": code["counts"].decode("ascii")}


def decode_mask(segmentation: Any, where: str = "segmentation") -> npt.NDArray[np.bool_]:
    """Return the bool H x W mask of a compressed run-length code.

    Raises:
        VcmflowError: not such a code, or its runs do not fill the size it names.
    """
    try:
        height, width = (int(side) for side in segmentation["size"])
        counts = segmentation["counts"].encode("ascii")
    except (TypeError, KeyError, ValueError, AttributeError):
        raise VcmflowError(f"{where}: not a compressed run-length mask") from None
    if not (0 < height <= 1 << 15 and 0 < width <= 1 << 15):
        raise VcmflowError(f"{where}: mask of {width}x{height}; allowed: 1..32768 a side")
    # Not by pycocotools, which trusts the runs and writes past the mask where they are too long.
    runs = _runs(counts, where)
    if sum(runs) != height * width:
        raise VcmflowError(f"{where}: the mask's runs do not fill {width}x{height}")
    bits = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(bits.reshape(width, height).T)


def _runs(counts: bytes, where: str) -> list[int]:
    """Return the run lengths of COCO's text code: base 32, delta to the run before last."""
    runs: list[int] = []
    position = 0
    while position < len(counts):
        value, shift, more = 0, 0, True
        while more:
            if position >= len(counts) or not 48 <= counts[position] < 112 or shift > 30:
                raise VcmflowError(f"{where}: broken run-length text")
            digit = counts[position] - 48
            value |= (digit & 0x1F) << shift
            more = bool(digit & 0x20)
            shift += 5
            position += 1
            if not more and digit & 0x10:
                value |= -1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if value < 0:
            raise VcmflowError(f"{where}: broken run-length text")
        runs.append(value)
    return runs


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


def from_results(
    results: Iterable[Result],
    frames: int,
    mask_size: tuple[int, int] | None = None,
    where: str = "results",
) -> list[Detections]:
    """Return the detections of each of ``frames`` frames from a COCO results list in any order.

    Args:
        results: the list; equal scores keep their order.
        frames: how many frames there are, with or without detections.
        mask_size: (height, width) to read masks of that size, None for boxes only.
        where: file name for error messages.

    Raises:
        VcmflowError: a result lacks a field or has a wrong one; the message names it.
    """
    groups: list[list[tuple[float, list[float], int, npt.NDArray[np.bool_] | None]]]
    groups = [[] for _ in range(frames)]
    for index, result in enumerate(results):
        place = f"{where}: result {index}"
        try:
            frame, category = int(result["image_id"]), int(result["category_id"])
            x, y, w, h = (float(side) for side in result["bbox"])
            score = float(result["score"])
        except (TypeError, KeyError, ValueError, OverflowError):
            raise VcmflowError(
                f"{place}: needs numbers image_id, category_id, score and bbox [x, y, w, h]"
            ) from None
        if not 0 <= frame < frames:
            raise VcmflowError(f"{place}: image_id {frame}; allowed: 0..{frames - 1}")
        if not (np.isfinite([x, y, w, h, score]).all() and w >= 0 and h >= 0):
            raise VcmflowError(f"{place}: bbox and score must be finite, sides not negative")
        mask = None
        if mask_size is not None:
            mask = decode_mask(result.get("segmentation"), place)
            if mask.shape != mask_size:
                raise VcmflowError(
                    f"{place}: mask of {mask.shape[1]}x{mask.shape[0]}, frames are "
                    f"{mask_size[1]}x{mask_size[0]}"
                )
        groups[frame].append((score, [x, y, x + w, y + h], category, mask))
    return [_stack(group, mask_size) for group in groups]


def _stack(
    group: Sequence[tuple[float, list[float], int, npt.NDArray[np.bool_] | None]],
    mask_size: tuple[int, int] | None,
) -> Detections:
    if not group:
        return no_detections(mask_size)
    ranked = sorted(group, key=lambda entry: -entry[0])
    masks = [mask for _, _, _, mask in ranked if mask is not None]
    return Detections(
        boxes=np.array([box for _, box, _, _ in ranked], np.float32),
        scores=np.array([score for score, _, _, _ in ranked], np.float32),
        categories=np.array([category for _, _, category, _ in ranked], np.int64),
        masks=np.stack(masks) if mask_size is not None else None,
    )


def write_results(path: Path, results: Iterable[Result]) -> None:
    """Write a results list as JSON, one result per line, whole or not at all."""
    lines = ",\n".join(
        json.dumps(result, separators=(",", ":"), allow_nan=False) for result in results
    )
    with whole_file(path) as temporary:
        temporary.write_text(f"[\n{lines}\n]\n" if lines else "[]\n", "utf-8")


def read_results(path: Path) -> list[Result]:
    """Read a results list.

    Raises:
        VcmflowError: the file is missing, is not JSON, or is not a list of objects.
    """
    results = read_json(path)
    if not isinstance(results, list) or not all(isinstance(entry, dict) for entry in results):
        raise VcmflowError(f"{path}: not a COCO results list")
    return results
