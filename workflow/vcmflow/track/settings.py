"""What can be chosen about DeepSORT, and the flags for it. Light: no tracker is imported."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from vcmflow.core.errors import VcmflowError


@dataclass(frozen=True)
class TrackerSettings:
    """Settings of DeepSORT.

    Attributes:
        score_threshold: detections below are not tracked, 0..1.
        max_age: frames that a track survives without a detection.
        max_iou_distance: 1 - IoU above which a box is not the same object, 0..1.
        max_cosine_distance: appearance distance above which it is not, 0..1.
    """

    score_threshold: float = 0.3
    max_age: int = 30
    max_iou_distance: float = 0.7
    max_cosine_distance: float = 0.2

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("score_threshold", "max_iou_distance", "max_cosine_distance"):
            if not 0 <= getattr(self, name) <= 1:
                raise VcmflowError(f"track: {name} is {getattr(self, name)}; allowed: 0..1")
        if self.max_age < 1:
            raise VcmflowError(f"track: max_age is {self.max_age}; allowed: 1 or more")


def add_tracker_arguments(parser: argparse._ActionsContainer, defaults: TrackerSettings) -> None:
    """Declare a flag for each of the tracker's settings."""
    for name, kind, text in (
        ("score_threshold", float, "detections below this score are not tracked"),
        ("max_age", int, "frames that a track survives unseen"),
        ("max_iou_distance", float, "1 - IoU beyond which boxes do not match"),
        ("max_cosine_distance", float, "appearance distance beyond which objects do not match"),
    ):
        value = getattr(defaults, name)
        flag = "--" + name.replace("_", "-")
        parser.add_argument(flag, type=kind, default=value, help=f"{text} (default {value})")


def tracker_settings(args: argparse.Namespace) -> TrackerSettings:
    """Read the flags of :func:`add_tracker_arguments`.

    Raises:
        VcmflowError: a value out of range.
    """
    return TrackerSettings(
        args.score_threshold, args.max_age, args.max_iou_distance, args.max_cosine_distance
    )
