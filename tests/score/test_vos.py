"""J and F against the definitions of DAVIS 2017's evaluation, written down once more, naively."""

from __future__ import annotations

import json
import math
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.morphology import disk

from vcmflow.core.errors import VcmflowError
from vcmflow.core.pictures import read_labels
from vcmflow.core.rle import encode_mask
from vcmflow.core.sequence import Sequence
from vcmflow.score.vos import boundary, boundary_f, build, jaccard, pool, statistics

HEIGHT, WIDTH, FRAMES = 48, 64, 9


def official_boundary(mask: np.ndarray) -> np.ndarray:
    """A pixel is on the boundary if it differs from its east, south or south-east neighbour."""
    height, width = mask.shape
    edge = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            east = mask[y, x + 1] if x + 1 < width else None
            south = mask[y + 1, x] if y + 1 < height else None
            both = mask[y + 1, x + 1] if y + 1 < height and x + 1 < width else None
            seen = [one for one in (east, south, both) if one is not None]
            edge[y, x] = any(one != mask[y, x] for one in seen)
    return edge


def official_f(found: np.ndarray, true: np.ndarray) -> float:
    """The evaluation's F, by distances between all pairs of boundary pixels."""
    reach = np.ceil(0.008 * np.linalg.norm(found.shape))
    a, b = (np.argwhere(official_boundary(mask)) for mask in (found, true))
    if not len(a) or not len(b):
        precision, recall = (1.0 if len(a) == 0 else 0.0), (1.0 if len(b) == 0 else 0.0)
    else:
        squares = ((a[:, None] - b[None]) ** 2).sum(axis=2)
        precision = (squares.min(axis=1) <= reach**2).mean()
        recall = (squares.min(axis=0) <= reach**2).mean()
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def official_statistics(values: np.ndarray) -> tuple[float, float, float]:
    ids = np.round(np.linspace(1, len(values), 5) + 1e-10) - 1
    ids = ids.astype(np.uint8)
    bins = [values[ids[k] : ids[k + 1] + 1] for k in range(4)]
    return np.mean(values), np.mean(values > 0.5), np.mean(bins[0]) - np.mean(bins[3])


def blob(rng: np.random.Generator, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), 4)
    return noise > np.quantile(noise, rng.uniform(0.5, 0.9))


@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(2, 40))
@settings(max_examples=25)
def test_boundaries_are_the_official_ones(seed: int, height: int, width: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) > 0.6
    assert np.array_equal(boundary(mask), official_boundary(mask))


@pytest.mark.parametrize("seed", range(6))
def test_f_is_the_official_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = blob(rng)
    near = np.roll(true, (1, 2), (0, 1))
    for found in (true, near, blob(rng), np.zeros_like(true), np.ones_like(true)):
        assert boundary_f(true, found, 0.008) == pytest.approx(official_f(found, true))
        assert boundary_f(found, true, 0.008) == pytest.approx(official_f(true, found))


def test_the_tolerance_is_a_disk_of_whole_pixels() -> None:
    """At 480p it is 8 px; an edge moved by so much still matches, by 9 it does not."""
    columns = np.zeros((480, 854), int) + np.arange(854)
    values = [boundary_f(columns >= 400, columns >= 400 + k, 0.008) for k in (0, 8, 9)]
    assert values == [1.0, 1.0, 0.0]
    square = np.zeros((25, 25), np.uint8)
    square[12, 12] = 1
    span = np.arange(-8, 9)
    own = (span[:, None] ** 2 + span[None] ** 2 <= 64).astype(np.uint8)
    assert np.array_equal(cv2.dilate(square, own), cv2.dilate(square, disk(8)))


def test_j_is_one_where_both_are_empty() -> None:
    nothing, something = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    assert (jaccard(nothing, nothing), jaccard(nothing, something)) == (1.0, 0.0)
    assert boundary_f(nothing, nothing, 0.008) == 1.0
    half = something.copy()
    half[:2] = False
    assert jaccard(something, half) == 0.5


@given(st.lists(st.floats(0, 1), min_size=1, max_size=120))
def test_mean_recall_and_decay_are_the_official_ones(values: list[float]) -> None:
    assert statistics(values) == pytest.approx(official_statistics(np.array(values)))


def entry(frame: int, number: int, mask: np.ndarray) -> dict[str, Any]:
    rows, columns = np.nonzero(mask)
    box = [int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
    return {
        "image_id": frame,
        "category_id": 1,
        "bbox": box,
        "score": 1.0,
        "object_id": number,
        "segmentation": encode_mask(mask),
    }


def write_truth(path: Path, entries: list[dict[str, Any]], frames: int = FRAMES) -> Path:
    images = [{"id": k} for k in range(frames)]
    categories = [{"id": 1, "name": "object"}]
    content = {"images": images, "categories": categories, "annotations": entries}
    path.write_text(json.dumps(content))
    return path


def video(frames: int = FRAMES, height: int = HEIGHT, width: int = WIDTH) -> Sequence:
    return Sequence("v", "d", "s", "masks", frames, 24.0, width, height)


def test_the_first_and_the_last_frame_play_no_part(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    masks = [blob(rng) for _ in range(FRAMES)]
    truth = write_truth(tmp_path / "t.json", [entry(k, 4, m) for k, m in enumerate(masks)])
    evaluator = build(video(), truth, None)
    right = [entry(k, 4, m) for k, m in enumerate(masks)]
    assert pool([evaluator.measure(right[1:-1], "x")])["jf"] == 1
    wrong = pool([evaluator.measure([right[0], right[-1]], "x")])
    assert wrong["jf"] == wrong["j_recall"] == 0
    late = pool([evaluator.measure(right[:5], "x")])
    assert late["j_decay"] == 1 and late["j_mean"] == pytest.approx(4 / 7)


def test_objects_of_all_sequences_weigh_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    entries = {n: [entry(k, n, blob(rng)) for k in range(FRAMES)] for n in (1, 2, 5)}
    entries[5] = entries[5][3:]  # comes later: not followed
    one = build(video(), write_truth(tmp_path / "a.json", entries[1]), None)
    two = build(video(), write_truth(tmp_path / "b.json", [*chain(*entries.values())]), None)
    evidence = [one.measure(entries[1], "x"), two.measure(entries[1], "x")]
    assert [len(part["objects"]) for part in evidence] == [1, 2]
    assert pool(evidence)["j_mean"] == pytest.approx(2 / 3)
    assert all(math.isnan(value) for value in pool([{"objects": []}]).values())


def test_what_cannot_be_judged_is_one_clear_line(tmp_path: Path) -> None:
    mask = blob(np.random.default_rng(2))
    truth = write_truth(tmp_path / "t.json", [entry(k, 1, mask) for k in range(FRAMES)])
    evaluator = build(video(), truth, None)
    plain = entry(1, 1, mask)
    for change, message in (
        ([plain, plain], "object 1 comes twice in frame 1"),
        ([plain | {"object_id": 7}], r"object 7 is none of those in the first frame \(1\)"),
        ([{k: v for k, v in plain.items() if k != "object_id"}], "entry 0 has no object_id"),
        ([{k: v for k, v in plain.items() if k != "segmentation"}], "or no mask"),
        ([plain | {"segmentation": encode_mask(mask[:-1])}], "mask of 64x47, frames are 64x48"),
    ):
        with pytest.raises(VcmflowError, match=message):
            evaluator.measure(change, "x")
    with pytest.raises(VcmflowError, match="has 2 frames; J and F"):
        build(video(frames=2), truth, None)
    boxes = [{k: v for k, v in plain.items() if k != "segmentation"}]
    with pytest.raises(VcmflowError, match="has no mask, or no id"):
        build(video(), write_truth(tmp_path / "b.json", boxes), None)


def test_real_masks_are_judged_as_officially(real: Path, tmp_path: Path) -> None:
    """Masks of DAVIS 2016, each held against the one of the frame before it."""
    folder = next((folder for folder in sorted(real.rglob("Annotations/480p/*"))), None)
    if folder is None:
        pytest.skip("no masks of DAVIS here")
    masks = [read_labels(path)[0] > 0 for path in sorted(folder.glob("*.png"))[:6]]
    height, width = masks[0].shape
    small = [cv2.resize(m.astype(np.uint8), (width // 4, height // 4)) > 0 for m in masks]
    frames = len(small)
    truth = write_truth(tmp_path / "t.json", [entry(k, 1, m) for k, m in enumerate(small)], frames)
    found = [entry(k, 1, small[max(0, k - 1)]) for k in range(frames)]
    one = video(frames, *small[0].shape)
    scores = pool([build(one, truth, None).measure(found, "x")])
    pairs = [(small[k - 1], small[k]) for k in range(1, frames - 1)]
    regions = np.array([(a & b).sum() / (a | b).sum() for a, b in pairs])
    edges = np.array([official_f(a, b) for a, b in pairs])
    expected = [*official_statistics(regions), *official_statistics(edges)]
    names = ["j_mean", "j_recall", "j_decay", "f_mean", "f_recall", "f_decay"]
    assert [scores[name] for name in names] == pytest.approx(expected)
    assert scores["jf"] == pytest.approx((regions.mean() + edges.mean()) / 2)
    assert 0.3 < scores["jf"] < 1
