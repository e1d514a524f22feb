"""The model of tracking: any detector's boxes, with the numbers of any tracker."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from vcmflow.core.detections import Detections
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.core.video import write_video
from vcmflow.task.registry import DETECTORS, FOLLOWERS, ModelEntry
from vcmflow.task.run import run_model

OFFERED = {"weights": None, "device": "cpu"}


class Blocks:
    """Finds the bright columns of a picture, one box each."""

    def detect(self, frames):
        found = []
        for frame in frames:
            edges = np.flatnonzero(np.diff((frame[5, :, 0] > 127).astype(int), prepend=0, append=0))
            boxes = [[left, 0, right, 20] for left, right in edges.reshape(-1, 2)]
            count = len(boxes)
            found.append(
                Detections(
                    np.array(boxes, np.float32).reshape(-1, 4),
                    np.ones(count, np.float32),
                    np.ones(count, np.int64),
                )
            )
        return found


@pytest.fixture
def video(monkeypatch, tmp_path):
    """Two blocks that move towards each other."""
    monkeypatch.setitem(sys.modules, "blocks", SimpleNamespace(build=lambda: Blocks()))
    monkeypatch.setitem(DETECTORS, "blocks", ModelEntry("blocks:build"))
    frames = []
    for t in range(5):
        frame = np.zeros((32, 96, 3), np.uint8)
        frame[:20, 5 + 2 * t : 17 + 2 * t] = 255
        frame[:20, 70 - 2 * t : 82 - 2 * t] = 255
        frames.append(frame)
    write_video(tmp_path / "v.mkv", frames, 10)
    return tmp_path / "v.mkv"


def test_objects_keep_their_numbers(video):
    model = build(FOLLOWERS, "tracked", "model", {"detector": "blocks"}, offered=OFFERED)
    results = run_model(model, FOLLOWERS["tracked"].reads, video, 2)
    assert [entry["image_id"] for entry in results] == sorted([*range(5)] * 2)
    left = {e["track_id"] for e in results if e["bbox"][0] < 40}
    right = {e["track_id"] for e in results if e["bbox"][0] > 40}
    assert len(left) == len(right) == 1
    assert left != right
    assert results[0]["bbox"] == [5, 0, 12, 20]


def test_unknown_parts_are_one_line():
    for option, message in (("detector", "unknown detector 'x'"), ("tracker", "unknown tracker")):
        with pytest.raises(VcmflowError, match=message):
            build(FOLLOWERS, "tracked", "model", {option: "x"}, offered=OFFERED)


@pytest.mark.parametrize("tracker", ["deepsort", "bytetrack"])
def test_any_tracker_gives_results_that_can_be_judged(video, tracker):
    options = {"detector": "blocks", "tracker": tracker}
    model = build(FOLLOWERS, "tracked", "model", options, offered=OFFERED)
    results = run_model(model, "frames", video, 2)
    assert len({entry["track_id"] for entry in results}) == 2
    assert {entry["image_id"] for entry in results} >= {1, 2, 3, 4}
