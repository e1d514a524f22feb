"""Detections and COCO results lists: what goes in comes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.detections import Detections, no_detections, to_results, write_results
from vcmflow.core.errors import VcmflowError
from vcmflow.core.rle import decode_mask


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
@given(seed=st.integers(0, 2**32), frame=st.integers(0, 9), count=st.integers(0, 6))
def test_a_list_holds_frame_order_boxes_and_masks(seed: int, frame: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(1, 40)), int(rng.integers(1, 40)))
    before = detections(rng, count, size)
    listed = json.loads(json.dumps(to_results(frame, before)))
    assert [entry["image_id"] for entry in listed] == [frame] * count
    assert [entry["category_id"] for entry in listed] == before.categories.tolist()
    assert before.masks is not None
    for entry, box, score, mask in zip(
        listed, before.boxes, before.scores, before.masks, strict=True
    ):
        x, y, width, height = entry["bbox"]
        np.testing.assert_allclose([x, y, x + width, y + height], box, atol=0.011)
        assert entry["score"] == pytest.approx(float(score), abs=1e-5)
        np.testing.assert_array_equal(decode_mask(entry["segmentation"], size=size), mask)


def test_boxes_without_masks_have_no_segmentation_field() -> None:
    listed = to_results(4, detections(np.random.default_rng(0), 3, None))
    assert [entry["image_id"] for entry in listed] == [4, 4, 4]
    assert all("segmentation" not in entry for entry in listed)


def test_no_detections_at_all(tmp_path: Path) -> None:
    assert to_results(0, no_detections((4, 5))) == []
    write_results(tmp_path / "none.json", [])
    assert json.loads((tmp_path / "none.json").read_text()) == []


def test_written_text_is_the_same_every_time_and_is_plain_json(tmp_path: Path) -> None:
    listed = to_results(0, detections(np.random.default_rng(1), 5, (9, 7)))
    for name in ("a.json", "b.json"):
        write_results(tmp_path / name, listed)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text()) == listed


def test_detections_that_do_not_belong_together_are_refused() -> None:
    boxes = np.zeros((2, 4), np.float32)
    with pytest.raises(VcmflowError, match="do not belong together"):
        Detections(boxes, np.zeros(3, np.float32), np.zeros(3, np.int64))
    with pytest.raises(VcmflowError, match="descend"):
        Detections(boxes, np.array([0.1, 0.2], np.float32), np.zeros(2, np.int64))
