"""Blocks from pixels, and the maps that need no network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.importance.boxes import build as boxes
from vcmflow.importance.maps import roim
from vcmflow.importance.texture import gradient_energy

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (33, 50), (240, 416), (17, 64)])
def test_blocks_are_finite_positive_and_of_mean_one(size: tuple[int, int]) -> None:
    blocks = roim(RNG.random(size, np.float32))
    assert blocks.dtype == np.float32
    assert blocks.shape == (-(-size[0] // 16), -(-size[1] // 16))
    assert np.isfinite(blocks).all() and (blocks >= 0).all()
    assert blocks.mean(dtype=np.float64) == pytest.approx(1, abs=1e-5)


def test_a_block_is_the_mean_of_the_pixels_that_it_has() -> None:
    pixels = np.zeros((20, 40), np.float32)
    pixels[:16, :16] = 3
    pixels[16:, 32:] = 6  # 4 x 8 px, all of its block
    pixels[0, 16] = 256  # 1 of 256 px
    wanted = np.array([[3, 1, 0], [0, 0, 6]]) * 6 / 10
    np.testing.assert_allclose(roim(pixels), wanted, rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-30, 1e-6, 7.0, 1e30])
def test_the_scale_of_the_pixels_does_not_count(factor: float) -> None:
    pixels = RNG.random((50, 70), np.float32)
    scaled = (pixels.astype(np.float64) * factor).astype(np.float32)
    np.testing.assert_allclose(roim(scaled), roim(pixels), rtol=1e-5)


def test_where_nothing_matters_everything_matters_alike() -> None:
    np.testing.assert_array_equal(roim(np.zeros((40, 60), np.float32)), 1)


def test_texture_is_the_energy_of_the_gradient() -> None:
    ramp = np.tile((3 * np.arange(60)).astype(np.uint8)[None, :, None], (40, 1, 3))
    np.testing.assert_allclose(gradient_energy(ramp)[:, 1:-1], 9, rtol=1e-4)
    np.testing.assert_allclose(gradient_energy(ramp.transpose(1, 0, 2))[1:-1], 9, rtol=1e-4)
    assert not gradient_energy(np.full((20, 20, 3), 90, np.uint8)).any()


def test_texture_does_not_see_brightness() -> None:
    frame = RNG.integers(0, 200, (30, 40, 3), np.uint8)
    brighter = gradient_energy(frame + np.uint8(55))
    np.testing.assert_allclose(brighter, gradient_energy(frame), rtol=1e-3, atol=1e-2)


def truth(path: Path, *annotations: dict[str, Any]) -> Path:
    content = {
        "images": [{"id": 0}, {"id": 1}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"category_id": 1, **one} for one in annotations],
    }
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_boxes_that_count_are_one_inside(tmp_path: Path) -> None:
    score = boxes(
        truth(
            tmp_path / "truth.json",
            {"image_id": 1, "bbox": [10, 4, 20, 8]},
            {"image_id": 1, "bbox": [-5, 28, 10, 30]},
            {"image_id": 1, "bbox": [0, 0, 40, 30], "iscrowd": 1},
            {"image_id": 1, "bbox": [0, 0, 40, 30], "ignore": 1},
        )
    )
    frame = np.zeros((30, 40, 3), np.uint8)
    wanted = np.zeros((30, 40))
    wanted[4:12, 10:30] = 1
    wanted[28:, :5] = 1
    np.testing.assert_array_equal(score(frame, 1), wanted)
    assert not score(frame, 0).any()


def test_boxes_need_ground_truth(tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match="map 'boxes' needs --truth"):
        boxes(None)
    with pytest.raises(VcmflowError, match="no such file"):
        boxes(tmp_path / "gone.json")
