"""What the NAL parser reads from real streams, and from broken ones."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.encode.av1 import Av1
from vcmflow.encode.bitstream import (
    AVC,
    HEVC,
    VVC,
    BitReader,
    hashes_of,
    nal_units,
    pictures_of,
    raw_payload,
    without_units,
)

SYNTAXES = {
    "av1": Av1.syntax,
    "vvenc": VVC,
    "vvenc_prefilter": VVC,
    "x264": AVC,
    "x264_roi": AVC,
    "x265": HEVC,
    "x265_roi": HEVC,
}


@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_all_intra_is_all_intra(encode_clip, codec):
    pictures = pictures_of(encode_clip(codec, "ai", 32), SYNTAXES[codec])
    assert len(pictures) == 5
    assert all(picture.intra and picture.random_access for picture in pictures)


@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_random_access_has_inter_pictures_after_one_intra_picture(encode_clip, codec):
    stream = encode_clip(codec, "ra", 32)
    pictures = pictures_of(stream, SYNTAXES[codec])
    assert [picture.intra for picture in pictures] == [True, False, False, False, False]
    assert [picture.random_access for picture in pictures] == [True, False, False, False, False]
    assert hashes_of(stream, SYNTAXES[codec]) == []


@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_intra_period_shows_in_the_stream(encode_clip, moving_frames, codec):
    stream = encode_clip(codec, "ra", 40, frames=moving_frames(20, 48, 32), intra_period=16)
    pictures = pictures_of(stream, SYNTAXES[codec])
    assert len(pictures) == 20
    assert sum(picture.intra for picture in pictures) == 2


@given(st.binary(max_size=60))
def test_emulation_prevention_is_undone(payload):
    escaped = bytearray()
    for byte in payload:
        if escaped[-2:] == b"\0\0" and byte <= 3:
            escaped.append(3)
        escaped.append(byte)
    assert raw_payload(bytes(escaped)) == payload


@given(st.lists(st.integers(0, 70_000), max_size=20))
def test_exponential_golomb_codes(values):
    bits = "".join("0" * ((v + 1).bit_length() - 1) + f"{v + 1:b}" for v in values)
    bits += "0" * (-len(bits) % 8)
    reader = BitReader(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
    assert [reader.ue() for _ in values] == values


def test_units_can_be_taken_out():
    stream = b"\0\0\0\1\x67abc\0\0\1\x06note\0\0\1\x65slice"
    assert [unit[0] for unit in nal_units(stream)] == [0x67, 0x06, 0x65]
    rest = without_units(stream, lambda unit: unit[0] == 6)
    assert list(nal_units(rest)) == [b"\x67abc", b"\x65slice"]


@pytest.fixture(scope="module")
def whole_streams(encode_clip):
    hashed = {"vvenc", "x265"}
    return {
        codec: encode_clip(
            codec, "ra", 45, **({"picture_hash": True} if codec in hashed else {})
        ).read_bytes()
        for codec in SYNTAXES
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_damaged_streams_never_crash_the_parser(whole_streams, codec, data):
    """Any bytes give a list, or a VcmflowError and nothing else."""
    stream = bytearray(whole_streams[codec])
    for _ in range(data.draw(st.integers(1, 6))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(stream[: data.draw(st.integers(0, len(stream)))])
    for read in (SYNTAXES[codec].pictures, SYNTAXES[codec].hashes):
        with contextlib.suppress(VcmflowError):
            assert isinstance(read(cut), list)


@pytest.mark.parametrize(
    ("codec", "content", "message"),
    [
        ("vvenc", b"", "empty"),
        ("x265", b"RIFF", "no start code"),
        ("vvenc", b"\0\0\1\4", "damaged"),
        ("x265", b"\0\0\1\x02", "damaged"),
        ("x265", b"\0\0\1\x02\x01\xd0\xff", "parameter set"),
        ("x264", b"\0\0\1\x65\x58\xff", "does not begin a picture"),
        ("av1", b"\0\0\1\x65", "no start code"),
        ("av1", b"\x12\0\x32\x7f\x10", "an OBU is cut off"),
        ("av1", b"\x12\0\x32\x80", "an OBU is cut off"),
        ("av1", b"\x12\0\xff", "byte 2 begins no OBU"),
        ("av1", b"\x12\0\x32\0", "shorter than its header"),
        ("av1", b"\x12\0\x0a\1\x18", "a still picture"),
    ],
)
def test_what_is_no_stream_is_refused(tmp_path, codec, content, message):
    path = tmp_path / "stream"
    path.write_bytes(content)
    with pytest.raises(VcmflowError, match=f"stream: .*{message}"):
        pictures_of(path, SYNTAXES[codec])


def test_a_frame_that_is_only_shown_again_is_a_picture_that_is_not_intra():
    """AV1: temporal delimiter, shown key frame; then a frame that is hidden, and shown later."""
    stream = bytes.fromhex("1200 320110 1200 320100 1200 1a0180".replace(" ", ""))
    shown = [(picture.intra, picture.random_access) for picture in Av1.syntax.pictures(stream)]
    assert shown == [(True, True), (False, False)]


def test_a_missing_stream_is_named(tmp_path):
    with pytest.raises(VcmflowError, match=r"gone\.266"):
        pictures_of(tmp_path / "gone.266", VVC)
