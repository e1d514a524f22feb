"""How well tracks follow the objects of the ground truth: MOTA and IDF1, by motmetrics.

A track may stand for an object of its category where their boxes overlap by an IoU of 0.5 or more.
A track that lies by half or more on a crowd, or on an object that is neither hit nor miss, and on
no object that counts, is left out, as MOTChallenge does. Counts add up over sequences; the two
measures are made of the sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.tracks import Track
from vcmflow.core.truth import Annotation, Box, Truth

HIT = 0.5  # IoU from which a track may stand for an object
_COUNTS = {
    "boxes": "num_objects",
    "misses": "num_misses",
    "false_positives": "num_false_positives",
    "switches": "num_switches",
    "idtp": "idtp",
    "idfp": "idfp",
    "idfn": "idfn",
}


@dataclass(frozen=True)
class Tracked:
    """Counts of one or more sequences.

    Attributes:
        boxes: boxes of objects in all frames.
        misses: of them, those without a track.
        false_positives: boxes of tracks without an object.
        switches: how often an object's track becomes another one.
        idtp: boxes that the best assignment of whole tracks to whole objects gets right,
        idfp: boxes of tracks that it does not,
        idfn: boxes of objects that it does not.
    """

    boxes: int
    misses: int
    false_positives: int
    switches: int
    idtp: int
    idfp: int
    idfn: int

    @property
    def mota(self) -> float:
        """1 − (misses + false positives + switches)/boxes, at most 1; NaN without boxes."""
        wrong = self.misses + self.false_positives + self.switches
        return 1 - wrong / self.boxes if self.boxes else math.nan

    @property
    def idf1(self) -> float:
        """2·IDTP/(2·IDTP + IDFP + IDFN), 0..1; NaN without boxes."""
        if not self.boxes:
            return math.nan
        return 2 * self.idtp / (2 * self.idtp + self.idfp + self.idfn)


def total(parts: Iterable[Tracked]) -> Tracked:
    """The counts of sequences taken together."""
    return Tracked(*(sum(column) for column in zip(*map(astuple, parts), strict=True)))


def follow(truth: Truth, tracks: Sequence[Sequence[Track]], where: str) -> Tracked:
    """Compare the tracks of a sequence with its ground truth.

    Args:
        truth: objects with ids that are constant over time.
        tracks: those of every frame.
        where: name of the sequence, for messages.

    Raises:
        VcmflowError: an object has no id, or stands in a frame that has no tracks.
    """
    import motmetrics

    objects: list[list[Annotation]] = [[] for _ in tracks]
    neutral: list[list[Box]] = [[] for _ in tracks]
    for annotation in truth.annotations:
        if annotation.frame >= len(tracks):
            raise VcmflowError(
                f"{where}: frame {annotation.frame} has objects; there are tracks of "
                f"{len(tracks)} frames"
            )
        if annotation.crowd or annotation.ignore:
            neutral[annotation.frame].append(annotation.box)
        elif annotation.object_id is None:
            raise VcmflowError(f"{where}: an object of frame {annotation.frame} has no object_id")
        else:
            objects[annotation.frame].append(annotation)
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for there, found, beside in zip(objects, tracks, neutral, strict=True):
        distances = _distances(there, found)
        kept = np.isfinite(distances).any(axis=0) | ~_covered(found, beside)
        ids = [track.id for track, keep in zip(found, kept, strict=True) if keep]
        accumulator.update([one.object_id for one in there], ids, distances[:, kept])
    names = list(_COUNTS.values())
    measures: Any = motmetrics.metrics.create().compute(accumulator, metrics=names)
    return Tracked(*(int(measures[name].iloc[0]) for name in names))


def _distances(objects: Sequence[Annotation], tracks: Sequence[Track]) -> npt.NDArray[np.float64]:
    """1 − IoU, objects x tracks; NaN where a track cannot stand for an object."""
    distances = np.full((len(objects), len(tracks)), np.nan)
    for row, one in enumerate(objects):
        for column, track in enumerate(tracks):
            shared = _shared(one.box, track.bbox)
            union = one.box[2] * one.box[3] + track.bbox[2] * track.bbox[3] - shared
            if one.category == track.category_id and shared >= HIT * union:
                distances[row, column] = 1 - shared / union
    return distances


def _covered(tracks: Sequence[Track], boxes: Sequence[Box]) -> npt.NDArray[np.bool_]:
    """Which tracks lie by half or more on one of some boxes."""
    return np.array(
        [
            any(_shared(track.bbox, box) >= HIT * track.bbox[2] * track.bbox[3] for box in boxes)
            for track in tracks
        ],
        bool,
    )


def _shared(one: Box, other: Box) -> float:
    """Area that two boxes share, px²."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)
