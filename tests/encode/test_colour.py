"""The colour conversion: exact where it can be, the same at both ends, odd sizes come back."""

from __future__ import annotations

import numpy as np
import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.encode.colour import FromYuv420, ToYuv420, coded_size


def there_and_back(frame):
    height, width = frame.shape[:2]
    return FromYuv420(width, height)(ToYuv420(width, height)(frame))


def bt709(colour):
    """Limited-range 8-bit Y'CbCr of an RGB colour, from ITU-R BT.709's definition."""
    red, green, blue = (value / 255 for value in colour)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (
        16 + 219 * luma,
        128 + 224 * (blue - luma) / 1.8556,
        128 + 224 * (red - luma) / 1.5748,
    )


@pytest.mark.parametrize(
    "colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 160, 30)]
)
def test_flat_colours_follow_bt709(colour):
    frame = np.full((16, 24, 3), colour, np.uint8)
    picture = ToYuv420(24, 16)(frame)
    assert picture.dtype == np.uint16
    assert picture.shape == (24, 24)
    luma, blue, red = picture[:16], picture[16:20], picture[20:]
    for plane, expected in zip((luma, blue, red), bt709(colour), strict=True):
        assert np.all(plane % 4 == 0), "8 bit in 10"
        assert np.all(np.abs(plane / 4 - expected) <= 0.51)
    assert np.abs(there_and_back(frame).astype(int) - frame).max() <= 2


def test_smooth_colours_survive_the_round_trip():
    rows, columns = np.mgrid[0:48, 0:64]
    frame = np.stack([40 + 2 * columns, 60 + 3 * rows, 200 - columns - rows], 2).astype(np.uint8)
    error = there_and_back(frame).astype(float) - frame
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 47


def test_chroma_sits_on_the_left():
    """Of two neighbouring columns that share a chroma sample, the left one is where it lies."""

    def red_difference(column):
        frame = np.full((16, 32, 3), 60, np.uint8)
        frame[:, column] = (200, 60, 60)
        return ToYuv420(32, 16)(frame)[20:].reshape(8, 16)[4].astype(int) - 512

    left, right = red_difference(16), red_difference(17)
    assert left[8] > 1.2 * right[8]
    assert left[8] > 2 * left[9]
    assert abs(right[8] - right[9]) <= 4, "the right column lies halfway between two samples"


@pytest.mark.parametrize(("axis", "offset"), [("columns", 0.0), ("rows", 0.5)])
def test_the_receiver_takes_chroma_from_where_the_sender_put_it(axis, offset):
    """Chroma that rises by 40 a sample: half-way between two rows, and on the left column."""
    rows, columns = np.mgrid[0:8, 0:16]
    red = 300 + 40 * (columns if axis == "columns" else rows) - 150 * (axis == "columns")
    picture = np.full((24, 32), 512, np.uint16)
    picture[20:] = red.reshape(4, 32)
    decoded = FromYuv420(32, 16)(picture).astype(float)[5:-5, 10:-10, 0]
    at = np.mgrid[0:16, 0:32][1 if axis == "columns" else 0][5:-5, 10:-10]
    sample = (at - offset) / 2
    level = 300 - 150 * (axis == "columns") + 40 * sample
    expected = 1.164 * (128 - 16) + 1.793 * (level / 4 - 128)
    assert np.abs(decoded - expected.clip(0, 255)).max() < 1.5


@pytest.mark.parametrize(("width", "height"), [(67, 45), (66, 45), (67, 46), (1, 1), (3, 2)])
def test_odd_sizes_are_padded_and_cropped_back(width, height):
    frame = np.random.default_rng(1).integers(100, 110, (height, width, 3)).astype(np.uint8)
    picture = ToYuv420(width, height)(frame)
    coded_width, coded_height = coded_size(width, height)
    assert (coded_width % 2, coded_height % 2) == (0, 0)
    assert picture.shape == (coded_height * 3 // 2, coded_width)
    back = there_and_back(frame)
    assert back.shape == frame.shape
    assert np.abs(back.astype(int) - frame).max() <= 12


def test_padding_repeats_the_border():
    frame = np.zeros((3, 3, 3), np.uint8)
    frame[:, 2] = 255
    luma = ToYuv420(3, 3)(frame)[:4]
    assert np.all(luma[:, 3] == luma[:, 2])
    assert np.all(luma[3] == luma[2])


def test_another_size_is_refused():
    with pytest.raises(VcmflowError, match="32x16"):
        ToYuv420(32, 18)(np.zeros((16, 32, 3), np.uint8))
