"""Multiple object tracking: a detector of the project, and a tracker that follows what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vcmflow.core.detections import Detector, Result
from vcmflow.core.registry import build as build_entry
from vcmflow.core.tracking import Tracker, track_video
from vcmflow.core.video import Frame
from vcmflow.task.registry import DETECTORS
from vcmflow.track.registry import TRACKERS


@dataclass(frozen=True)
class Tracked:
    """See ``vcmflow.task.registry``.

    Attributes:
        detector: finds objects frame by frame.
        tracker: makes a new tracker.
    """

    detector: Detector
    tracker: Callable[[], Tracker]

    def run(self, frames: Iterable[Frame]) -> list[Result]:
        """Follow objects: COCO results with a ``track_id`` each."""
        return [
            _result(index, asdict(track))
            for index, tracks in enumerate(track_video(frames, self.detector, self.tracker()))
            for track in tracks
        ]


def _result(frame: int, track: Mapping[str, Any]) -> Result:
    return {
        "image_id": frame,
        "category_id": track["category_id"],
        "bbox": list(track["bbox"]),
        "score": track["score"],
        "track_id": track["id"],
    }


def build(
    weights: Path | None,
    device: str = "cpu",
    detector: str = "faster_rcnn_mini",
    tracker: str = "deepsort",
) -> Tracked:
    """Build detector and tracker.

    Args:
        weights: of the detector.
        device: "cpu" or "cuda".
        detector: name in ``DETECTORS``.
        tracker: name in ``vcmflow.track.registry.TRACKERS``.

    Raises:
        VcmflowError: an unknown name, or unfit weights.
    """
    new = partial(build_entry, TRACKERS, tracker, "tracker", {})
    new()  # what is wrong is said before the detector is loaded
    offered = {"weights": weights, "device": device}
    return Tracked(build_entry(DETECTORS, detector, "detector", {}, offered=offered), new)
