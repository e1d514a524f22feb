"""Detections of a video to tracks with DeepSORT, as in the paper's standard method [28]."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from deep_sort_realtime.deep_sort.track import Track as DeepSortTrack
from deep_sort_realtime.deep_sort.track import TrackState
from deep_sort_realtime.deepsort_tracker import DeepSort

from vcmflow.core.detections import Detections, Detector
from vcmflow.core.errors import VcmflowError
from vcmflow.core.tracks import Box, Track
from vcmflow.core.video import Frame
from vcmflow.track.appearance import colour_histograms
from vcmflow.track.settings import TrackerSettings


class _ConfirmedTrack(DeepSortTrack):  # type: ignore[misc]
    """A track that counts from its first detection on: sequences may be ten frames long.

    DeepSORT itself would call it tentative until the second one, even with ``n_init=1``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = TrackState.Confirmed


class Tracker:
    """Follows objects from frame to frame; one instance per video."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._threshold = settings.score_threshold
        self._tracker = DeepSort(
            max_iou_distance=settings.max_iou_distance,
            max_age=settings.max_age,
            n_init=1,
            max_cosine_distance=settings.max_cosine_distance,
            override_track_class=_ConfirmedTrack,
            embedder=None,
        )

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
        looks = colour_histograms(frame, boxes)
        tracks = [
            Track(
                id=int(track.track_id),
                bbox=_rounded(track.to_ltwh(orig=True).tolist()),
                score=round(float(track.det_conf), 4),
                category_id=int(track.det_class),
            )
            for track in self._tracker.update_tracks(found, embeds=looks)
            if track.time_since_update == 0
        ]
        return sorted(tracks, key=lambda track: track.id)


def track_video(
    frames: Iterable[Frame], detector: Detector, settings: TrackerSettings, batch_size: int = 8
) -> list[list[Track]]:
    """Detect and track objects through a video, holding ``batch_size`` frames at a time.

    Args:
        frames: uint8 H x W x 3, RGB, all of one size.
        detector: a loaded detector.
        settings: of the tracker.
        batch_size: frames per call of the detector, >= 1; does not change the result.

    Returns:
        The tracked objects of every frame.

    Raises:
        VcmflowError: there are no frames, or the batch size is below 1.
    """
    if batch_size < 1:
        raise VcmflowError(f"batch size {batch_size}; allowed: 1 or more")
    tracker = Tracker(settings)
    tracked: list[list[Track]] = []
    stream = iter(frames)
    while batch := list(islice(stream, batch_size)):
        for frame, detections in zip(batch, detector.detect(batch), strict=True):
            tracked.append(tracker.update(frame, detections))
    if not tracked:
        raise VcmflowError("no frames to track objects in")
    return tracked


def _rounded(box: list[float]) -> Box:
    # Hundredths of a pixel are finer than any detector, and hide rounding between machines.
    x, y, width, height = (round(value, 2) for value in box)
    return x, y, max(width, 0.01), max(height, 0.01)
