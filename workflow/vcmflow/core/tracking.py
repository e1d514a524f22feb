"""What a tracker is, and detecting and tracking objects through a video."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from vcmflow.core.detections import Detections, Detector
from vcmflow.core.errors import VcmflowError
from vcmflow.core.models import load_model
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import Entry, build
from vcmflow.core.tracks import Track
from vcmflow.core.video import Frame


class Tracker(Protocol):
    """Follows objects from frame to frame; one instance per video.

    Builders have the form ``build(**options) -> Tracker``.
    """

    def update(self, frame: Frame, detections: Detections) -> list[Track]:
        """Take in the next frame (uint8 H x W x 3, RGB) and what was found in it.

        Returns:
            The objects seen in it, by ascending id.
        """
        ...


def track_video(
    frames: Iterable[Frame], detector: Detector, tracker: Tracker, batch_size: int = 8
) -> list[list[Track]]:
    """Detect and track objects through a video, holding ``batch_size`` frames at a time.

    Args:
        frames: uint8 H x W x 3, RGB, all of one size.
        detector: a loaded detector.
        tracker: a new one.
        batch_size: frames per call of the detector, >= 1; does not change the result.

    Returns:
        The tracked objects of every frame.

    Raises:
        VcmflowError: there are no frames, or the batch size is below 1.
    """
    if batch_size < 1:
        raise VcmflowError(f"batch size {batch_size}; allowed: 1 or more")
    tracked: list[list[Track]] = []
    stream = iter(frames)
    while batch := list(islice(stream, batch_size)):
        for frame, detections in zip(batch, detector.detect(batch), strict=True):
            tracked.append(tracker.update(frame, detections))
    if not tracked:
        raise VcmflowError("no frames to track objects in")
    return tracked


def add_detector_arguments(
    parser: argparse._ActionsContainer,
    detectors: Mapping[str, Entry],
    trackers: Mapping[str, Entry],
) -> None:
    """Declare the flags of detecting and tracking."""
    parser.add_argument(
        "--detector",
        metavar="INSTANCE",
        help="'{detector: name, option: value, …}' or a name; one of: "
        + ", ".join(sorted(detectors)),
    )
    parser.add_argument("--detector-weights", type=Path, help="weights file of the detector")
    parser.add_argument(
        "--tracker",
        default="deepsort",
        metavar="INSTANCE",
        help=f"'{{tracker: name, …}}' likewise; one of: {', '.join(trackers)} (default deepsort)",
    )


def load_detector(args: argparse.Namespace, detectors: Mapping[str, Entry]) -> Detector:
    """Build the detector of :func:`add_detector_arguments`, ``--device`` and ``--threads``.

    Raises:
        VcmflowError: see :func:`load_model`.
    """
    if args.detector is None:
        raise VcmflowError(f"--detector is missing; allowed: {', '.join(sorted(detectors))}")
    detector: Detector = load_model(
        detectors, "detector", args.detector, args.detector_weights, args.device, args.threads
    )
    return detector


def parse_tracker(args: argparse.Namespace, trackers: Mapping[str, Entry]) -> Callable[[], Tracker]:
    """What makes the tracker of :func:`add_detector_arguments`, a new one for each video.

    Raises:
        VcmflowError: an unknown tracker or option.
    """
    name, options = parse_instance(args.tracker, "tracker")
    new = partial(build, trackers, name, "tracker", options)
    new()  # what is wrong is said before a detector is loaded
    return new
