"""Jaccard index and F1 of segmented objects (docs/paper.md 7; Eqs. 14 and 15).

Per frame, predicted instances and ground truth objects are paired one to one so that the sum of
their IoUs is largest, whatever the predicted class: COCO, on which the segmenter was trained, lacks
several of DAVIS's objects. An object left without a partner counts 0. Means are taken over an
object's frames, then over the objects of a sequence, then over sequences.

Such a pairing knows the truth, and what it leaves over costs nothing. Beside it stands what an
observer without the truth would see: the mean number of proposals in a frame, and F1 over whole
objects, 2·TP/(2·TP + FP + FN) over all frames and sequences, where a pair counts from an IoU of 0.5
on and every proposal without one is wrong, unless half of it lies on objects that are not to be
found.

Frames in which an object is absent. DAVIS gives J = 1 where truth and prediction are both empty.
There a method tracks named objects, so that predicting nothing is an achievement. Here the pairing
starts from the objects that are visible, so that an absent object could never lose its 1. Hence
``absent="skip"``, the default: an object is scored in the frames that show it.
``absent="davis"`` counts 1 for each of the other frames.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pycocotools import mask as rle
from scipy.optimize import linear_sum_assignment

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rle import decode_mask
from vcmflow.core.sequence import Sequence
from vcmflow.core.truth import Annotation, Found, Truth, read_found, read_truth
from vcmflow.score.pseudo import THRESHOLD, pseudo_truth

Absent = Literal["skip", "davis"]
HIT = 0.5  # IoU from which an object is found


@dataclass(frozen=True)
class Overlap:
    """Agreement of masks, 0..1 each: Jaccard index and F1; NaN if there is no object."""

    jaccard: float
    f1: float


@dataclass(frozen=True)
class Instances:
    """Whole objects in all frames: found (IoU 0.5 or more), proposed, there to be found.

    Attributes:
        hits: pairs that count.
        proposals: predicted masks, but for those on objects that are not to be found.
        objects: visible objects.
        frames: frames, with objects or without.
    """

    hits: int
    proposals: int
    objects: int
    frames: int


def f1_of(jaccard: float) -> float:
    """F1 of one pair of masks, Eq. (15), from its Jaccard index: 2·TP/(2·TP+FP+FN) = 2J/(1+J)."""
    return 2 * jaccard / (1 + jaccard)


class MaskEvaluator:
    """Scores segmentations of one sequence, condition after condition.

    Args:
        truth: objects with masks and object ids; those marked ``crowd`` or ``ignore`` are no
            objects to be found.
        frames: number of frames.
        size: (height, width) of the masks in px.
        absent: what a frame counts for an object that it does not show; see the module.
        where: name of the sequence, for messages.

    Raises:
        VcmflowError: an object has no mask, a mask of another size or no id, or comes twice in a
            frame.
    """

    def __init__(
        self, truth: Truth, frames: int, size: tuple[int, int], absent: Absent, where: str
    ) -> None:
        self._frames, self._size, self._absent, self._where = frames, size, absent, where
        self._objects: list[dict[int, Mapping[str, Any]]] = [{} for _ in range(frames)]
        self._neutral: list[list[Mapping[str, Any]]] = [[] for _ in range(frames)]
        for annotation in truth.annotations:
            if not (annotation.crowd or annotation.ignore):
                self._add(annotation)
            elif annotation.mask is not None:
                place = f"{where}: ground truth of frame {annotation.frame}"
                self._neutral[annotation.frame].append(self._checked(annotation.mask, place))

    def _add(self, annotation: Annotation) -> None:
        place = f"{self._where}: ground truth of frame {annotation.frame}"
        if annotation.object_id is None:
            raise VcmflowError(f"{place}: an object has no object_id")
        objects = self._objects[annotation.frame]
        if annotation.object_id in objects:
            raise VcmflowError(f"{place}: object {annotation.object_id} comes twice")
        mask = self._checked(annotation.mask, place)
        if rle.area(mask) > 0:
            objects[annotation.object_id] = mask

    def _checked(self, mask: Mapping[str, Any] | None, place: str) -> dict[str, Any]:
        if mask is None:
            raise VcmflowError(f"{place}: an object has no mask (segmentation)")
        # Decoded once because pycocotools trusts what it is given.
        decode_mask(mask, place, self._size)
        return {"size": list(self._size), "counts": mask["counts"]}

    def score(self, detections: Iterable[Found]) -> tuple[Overlap, Instances]:
        """Mean Jaccard index and F1 over the frames of each object, then over objects; counts."""
        predicted: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for found in detections:
            place = f"{self._where}: prediction in frame {found.frame}"
            predicted[found.frame].append(self._checked(found.mask, place))
        history: dict[int, list[float]] = defaultdict(list)
        hits = proposals = 0
        for frame, objects in enumerate(self._objects):
            values, partners = pair(list(objects.values()), predicted[frame])
            for object_id, value in zip(objects, values, strict=True):
                history[object_id].append(value)
            met = {
                index
                for index, value in zip(partners, values, strict=True)
                if index is not None and value >= HIT
            }
            hits += len(met)
            proposals += len(met) + self._wrong(frame, predicted[frame], met)
        if self._absent == "davis":
            for seen in history.values():
                seen.extend([1.0] * (self._frames - len(seen)))
        overlap = mean_overlap(
            [
                Overlap(sum(seen) / len(seen), sum(f1_of(value) for value in seen) / len(seen))
                for _, seen in sorted(history.items())
            ]
        )
        there = sum(len(objects) for objects in self._objects)
        return overlap, Instances(hits, proposals, there, self._frames)

    def _wrong(self, frame: int, predicted: Many[Mapping[str, Any]], met: set[int]) -> int:
        """How many predictions are neither hits nor on objects that are not to be found."""
        rest = [mask for index, mask in enumerate(predicted) if index not in met]
        neutral = self._neutral[frame]
        if not rest or not neutral:
            return len(rest)
        shares = rle.iou(rest, [rle.merge(neutral)], [1])  # of the prediction's own area
        return int(np.count_nonzero(shares < HIT))

    def measure(self, results: Many[Any], where: str) -> dict[str, Any]:
        """Jaccard index and F1 of a COCO results list, null where there is no object; counts."""
        overlap, instances = self.score(read_found(results, self._frames, where))
        means = {key: None if math.isnan(value) else value for key, value in vars(overlap).items()}
        return means | vars(instances)


def build(
    sequence: Sequence,
    truth: Path | None,
    source: Many[Any] | None,
    absent: Absent = "skip",
    pseudo_threshold: float = THRESHOLD,
) -> MaskEvaluator:
    """The evaluator of a sequence; see ``score.registry``.

    Args:
        sequence: the original video.
        truth: its COCO ground truth.
        source: COCO results on its uncompressed frames, to be ground truth; None: ``truth`` is.
        absent: see the module.
        pseudo_threshold: smallest score that becomes pseudo ground truth.

    Raises:
        VcmflowError: a file or a result is broken.
    """
    if source is not None:
        where = f"{sequence.id}, uncompressed frames"
        found = read_found(source, sequence.frames, where)
        objects = pseudo_truth({1: "object"}, found, pseudo_threshold, any_class=True)
    elif truth is None:
        raise VcmflowError(f"{sequence.id}: has annotations, but no truth was given")
    else:
        objects = read_truth(truth, sequence.frames)
    size = (sequence.height, sequence.width)
    return MaskEvaluator(objects, sequence.frames, size, absent, sequence.id)


def pool(evidence: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """``jaccard`` and ``f1``, means over the sequences that have an object; ``f1_objects`` and
    ``proposals`` (per frame) over all frames.
    """
    parts = list(evidence)
    overlap = mean_overlap(
        Overlap(math.nan, math.nan)
        if part["jaccard"] is None
        else Overlap(part["jaccard"], part["f1"])
        for part in parts
    )
    hits, proposals, objects, frames = (
        sum(part[key] for part in parts) for key in ("hits", "proposals", "objects", "frames")
    )
    return vars(overlap) | {
        "f1_objects": 2 * hits / (proposals + objects) if objects else math.nan,
        "proposals": proposals / frames,
    }


def pair(
    objects: Many[Mapping[str, Any]], predictions: Many[Mapping[str, Any]]
) -> tuple[list[float], list[int | None]]:
    """Jaccard index of each object with its partner in one frame, and which that is; 0, None: none.

    Args:
        objects: o masks of the ground truth, as valid run-length codes of one size.
        predictions: k predicted masks of that size.
    """
    values = [0.0] * len(objects)
    partners: list[int | None] = [None] * len(objects)
    if objects and predictions:
        ious: npt.NDArray[np.float64] = rle.iou(
            list(predictions), list(objects), [0] * len(objects)
        )
        rows, columns = linear_sum_assignment(ious, maximize=True)
        for row, column in zip(rows, columns, strict=True):
            values[column], partners[column] = float(ious[row, column]), int(row)
    return values, partners


def mean_overlap(parts: Iterable[Overlap]) -> Overlap:
    """Arithmetic means of those parts that are defined; NaN if none is."""
    known = [part for part in parts if not math.isnan(part.jaccard)]
    if not known:
        return Overlap(math.nan, math.nan)
    return Overlap(
        sum(part.jaccard for part in known) / len(known),
        sum(part.f1 for part in known) / len(known),
    )
