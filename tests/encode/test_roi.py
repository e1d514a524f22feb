"""Encoders with a QP per block: the bytes move with the map, and the QPs are those asked for."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from importance_maps import ramp

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.encode.allocation import Allocation
from vcmflow.encode.kvazaar_roi import as_text
from vcmflow.encode.registry import CODECS
from vcmflow.encode.roi import Canvas, matched

ROI = ["x264_roi", "x265_roi"]
WIDTH, HEIGHT, COUNT = 128, 96, 5


@pytest.fixture(scope="module")
def textured():
    """Smooth noise, alike everywhere, that moves a pixel per frame."""
    random = np.random.default_rng(4)
    coarse = random.uniform(0, 255, (HEIGHT // 2, (WIDTH + COUNT) // 2 + 1))
    picture = np.kron(coarse, np.ones((2, 2)))
    picture = (picture + np.roll(picture, 1, 0) + np.roll(picture, 1, 1)) / 3
    return [np.repeat(picture[:, k : k + WIDTH, None], 3, 2).astype(np.uint8) for k in range(COUNT)]


def halves(ratio):
    """The left half matters ``ratio`` times as much as the right one."""
    maps = np.ones((COUNT, HEIGHT // 16, WIDTH // 16), np.float32)
    maps[:, :, : WIDTH // 32] = ratio
    return {"importance": maps / maps.mean((1, 2), keepdims=True)}


def qp_of(stream):
    return np.load(stream.with_suffix(".qp.npy"))


def errors(name, stream, frames):
    """Mean squared error of the left and of the right half, away from the line between them."""
    shape = Shape(WIDTH, HEIGHT, COUNT, 10.0)
    decoded = np.stack(list(build(CODECS, name, "codec", {}).decode({"base": stream}, shape)))
    error = (decoded.astype(float) - np.stack(frames)) ** 2
    return error[:, :, : WIDTH // 2 - 8].mean(), error[:, :, WIDTH // 2 + 8 :].mean()


@pytest.mark.parametrize("structure", ["ai", "ra"])
@pytest.mark.parametrize("name", ["kvazaar_roi", *ROI])
def test_bytes_and_quality_move_with_the_map(encode_clip, textured, name, structure):
    def code(ratio, **options):
        return encode_clip(name, structure, 32, frames=textured, needs=halves(ratio), **options)

    plain, left, right = (code(ratio) for ratio in (1, 4, 0.25))
    assert len({path.read_bytes() for path in (plain, left, right)}) == 3
    assert code(4).read_bytes() == left.read_bytes()
    plain, left, right = (
        np.log2(np.divide(*errors(name, path, textured))) for path in (plain, left, right)
    )
    # 6 QP are a factor of 4 in error at high rate; deblocking and coarse steps take some.
    assert left + 0.5 < plain < right - 0.5


@pytest.mark.parametrize("structure", ["ai", "ra"])
@pytest.mark.parametrize("name", ["kvazaar_roi", *ROI])
def test_strength_0_is_no_map(encode_clip, textured, name, structure):
    streams = [
        encode_clip(name, structure, 32, frames=textured, needs=halves(ratio), strength=strength)
        for ratio, strength in ((4, 0), (1, 0), (1, 1))
    ]
    assert len({path.read_bytes() for path in streams}) == 1


@pytest.mark.parametrize("name", ROI)
def test_pictures_have_the_qps_of_constant_qp(encode_clip, moving_frames, name):
    """I 3 below P; B above; and not those of an earlier map that the encoder kept in a buffer."""
    frames = moving_frames(21, 64, 48)
    maps = ramp(21, 64, 48)
    maps[1::2] = 1  # a map in every second picture only
    stream = encode_clip(name, "ra", 32, frames=frames, needs={"importance": maps}, intra_period=16)
    means = qp_of(stream)[[0, 8, 16]].mean((1, 2))
    # Skipped macroblocks have the QP of the one before, so that only intra pictures are exact.
    assert means[0] == pytest.approx(29, abs=0.5)
    assert means[2] == pytest.approx(29, abs=0.5)
    assert means[1] == pytest.approx(32, abs=2)
    flat = qp_of(encode_clip(name, "ai", 32, frames=frames, needs={"importance": maps}))
    assert (flat[1::2] == 29).all()
    assert flat[::2].mean() == pytest.approx(29, rel=0.02)


def test_x264_codes_what_was_asked_for(encode_clip, textured):
    qps = qp_of(encode_clip("x264_roi", "ai", 32, frames=textured, needs=halves(4)))
    assert qps.shape == (COUNT, HEIGHT // 16, WIDTH // 16)
    assert qps.dtype == np.float32
    # log2(4) * 3 = 6 apart. x264 leaves out steps of one QP.
    assert np.abs(qps[:, :, : WIDTH // 32] - 26).max() <= 1
    assert np.abs(qps[:, :, WIDTH // 32 :] - 32).max() <= 1


@pytest.mark.parametrize("name", ROI)
def test_response_to_the_strength(encode_clip, textured, name):
    ratios = []
    for strength in (0, 0.5, 1):
        stream = encode_clip(
            name, "ai", 32, frames=textured, needs=halves(4), strength=strength, limit=12
        )
        near, far = errors(name, stream, textured)
        ratios.append(np.log2(far / near))
    assert np.diff(ratios).min() > 0.5


@pytest.mark.parametrize("name", ROI)
def test_the_rate_can_be_matched(encode_clip, moving_frames, name):
    frames = moving_frames(4, 160, 96)
    maps = {"importance": ramp(4, 160, 96)}
    sizes = {
        key: encode_clip(name, "ai", 30, frames=frames, needs=maps, **options).stat().st_size
        for key, options in {
            "anchor": {"strength": 0, "match_rate": True},
            "free": {},
            "matched": {"match_rate": True},
        }.items()
    }
    assert abs(sizes["free"] / sizes["anchor"] - 1) > 0.02
    assert abs(sizes["matched"] / sizes["anchor"] - 1) < 0.02


@pytest.mark.parametrize("exponent", [-6.0, -4.5, -9.0])
@pytest.mark.parametrize("start", [0.8, 1.0, 1.7])
def test_the_search_ends_near_the_anchor(start, exponent):
    tried = []

    def ratio(mean):
        tried.append(mean)
        return start * 2 ** (mean / exponent) + 0.002 * np.sin(40 * mean)

    mean, found = matched(ratio)
    assert abs(found - 1) < 0.02
    assert found == ratio(mean)
    assert len(tried) <= 9


def test_a_rate_that_cannot_be_reached_gives_the_nearest():
    mean, found = matched(lambda mean: 5 * 2 ** (-mean / 6))
    assert mean == 12
    assert found == pytest.approx(5 / 4)


def test_the_canvas_shows_each_picture_with_its_own_offsets():
    canvas = Canvas(40, 20, Fraction(1, 10))
    picture = np.arange(30 * 40, dtype=np.uint16).reshape(30, 40)
    for number, offsets in enumerate(np.arange(12).reshape(2, 2, 3) - 5):
        frame = canvas.fill(number, picture + number, offsets)
        assert np.array_equal(frame.to_ndarray(), picture + number)
        data = bytes(frame.side_data["REGIONS_OF_INTEREST"])
        regions = np.frombuffer(data, np.int32).reshape(2, 3, 7)
        assert (regions[..., 0] == 28).all()
        assert regions[1, 2, 1:5].tolist() == [16, 20, 32, 40]
        assert np.array_equal(regions[..., 5], offsets)
        assert (regions[..., 6] == 63).all()


@pytest.mark.parametrize("name", ROI)
def test_a_map_of_other_frames_is_refused(encode_clip, textured, name):
    with pytest.raises(VcmflowError, match="has 3 x 4 blocks; frames of 128x96 have 6 x 8"):
        encode_clip(name, "ai", 32, frames=textured, needs={"importance": ramp(COUNT, 64, 48)})
    wrong = halves(4)
    wrong["importance"][1, 2, 3] = np.nan
    with pytest.raises(VcmflowError, match="negative or not finite"):
        encode_clip(name, "ai", 32, frames=textured, needs=wrong)


def test_kvazaar_takes_a_grid_of_its_units_and_sizes_that_it_can_code(encode_clip, moving_frames):
    """416 x 240 px are 7 x 4 units of 64 px."""
    offsets = Allocation(block=64).offsets(ramp(2, 416, 240), 416, 240)
    lines = as_text(offsets[:, ::4, ::4]).splitlines()
    assert lines[0] == lines[5] == "7 4"
    assert len(lines) == 10
    assert lines[1].split() == [str(value) for value in offsets[0, 0, ::4]]
    with pytest.raises(VcmflowError, match="frames are 68x46; Kvazaar takes multiples of 8"):
        encode_clip("kvazaar_roi", "ai", 32, frames=moving_frames(2, 68, 46))
