"""The trackers. Light, so that planning can use it."""

from __future__ import annotations

from vcmflow.core.registry import Entry

# name -> builder(**options) -> Tracker
TRACKERS: dict[str, Entry] = {
    "bytetrack": Entry("vcmflow.track.bytetrack:build"),
    "deepsort": Entry("vcmflow.track.deepsort:build"),
}
