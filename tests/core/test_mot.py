"""MOTA and IDF1: counted by hand, and what is neither hit nor miss."""

from __future__ import annotations

import math

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.mot import Tracked, follow, total
from vcmflow.core.tracks import Track
from vcmflow.core.truth import Annotation, Truth

A, B = (10.0, 10.0, 20.0, 20.0), (60.0, 10.0, 20.0, 20.0)


def there(frame, object_id, box, category=1, crowd=False, ignore=False):
    return Annotation(frame, category, box, box[2] * box[3], crowd, ignore, object_id, None)


def found(identity, box, category=1):
    return Track(identity, box, 0.9, category)


def compare(annotations, tracks):
    return follow(Truth({1: "person", 2: "bicycle"}, tuple(annotations)), tracks, "s")


def test_perfect_tracks_have_measures_of_one_whatever_they_are_called():
    truth = [there(frame, name, box) for frame in range(4) for name, box in ((1, A), (2, B))]
    counts = compare(truth, [[found(70, A), found(9, B)] for _ in range(4)])
    assert counts == Tracked(8, 0, 0, 0, idtp=8, idfp=0, idfn=0)
    assert (counts.mota, counts.idf1) == (1, 1)


def test_a_switch_a_miss_and_a_false_positive_count_as_by_hand():
    """One object in six frames: tracks 1 1 1 2 2 and none, and a stray box."""
    truth = [there(frame, 5, A) for frame in range(6)]
    tracks = [[found(1, A)]] * 3 + [[found(2, A)]] * 2 + [[found(3, B)]]
    counts = compare(truth, tracks)
    assert counts == Tracked(6, misses=1, false_positives=1, switches=1, idtp=3, idfp=3, idfn=3)
    assert counts.mota == pytest.approx(1 - 3 / 6)
    assert counts.idf1 == pytest.approx(2 * 3 / (2 * 3 + 3 + 3))


def test_a_track_needs_half_the_overlap_and_the_category():
    truth = [there(0, 1, A)]
    near = (20.0, 10.0, 20.0, 20.0)  # IoU 1/3
    for track in (found(1, near), found(1, A, category=2)):
        assert compare(truth, [[track]]) == Tracked(1, 1, 1, 0, idtp=0, idfp=1, idfn=1)


def test_tracks_on_what_need_not_be_found_are_left_out_unless_they_are_hits():
    truth = [there(0, 1, A), there(0, None, A, ignore=True), there(0, None, B, crowd=True)]
    part = (60.0, 10.0, 10.0, 10.0)
    counts = compare(truth, [[found(1, A), found(2, part), found(3, (74.0, 10.0, 20.0, 20.0))]])
    assert counts == Tracked(1, 0, 1, 0, idtp=1, idfp=1, idfn=0)


def test_counts_of_sequences_add_up_before_measures_are_made():
    parts = [Tracked(10, 1, 2, 3, 4, 5, 6), Tracked(90, 0, 0, 0, 90, 0, 0)]
    assert total(parts) == Tracked(100, 1, 2, 3, 94, 5, 6)
    assert total(parts).mota == pytest.approx(0.94)
    assert math.isnan(total([Tracked(0, 0, 2, 0, 0, 2, 0)]).mota)
    assert math.isnan(total([Tracked(0, 0, 2, 0, 0, 2, 0)]).idf1)


def test_frames_without_anything_count_nothing():
    assert compare([], [[], []]) == Tracked(0, 0, 0, 0, 0, 0, 0)
    assert compare([there(1, 1, A)], [[], []]) == Tracked(1, 1, 0, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("annotation", "message"),
    [(there(0, None, A), "no object_id"), (there(4, 1, A), "tracks of 1 frames")],
)
def test_what_cannot_be_compared_is_one_clear_line(annotation, message):
    with pytest.raises(VcmflowError, match=message):
        compare([annotation], [[]])
