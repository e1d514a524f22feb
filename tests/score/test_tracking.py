"""Tracking: what is counted, on examples whose numbers are known."""

from __future__ import annotations

import json
import math
import random

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.mot import follow
from vcmflow.core.sequence import Sequence
from vcmflow.core.tracks import Track
from vcmflow.core.truth import Annotation, Truth
from vcmflow.score.tracking import build, pool

FRAMES = 6
VIDEO = Sequence("yard", "made", "yard", "boxes", FRAMES, 10.0, 200, 100)


def box(track: int, frame: int, shift: float = 0.0) -> list[float]:
    """Two objects side by side, 20 px wide, that move."""
    return [10.0 + 80 * track + 4 * frame + shift, 10.0, 20.0, 40.0]


def truth(**changes):
    objects = [
        {"image_id": t, "category_id": 1, "bbox": box(k, t), "object_id": 7 + k, "iscrowd": 0}
        for t in range(FRAMES)
        for k in (0, 1)
    ]
    return {
        "images": [{"id": t} for t in range(FRAMES)],
        "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}],
        "annotations": objects,
        **changes,
    }


def found(*items):
    """(frame, object, track id, shift) ..."""
    return [
        {"image_id": t, "category_id": 1, "bbox": box(k, t, shift), "score": 0.9, "track_id": track}
        for t, k, track, shift in items
    ]


def right(shift=0.0):
    return found(*((t, k, k, shift) for t in range(FRAMES) for k in (0, 1)))


@pytest.fixture
def evaluate(tmp_path):
    def measured(results, content=None, **options):
        path = tmp_path / "truth.json"
        path.write_text(json.dumps(content or truth()))
        evaluator = build(VIDEO, path, None, **options)
        return json.loads(json.dumps(evaluator.measure(results, "here")))

    return measured


def test_perfect_tracks(evaluate):
    scores = pool([evaluate(right())])
    assert scores == pytest.approx({"hota": 1, "mota": 1, "motp": 0, "idf1": 1})


def test_boxes_that_lie_beside(evaluate):
    """A shift of 4 of 20 px: IoU 16/24, so that HOTA counts the thresholds up to it."""
    scores = pool([evaluate(right(4.0))])
    assert scores["motp"] == pytest.approx(1 / 3)
    assert scores["mota"] == scores["idf1"] == 1
    assert scores["hota"] == pytest.approx(13 / 19)  # 0.05, 0.10, ..., 0.65


def test_a_miss_a_false_alarm_and_a_switch_cost_one_each(evaluate):
    seen = [(t, k, k, 0.0) for t in range(FRAMES) for k in (0, 1)]
    seen.remove((2, 1, 1, 0.0))  # missed
    seen = [(t, k, 5 if k == 0 and t >= 3 else track, s) for t, k, track, s in seen]  # switched
    alarm = [{"image_id": 4, "category_id": 1, "bbox": [0, 80, 9, 9], "score": 1, "track_id": 9}]
    scores = pool([evaluate(found(*seen) + alarm)])
    assert scores["mota"] == pytest.approx(1 - 3 / 12)
    # Object 0 keeps the better of its two tracks for half its frames.
    assert scores["idf1"] == pytest.approx(2 * 8 / (12 + 12))
    assert scores["motp"] == pytest.approx(0)
    assert 0.5 < scores["hota"] < 1


def test_many_false_alarms_make_mota_negative(evaluate):
    alarms = found(*((t, k, 10 + 10 * t + k, 40.0) for t in range(FRAMES) for k in (0, 1)))
    scores = pool([evaluate(alarms)])
    assert scores["mota"] == -1
    assert scores["hota"] == 0
    assert math.isnan(scores["motp"])


def test_sequences_are_pooled_by_their_counts(evaluate):
    perfect, nothing = evaluate(right()), evaluate([])
    scores = pool([perfect, nothing])
    assert scores["mota"] == pytest.approx(0.5)
    assert scores["idf1"] == pytest.approx(2 * 12 / (24 + 12))
    assert scores["hota"] == pytest.approx(0.5**0.5)


def test_classes_are_apart(evaluate):
    wrong = [entry | {"category_id": 3} for entry in right()]
    scores = pool([evaluate(wrong)])
    assert scores["mota"] == -1
    assert scores["idf1"] == 0


def test_ignored_regions_are_neither_right_nor_wrong(evaluate):
    content = truth()
    for entry in content["annotations"]:
        entry["ignore"] = entry["object_id"] == 8
    assert pool([evaluate(right(), content)])["mota"] == 1
    half = found(*((t, 0, 0, 0.0) for t in range(FRAMES)))
    assert pool([evaluate(half, content)])["mota"] == 1


def test_nothing_to_follow_is_no_number(evaluate):
    scores = pool([evaluate(right(), truth(annotations=[]))])
    assert all(math.isnan(value) for value in scores.values())


def test_without_annotations_the_tracks_on_uncompressed_frames_are_the_truth():
    evaluator = build(VIDEO, None, right())
    assert pool([evaluator.measure(right(), "here")])["hota"] == 1
    assert pool([evaluator.measure(right()[::2], "here")])["mota"] == pytest.approx(0.5)


def test_what_is_no_track_is_one_line(evaluate):
    entry = right()[0]
    with pytest.raises(VcmflowError, match="here: entry 0 has no track_id"):
        evaluate([{k: v for k, v in entry.items() if k != "track_id"}])
    with pytest.raises(VcmflowError, match="here: track 0 comes twice in frame 0"):
        evaluate([entry, entry])
    content = truth()
    del content["annotations"][0]["object_id"]
    with pytest.raises(VcmflowError, match="in frame 0 has no object_id"):
        evaluate([], content)


@pytest.mark.parametrize("seed", range(8))
def test_motmetrics_counts_the_same(evaluate, seed):
    """Of objects that are missed, swapped, shifted and made up; see ``vcmflow.core.mot``."""
    chance = random.Random(seed)
    items = []
    for frame in range(FRAMES):
        names = [0, 1] if chance.random() < 0.7 else [1, 0]
        for number, track in enumerate(names):
            if chance.random() < 0.8:
                shift = chance.choice([0.0, 2.0, 9.0, 30.0])
                items.append((frame, number, track, shift))
        if chance.random() < 0.3:
            items.append((frame, 1, 5, 45.0))
    results = found(*items)
    ours = pool([evaluate(results)])
    tracks = [
        [Track(r["track_id"], tuple(r["bbox"]), 0.9, 1) for r in results if r["image_id"] == frame]
        for frame in range(FRAMES)
    ]
    annotations = tuple(
        Annotation(*(o["image_id"], 1, tuple(o["bbox"]), 800.0, False, False, o["object_id"], None))
        for o in truth()["annotations"]
    )
    other = follow(Truth({1: "person"}, annotations), tracks, "yard")
    assert (ours["mota"], ours["idf1"]) == pytest.approx((other.mota, other.idf1))
