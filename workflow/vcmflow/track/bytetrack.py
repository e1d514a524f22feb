"""ByteTrack (Zhang et al., ECCV 2022), by the library ``trackers``: boxes and a Kalman filter.

Confident boxes are assigned to tracks first, the rest to the tracks that are left. An object's
first frame has no track yet: the library confirms a track when it is seen again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import supervision
from trackers import ByteTrackTracker

from vcmflow.core.detections import Detections
from vcmflow.core.ranges import Count, Natural, Share
from vcmflow.core.tracks import Track, rounded
from vcmflow.core.video import Frame


class ByteTrack:
    """ByteTrack, each class by itself (see ``vcmflow.core.tracking.Tracker``).

    Args:
        options: of the library's tracker.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._trackers: dict[int, ByteTrackTracker] = {}
        self._numbers: dict[tuple[int, int], int] = {}

    def update(self, frame: Frame, detections: Detections) -> list[Track]:
        """Take in the next frame and return the objects seen in it, by ascending id.

        Args:
            frame: not looked at.
            detections: what was found in it.
        """
        del frame
        tracks = []
        categories = sorted({*detections.categories.tolist(), *self._trackers})
        for category in categories:
            own = detections.categories == category
            if category not in self._trackers:
                self._trackers[category] = ByteTrackTracker(**self._options)
            found = self._trackers[category].update(
                supervision.Detections(
                    xyxy=detections.boxes[own].astype(np.float64),
                    confidence=detections.scores[own].astype(np.float64),
                )
            )
            for number, box, score in zip(
                np.asarray(found.tracker_id, int).tolist(),
                found.xyxy.tolist(),
                np.asarray(found.confidence, float).tolist() if len(found) else (),
                strict=True,
            ):
                if number >= 0:  # a track that is not sure yet has none
                    x0, y0, x1, y1 = box
                    identity = self._numbers.setdefault((category, number), len(self._numbers) + 1)
                    where = rounded([x0, y0, x1 - x0, y1 - y0])
                    tracks.append(Track(identity, where, round(score, 4), category))
        return sorted(tracks, key=lambda track: track.id)


def build(
    high_score: Share = 0.6,
    new_score: Share = 0.7,
    min_iou: Share = 0.1,
    confirmed_after: Count = 2,
    max_age: Natural = 30,
) -> ByteTrack:
    """Build a tracker for one video; the defaults are the library's.

    Args:
        high_score: boxes from this score on are assigned first.
        new_score: boxes from this score on begin a track.
        min_iou: overlap from which a box may be a track's.
        confirmed_after: frames in a row after which a track counts.
        max_age: frames that a track survives without a box.
    """
    return ByteTrack(
        high_conf_det_threshold=high_score,
        track_activation_threshold=new_score,
        minimum_iou_threshold=min_iou,
        minimum_consecutive_frames=confirmed_after,
        lost_track_buffer=max_age,
    )
