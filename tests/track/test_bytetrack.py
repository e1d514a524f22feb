"""ByteTrack on detections whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from vcmflow.core.detections import Detections, no_detections
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.track.registry import TRACKERS

FRAME = np.zeros((80, 160, 3), np.uint8)


def found(*objects: tuple[float, float, int]) -> Detections:
    """Boxes of 20 x 30 px at a left edge, with a score and a category, best first."""
    order = sorted(objects, key=lambda one: -one[1])
    if not order:
        return no_detections()
    return Detections(
        np.array([(x, 10, x + 20, 40) for x, _, _ in order], np.float32),
        np.array([score for _, score, _ in order], np.float32),
        np.array([category for _, _, category in order], np.int64),
    )


def follow(frames, **options):
    tracker = build(TRACKERS, "bytetrack", "tracker", options)
    return [tracker.update(FRAME, detections) for detections in frames]


def test_objects_keep_their_numbers_and_their_own_boxes():
    tracks = follow([found((5 + 4 * t, 0.9, 3), (130 - 4 * t, 0.8, 3)) for t in range(8)])
    assert [len(frame) for frame in tracks] == [0] + [2] * 7
    for t, frame in enumerate(tracks[1:], start=1):
        boxes = {track.id: track.bbox for track in frame}
        assert sorted(boxes) == [1, 2]
        assert sorted(box[0] for box in boxes.values()) == sorted([5 + 4 * t, 130 - 4 * t])
        assert all(box[1:] == (10, 20, 30) for box in boxes.values())
    first = {track.id: track.bbox[0] for track in tracks[1]}
    last = {track.id: track.bbox[0] for track in tracks[-1]}
    assert all((last[number] > first[number]) == (first[number] < 60) for number in first)


def test_a_weak_box_goes_on_with_a_track_and_begins_none():
    frames = [found((5 + 4 * t, 0.2 if t == 3 else 0.9, 3), (100, 0.2, 3)) for t in range(6)]
    tracks = follow(frames)
    assert [[track.id for track in frame] for frame in tracks] == [[], [1], [1], [1], [1], [1]]
    assert tracks[3][0].score == pytest.approx(0.2)
    assert follow(frames, new_score=0.1, high_score=0.1)[1][-1].id == 2


def test_a_track_survives_frames_without_a_box_for_as_long_as_it_may():
    frames = [found((50, 0.9, 3)) if t not in (3, 4) else found() for t in range(8)]
    assert {track.id for frame in follow(frames) for track in frame} == {1}
    assert {track.id for frame in follow(frames, max_age=1) for track in frame} == {1, 2}


def test_classes_are_followed_apart():
    """Two things at one place; the number of each is its own."""
    tracks = follow([found((50, 0.9, 1), (51, 0.8, 3)) for _ in range(4)])
    for frame in tracks[1:]:
        assert [(track.id, track.category_id) for track in frame] == [(1, 1), (2, 3)]


def test_a_video_of_nothing_and_a_wrong_option():
    assert follow([found()] * 3) == [[], [], []]
    with pytest.raises(VcmflowError, match="tracker 'bytetrack': option min_iou is 2"):
        build(TRACKERS, "bytetrack", "tracker", {"min_iou": 2})
