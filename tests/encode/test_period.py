"""The intra period in time: as often an entry point, however many frames are kept."""

from __future__ import annotations

import pytest
from test_codecs import encode, write_sequence

from vcmflow.core.encoding import read_encoding
from vcmflow.encode.bitstream import HEVC, pictures_of
from vcmflow.encode.period import in_time


@pytest.mark.parametrize(
    ("codec", "options", "kept", "frames", "period"),
    [
        ("x265", {"intra_period": 30}, 10, 30, 10),
        ("x265", {}, 8, 16, 16),  # the codec's default of 32
        ("x264", {"intra_period": 30}, 3, 100, 2),
        ("x264", {"intra_period": 30}, 100, 100, 30),
        ("vvenc", {"intra_period": 64}, 50, 100, 32),
        ("vvenc", {"intra_period": 64}, 40, 100, 32),
        ("vvenc", {"intra_period": 32}, 4, 10, 16),
        ("vvenc", {"intra_period": 32}, 1, 100, 16),
        ("transvfc", {"intra_period": 1}, 4, 10, 1),  # all intra, however many are kept
    ],
)
def test_a_period_counts_frames_of_the_original(codec, options, kept, frames, period):
    found = in_time(codec, options, kept, frames)
    assert found.get("intra_period", 32) == period


def test_codecs_without_a_period_are_left_alone():
    assert in_time("x265", {"structure": "ai"}, 2, 9) == {"structure": "ai"}
    assert in_time("lossless", {}, 2, 9) == {}


def test_entry_points_come_as_often_in_time(moving_frames, tmp_path):
    kept = list(range(0, 17, 2))
    write_sequence(tmp_path, moving_frames(17, 48, 32), kept)
    codec = {"codec": "x265", "structure": "ra", "intra_period": 8}
    for words, wanted in (([], [0, 4, 8]), (["--intra-in", "pictures"], [0, 8])):
        assert encode(tmp_path, codec, [30], *words) == 0
        pictures = pictures_of(tmp_path / "sent" / "30.265", HEVC)
        assert sum(picture.intra for picture in pictures) == len(wanted)
        (tmp_path / "sent" / "30.265").unlink()
    assert read_encoding(tmp_path / "sent" / "encode.json").codec["intra_period"] == 8
