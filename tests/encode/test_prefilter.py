"""VVenC behind a filter: detail goes where little matters, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from importance_maps import ramp

from vcmflow.encode.vvenc_prefilter import blurred


def test_what_matters_keeps_its_pixels_and_the_rest_loses_detail(moving_frames):
    frame = moving_frames(1, 96, 48)[0]
    amount = np.zeros((3, 6), np.float32)
    amount[:, 3:] = 1
    once, twice = (blurred(frame, amount, sigma) for sigma in (1, 4))
    for result in (once, twice):
        assert np.array_equal(result[:, :48], frame[:, :48])

    def detail(picture):
        return np.abs(np.diff(picture[:, 64:].astype(float), axis=1)).mean()

    assert detail(frame) > 1.1 * detail(once)
    assert detail(once) > 1.5 * detail(twice)
    assert np.array_equal(blurred(frame, 0 * amount, 4), frame)


@pytest.mark.parametrize("size", [(67, 45), (16, 16), (33, 17)])
def test_a_flat_picture_stays(size):
    frame = np.full((size[1], size[0], 3), (9, 130, 250), np.uint8)
    amount = ramp(1, *size)[0]
    assert np.array_equal(blurred(frame, amount / amount.max(), 3), frame)


def test_bytes_move_with_the_map(encode_clip, moving_frames):
    frames = moving_frames(3, 96, 64)

    def code(name, needs, **options):
        return encode_clip(name, "ai", 32, frames=frames, needs=needs, **options).read_bytes()

    maps = {"importance": ramp(3, 96, 64)}
    plain = code("vvenc", {"none": None})
    assert code("vvenc_prefilter", maps, strength=0) == plain
    sizes = [len(plain)]
    sizes += [len(code("vvenc_prefilter", maps, blur=blur)) for blur in (0.8, 3.0)]
    assert sizes[0] > sizes[1] > sizes[2]
    turned = {"importance": maps["importance"][:, :, ::-1]}
    assert code("vvenc_prefilter", turned) != code("vvenc_prefilter", maps)
    assert code("vvenc_prefilter", maps) == code("vvenc_prefilter", maps)
