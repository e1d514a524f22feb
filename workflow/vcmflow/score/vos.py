"""Video object segmentation: J, F and their mean, as DAVIS 2017 judges the semi-supervised task.

J is the Jaccard index of an object's masks in a frame, 1 where both are empty. F is the harmonic
mean of the shares of both masks' boundary pixels that lie within a tolerance of the other's
boundary. Of the frames between the first, whose masks are given, and the last, an object has a
mean, a recall (share of frames above 0.5) and a decay (mean of the first quarter less that of the
last). Those are averaged over the objects of all sequences.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import AboveZero
from vcmflow.core.rle import decode_mask
from vcmflow.core.sequence import Sequence
from vcmflow.core.truth import read_found, read_truth

Mask = npt.NDArray[np.bool_]
# Object -> frame -> run-length code of its mask.
Objects = dict[int, dict[int, Any]]

BINS = 4
STATISTICS = ("mean", "recall", "decay")


def boundary(mask: Mask) -> Mask:
    """Pixels that differ from the one to the right, below, or both: one pixel wide.

    Args:
        mask: bool H x W. The last row and column have neighbours along the edge only.
    """
    edge = np.zeros_like(mask)
    edge[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    edge[:-1] |= mask[:-1] ^ mask[1:]
    edge[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edge


def jaccard(true: Mask, found: Mask) -> float:
    """J of two bool masks H x W, 0..1."""
    union = np.count_nonzero(true | found)
    return float(np.count_nonzero(true & found) / union) if union else 1.0


def boundary_f(true: Mask, found: Mask, tolerance: float) -> float:
    """F of two bool masks H x W, 0..1.

    Args:
        true: ground truth.
        found: prediction.
        tolerance: share of the picture's diagonal; pixels are rounded up.
    """
    reach = math.ceil(tolerance * math.hypot(*true.shape))
    edges = boundary(true), boundary(found)
    counts = [np.count_nonzero(edge) for edge in edges]
    if not all(counts):
        return float(counts[0] == counts[1])
    span = np.arange(-reach, reach + 1)
    disk = (span[:, None] ** 2 + span[None] ** 2 <= reach**2).astype(np.uint8)
    near = [cv2.dilate(edge.astype(np.uint8), disk).astype(bool) for edge in edges]
    recall = np.count_nonzero(edges[0] & near[1]) / counts[0]
    precision = np.count_nonzero(edges[1] & near[0]) / counts[1]
    both = precision + recall
    return float(2 * precision * recall / both) if both else 0.0


def statistics(values: Many[float]) -> tuple[float, float, float]:
    """Mean, recall and decay of an object's values in the frames that count, at least one."""
    seen = np.array(values, np.float64)
    # The bins share their ends, as in the authors' code.
    ends = (np.round(np.linspace(1, len(seen), BINS + 1) + 1e-10) - 1).astype(int)
    first, last = seen[ends[0] : ends[1] + 1], seen[ends[-2] : ends[-1] + 1]
    return float(seen.mean()), float((seen > 0.5).mean()), float(first.mean() - last.mean())


@dataclass(frozen=True)
class ObjectEvaluator:
    """Compares the masks of one sequence's objects, condition after condition.

    Attributes:
        objects: those that the first frame shows.
        frames: number of frames, 3 or more.
        size: height, width in px.
        tolerance: of boundaries.
    """

    objects: Objects
    frames: int
    size: tuple[int, int]
    tolerance: float

    def measure(self, results: Many[Any], where: str) -> dict[str, Any]:
        """``objects``: mean, recall, decay of J, then of F, of each.

        Args:
            results: COCO results with a mask and an ``object_id`` each; an object has none in a
                frame where it is not seen.
            where: where they came from, for messages.

        Raises:
            VcmflowError: a result is broken, or of an object that the first frame does not show.
        """
        found = _found(results, self.frames, where)
        unknown = sorted(set(found) - set(self.objects))
        if unknown:
            raise VcmflowError(
                f"{where}: object {unknown[0]} is none of those in the first frame "
                f"({', '.join(map(str, self.objects)) or 'none'})"
            )
        return {
            "objects": [
                [*statistics(values[0]), *statistics(values[1])]
                for number, own in self.objects.items()
                for values in [self._values(own, found.get(number, {}), where)]
            ]
        }

    def _values(
        self, true: Mapping[int, Any], found: Mapping[int, Any], where: str
    ) -> tuple[list[float], list[float]]:
        regions, edges = [], []
        for frame in range(1, self.frames - 1):
            masks = [
                decode_mask(codes[frame], f"{where}: frame {frame}", self.size)
                if frame in codes
                else np.zeros(self.size, bool)
                for codes in (true, found)
            ]
            regions.append(jaccard(masks[0], masks[1]))
            edges.append(boundary_f(masks[0], masks[1], self.tolerance))
        return regions, edges


def _found(results: Many[Any], frames: int, where: str) -> Objects:
    objects: Objects = {}
    for index, (item, entry) in enumerate(
        zip(read_found(results, frames, where), results, strict=True)
    ):
        number = entry.get("object_id")
        if not isinstance(number, int) or item.mask is None:
            raise VcmflowError(f"{where}: entry {index} has no object_id, or no mask")
        own = objects.setdefault(number, {})
        if item.frame in own:
            raise VcmflowError(f"{where}: object {number} comes twice in frame {item.frame}")
        own[item.frame] = item.mask
    return objects


def build(
    sequence: Sequence,
    truth: Path | None,
    source: Many[Any] | None,
    tolerance: AboveZero = 0.008,
) -> ObjectEvaluator:
    """The evaluator of a sequence; see ``score.registry``.

    Args:
        sequence: the original video, of 3 frames or more.
        truth: its COCO ground truth, with masks and ``object_id``.
        source: what was found on its uncompressed frames, to be ground truth; None: ``truth`` is.
        tolerance: distance of boundaries that match, as a share of the picture's diagonal.

    Raises:
        VcmflowError: a file or a result is broken, objects have no masks, or there are too few
            frames.
    """
    if sequence.frames < 3:
        raise VcmflowError(
            f"{sequence.id}: has {sequence.frames} frames; J and F leave the first and the last "
            "out, and need 3 or more"
        )
    if source is not None:
        objects = _found(source, sequence.frames, f"{sequence.id}, uncompressed frames")
    elif truth is None:
        raise VcmflowError(f"{sequence.id}: has annotations, but no truth was given")
    else:
        objects = {}
        for one in read_truth(truth, sequence.frames).annotations:
            if one.crowd or one.ignore:
                continue
            if one.object_id is None or one.mask is None:
                raise VcmflowError(f"{truth}: an object in frame {one.frame} has no mask, or no id")
            objects.setdefault(one.object_id, {})[one.frame] = one.mask
    kept = {number: objects[number] for number in sorted(objects) if 0 in objects[number]}
    return ObjectEvaluator(kept, sequence.frames, (sequence.height, sequence.width), tolerance)


def pool(evidence: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """``jf``, and mean, recall and decay of J and F, over the objects of all sequences.

    All are NaN where there is no object.
    """
    rows = [row for part in evidence for row in part["objects"]]
    means = np.array(rows, np.float64).mean(axis=0) if rows else np.full(6, math.nan)
    named = dict(zip(_names(), means.tolist(), strict=True))
    return {"jf": (named["j_mean"] + named["f_mean"]) / 2, **named}


def _names() -> Iterator[str]:
    for letter in "jf":
        yield from (f"{letter}_{name}" for name in STATISTICS)
