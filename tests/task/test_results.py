"""Detections and COCO results lists: what goes in comes out, and bad files are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle

from vcmflow.core.errors import VcmflowError
from vcmflow.task.results import (
    decode_mask,
    encode_mask,
    from_results,
    read_results,
    to_results,
    write_results,
)
from vcmflow.task.types import Detections, no_detections


def detections(rng: np.random.Generator, count: int, size: tuple[int, int] | None) -> Detections:
    corners = rng.uniform(0, 200, (count, 2))
    boxes = np.concatenate((corners, corners + rng.uniform(1, 100, (count, 2))), axis=1)
    return Detections(
        boxes=boxes.astype(np.float32),
        scores=np.sort(rng.random(count)).astype(np.float32)[::-1],
        categories=rng.integers(1, 4, count),
        masks=None if size is None else rng.random((count, *size)) < rng.random(),
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), counts=st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_round_trip_keeps_frames_order_boxes_and_masks(seed: int, counts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(1, 40)), int(rng.integers(1, 40)))
    before = [detections(rng, count, size) for count in counts]
    listed = [entry for index, one in enumerate(before) for entry in to_results(index, one)]
    shuffled = json.loads(json.dumps(listed))
    rng.shuffle(shuffled)
    after = from_results(shuffled, len(before), size)
    for one, other in zip(before, after, strict=True):
        assert len(one) == len(other)
        np.testing.assert_allclose(other.boxes, one.boxes, atol=0.011)
        np.testing.assert_allclose(other.scores, one.scores, atol=1e-5)
        assert other.masks is not None and one.masks is not None
        assert other.masks.shape == (len(one), *size)
        if len(set(other.scores.tolist())) == len(other):
            np.testing.assert_array_equal(other.masks, one.masks)
            np.testing.assert_array_equal(other.categories, one.categories)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_masks_are_coded_as_pycocotools_reads_them(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 30))
    bits = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = np.array(bits).reshape(height, width)
    code = encode_mask(mask)
    assert rle.area(code) == mask.sum()
    np.testing.assert_array_equal(decode_mask(code), mask)


def test_boxes_without_masks_have_no_segmentation_field() -> None:
    listed = to_results(4, detections(np.random.default_rng(0), 3, None))
    assert [entry["image_id"] for entry in listed] == [4, 4, 4]
    assert all("segmentation" not in entry for entry in listed)
    assert from_results(listed, 5)[4].masks is None


def test_no_detections_at_all(tmp_path: Path) -> None:
    assert to_results(0, no_detections((4, 5))) == []
    write_results(tmp_path / "none.json", [])
    assert read_results(tmp_path / "none.json") == []
    (empty,) = from_results([], 1, (4, 5))
    assert len(empty) == 0 and empty.masks is not None and empty.masks.shape == (0, 4, 5)


def test_written_text_is_the_same_every_time_and_is_plain_json(tmp_path: Path) -> None:
    listed = to_results(0, detections(np.random.default_rng(1), 5, (9, 7)))
    for name in ("a.json", "b.json"):
        write_results(tmp_path / name, listed)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text()) == listed


GOOD = {"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_id": 3}, "image_id 3; allowed: 0..1"),
        ({"bbox": [1, 2, 3]}, "needs numbers"),
        ({"bbox": [1, 2, -3, 4]}, "not negative"),
        ({"score": "high"}, "needs numbers"),
        ({"score": float("nan")}, "finite"),
        ({"category_id": None}, "needs numbers"),
    ],
)
def test_bad_results_are_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(VcmflowError, match=f"list.json: result 1: .*{said}"):
        from_results([GOOD, GOOD | change], 2, where="list.json")


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [[0, 0, 1, 1]],
        {"size": [4, 4], "counts": "0"},
        {"size": [4, 4], "counts": "ÿ"},
        {"size": [4, 4], "counts": "oooooooooooooooooo"},
        {"size": [-4, 4], "counts": "`0"},
        {"size": [1 << 20, 1 << 20], "counts": "0"},
    ],
)
def test_a_mask_that_does_not_fit_its_size_is_refused(segmentation: Any) -> None:
    with pytest.raises(VcmflowError, match="segmentation: "):
        decode_mask(segmentation)


def test_detections_that_do_not_belong_together_are_refused() -> None:
    boxes = np.zeros((2, 4), np.float32)
    with pytest.raises(VcmflowError, match="do not belong together"):
        Detections(boxes, np.zeros(3, np.float32), np.zeros(3, np.int64))
    with pytest.raises(VcmflowError, match="descend"):
        Detections(boxes, np.array([0.1, 0.2], np.float32), np.zeros(2, np.int64))


@pytest.mark.parametrize("text", ["{}", "[1]", "not json"])
def test_a_file_that_is_no_results_list_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(VcmflowError, match=r"x\.json"):
        read_results(tmp_path / "x.json")
