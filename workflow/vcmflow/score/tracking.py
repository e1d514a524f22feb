"""Multiple object tracking: HOTA, MOTA, MOTP and IDF1, counted by TrackEval.

Classes are evaluated apart and their counts summed. MOTP is the mean of 1 - IoU over matches, as
``motmetrics`` has it and as papers that call lower better print it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Share
from vcmflow.core.sequence import Sequence
from vcmflow.core.truth import Box, read_found, read_truth

# (class, track) -> box, for every frame
Tracks = list[dict[tuple[int, int], Box]]

# What sequences are pooled from: TrackEval's names.
_FIELDS = {
    "HOTA": ("HOTA_TP", "HOTA_FN", "HOTA_FP", "AssA", "AssRe", "AssPr", "LocA"),
    "CLEAR": ("CLR_TP", "CLR_FN", "CLR_FP", "IDSW", "MT", "PT", "ML", "Frag", "CLR_Frames",
              "MOTP_sum"),
    "Identity": ("IDTP", "IDFN", "IDFP"),
}  # fmt: skip


def _metrics(iou: float) -> dict[str, Any]:
    from trackeval.metrics import CLEAR, HOTA, Identity

    settings = {"THRESHOLD": iou, "PRINT_CONFIG": False}
    return {"HOTA": HOTA(), "CLEAR": CLEAR(settings), "Identity": Identity(settings)}


@dataclass(frozen=True)
class TrackEvaluator:
    """Counts what tracks of one sequence match, condition after condition.

    Attributes:
        truth: objects to be followed, frame by frame.
        ignored: boxes in which nothing is right or wrong, frame by frame.
        categories: classes of the task.
        iou: overlap that is a match for MOTA, MOTP and IDF1; HOTA has all of them.
    """

    truth: Tracks
    ignored: list[list[Box]]
    categories: tuple[int, ...]
    iou: float

    def measure(self, results: Many[Any], where: str) -> dict[str, Any]:
        """TrackEval's counts of every class that is there, by class and metric."""
        found = _tracks(results, len(self.truth), where)
        evidence: dict[str, Any] = {}
        for category in self.categories:
            data = self._data(found, category)
            if not data["num_gt_dets"] + data["num_tracker_dets"]:
                continue
            evidence[str(category)] = {
                name: {key: np.asarray(counted[key]).tolist() for key in _FIELDS[name]}
                for name, metric in _metrics(self.iou).items()
                for counted in [metric.eval_sequence(data)]
            }
        return evidence

    def _data(self, found: Tracks, category: int) -> dict[str, Any]:
        """One class as TrackEval takes it: ids counted from 0, IoU of all pairs of a frame."""
        truth = [_of(frame, category) for frame in self.truth]
        kept = [
            _outside(_of(frame, category), objects, ignored, self.iou)
            for frame, objects, ignored in zip(found, truth, self.ignored, strict=True)
        ]
        data: dict[str, Any] = {"num_timesteps": len(truth), "similarity_scores": []}
        for name, frames in (("gt", truth), ("tracker", kept)):
            order = {track: k for k, track in enumerate(sorted({t for f in frames for t in f}))}
            data[f"{name}_ids"] = [np.array([order[t] for t in f], np.int64) for f in frames]
            data[f"num_{name}_ids"] = len(order)
            data[f"num_{name}_dets"] = sum(map(len, frames))
        for objects, others in zip(truth, kept, strict=True):
            data["similarity_scores"].append(_ious(objects.values(), others.values()))
        return data


def _of(frame: Mapping[tuple[int, int], Box], category: int) -> dict[int, Box]:
    return {track: box for (kind, track), box in frame.items() if kind == category}


def _ious(rows: Iterable[Box], columns: Iterable[Box]) -> Any:
    left, right = (np.array(list(boxes), np.float64).reshape(-1, 4) for boxes in (rows, columns))
    if not len(left) or not len(right):
        return np.zeros((len(left), len(right)))
    return np.asarray(mask.iou(left, right, [0] * len(right)))


def _outside(
    found: dict[int, Box], objects: Mapping[int, Box], ignored: Many[Box], iou: float
) -> dict[int, Box]:
    """What was found, without what covers an ignored region better than any object."""
    if not ignored or not found:
        return found
    best = _ious(found.values(), objects.values()).max(axis=1, initial=0)
    covered = _ious(found.values(), ignored).max(axis=1)
    kept = (covered < iou) | (covered <= best)
    return {track: box for (track, box), keep in zip(found.items(), kept, strict=True) if keep}


def _tracks(results: Many[Any], frames: int, where: str) -> Tracks:
    tracks: Tracks = [{} for _ in range(frames)]
    for index, (item, entry) in enumerate(
        zip(read_found(results, frames, where), results, strict=True)
    ):
        track = entry.get("track_id")
        if not isinstance(track, int):
            raise VcmflowError(f"{where}: entry {index} has no track_id (a whole number)")
        key = item.category, track
        if key in tracks[item.frame]:
            raise VcmflowError(f"{where}: track {track} comes twice in frame {item.frame}")
        tracks[item.frame][key] = item.box
    return tracks


def build(
    sequence: Sequence, truth: Path | None, source: Many[Any] | None, iou: Share = 0.5
) -> TrackEvaluator:
    """The evaluator of a sequence; see ``score.registry``.

    Args:
        sequence: the original video.
        truth: its COCO ground truth, with ``object_id``.
        source: tracks on its uncompressed frames, to be ground truth; None: ``truth`` is.
        iou: overlap that is a match.

    Raises:
        VcmflowError: a file or a result is broken, or objects have no ids.
    """
    ignored: list[list[Box]] = [[] for _ in range(sequence.frames)]
    if source is not None:
        objects = _tracks(source, sequence.frames, f"{sequence.id}, uncompressed frames")
        categories = {category for frame in objects for category, _ in frame}
    elif truth is None:
        raise VcmflowError(f"{sequence.id}: has annotations, but no truth was given")
    else:
        content = read_truth(truth, sequence.frames)
        categories = set(content.categories)
        objects = [{} for _ in range(sequence.frames)]
        for one in content.annotations:
            if one.crowd or one.ignore:
                ignored[one.frame].append(one.box)
                continue
            if one.object_id is None:
                raise VcmflowError(
                    f"{truth}: an object in frame {one.frame} has no object_id, which tracking "
                    "is judged by"
                )
            objects[one.frame][one.category, one.object_id] = one.box
    return TrackEvaluator(objects, ignored, tuple(sorted(categories)), iou)


def pool(evidence: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """``hota``, ``mota``, ``motp`` and ``idf1`` of sequences and classes taken together, 0..1.

    MOTA may be below 0. All are NaN where there is no object.
    """
    parts = [counted for part in evidence for counted in part.values()]
    truth = sum(part["CLEAR"]["CLR_TP"] + part["CLEAR"]["CLR_FN"] for part in parts)
    if not truth:
        return dict.fromkeys(("hota", "mota", "motp", "idf1"), math.nan)
    pooled = {
        name: metric.combine_sequences({
            str(index): {key: np.array(value) for key, value in part[name].items()}
            for index, part in enumerate(parts)
        })
        for name, metric in _metrics(0.5).items()
    }  # fmt: skip
    matched = int(pooled["CLEAR"]["CLR_TP"])
    return {
        "hota": float(np.mean(pooled["HOTA"]["HOTA"])),
        "mota": float(pooled["CLEAR"]["MOTA"]),
        "motp": 1 - float(pooled["CLEAR"]["MOTP"]) if matched else math.nan,
        "idf1": float(pooled["Identity"]["IDF1"]),
    }
