"""Streams are repeatable, ordered by QP, independent of threads, and refused when wrong."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.encode.codec import RawClip
from vcmflow.encode.decode import decode_stream
from vcmflow.encode.registry import CODECS, QP_RANGES, SUFFIXES
from vcmflow.encode.sequence import check_pictures, encode_sequence


def codec_of(name, preset="faster", intra_period=32, threads=1, **options):
    return build(
        CODECS,
        name,
        "codec",
        options,
        preset=preset,
        intra_period=intra_period,
        threads=threads,
    )


def test_every_codec_has_a_suffix_and_a_range():
    assert set(CODECS) == set(SUFFIXES) == set(QP_RANGES)


@pytest.mark.parametrize("mode", ["ai", "ra"])
@pytest.mark.parametrize("codec", sorted(CODECS))
def test_same_bytes_again_and_fewer_at_higher_qp(encode_clip, codec, mode):
    first, again = (encode_clip(codec, mode, 27).read_bytes() for _ in range(2))
    assert first == again
    assert len(encode_clip(codec, mode, 45).read_bytes()) < len(first)


@pytest.mark.parametrize("mode", ["ai", "ra"])
def test_same_bytes_with_any_number_of_threads(encode_clip, moving_frames, mode):
    frames = moving_frames(6, 96, 64)
    streams = {
        encode_clip("vvenc", mode, 30, frames=frames, threads=threads).read_bytes()
        for threads in (1, 2, 8)
    }
    assert len(streams) == 1


def test_streams_tell_nothing_about_encoder_and_settings(encode_clip):
    for codec in CODECS:
        stream = encode_clip(codec, "ra", 50).read_bytes()
        assert not re.search(rb"x26[45]|vvenc|Lav[cf]|options", stream, re.I)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("codec", sorted(CODECS))
def test_few_frames(encode_clip, moving_frames, codec, count):
    for mode in ("ai", "ra"):
        stream = encode_clip(codec, mode, 40, frames=moving_frames(count, 48, 32))
        check_pictures(stream, mode, count)


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_the_extreme_qps_of_the_range_encode(encode_clip, moving_frames, codec):
    low, high = QP_RANGES[codec]
    frames = [100 + frame // 16 for frame in moving_frames(2, 64, 48)]
    sizes = [encode_clip(codec, "ai", qp, frames=frames).stat().st_size for qp in (low, high)]
    assert sizes[0] > 5 * sizes[1]


def test_a_picture_too_large_for_the_wrapper_is_explained(encode_clip):
    noise = np.random.default_rng(2).integers(0, 256, (2, 48, 64, 3)).astype(np.uint8)
    with pytest.raises(VcmflowError, match="3072 bytes at this size: use a higher QP"):
        encode_clip("vvenc", "ai", 0, frames=list(noise))


def test_qp_means_the_same_in_every_codec(encode_clip, moving_frames):
    """x264 counts from -12 at 10 bit; the error of a QP must not show that."""
    frames = moving_frames(3, 64, 48)
    errors = {}
    for codec in CODECS:
        stream = encode_clip(codec, "ai", 32, frames=frames)
        decoded = np.stack(list(decode_stream(stream, 64, 48, 3)))
        errors[codec] = np.sqrt(np.mean((decoded.astype(float) - np.stack(frames)) ** 2))
    assert max(errors.values()) < 2 * min(errors.values())


def test_all_intra_pictures_stand_alone(encode_clip, moving_frames):
    """Without MCTF and BIM, a picture's bytes do not depend on its neighbours."""
    frames = moving_frames(3, 64, 48)
    alone = encode_clip("vvenc", "ai", 32, frames=frames[:1]).read_bytes()
    assert encode_clip("vvenc", "ai", 32, frames=frames).read_bytes().startswith(alone)


def test_stream_checks_notice_what_is_wrong(encode_clip, tmp_path):
    intra, random_access = (encode_clip("vvenc", mode, 40) for mode in ("ai", "ra"))
    with pytest.raises(VcmflowError, match="holds 5 pictures, 6 went in"):
        check_pictures(intra, "ai", 6)
    with pytest.raises(VcmflowError, match="4 of 5 pictures are not intra"):
        check_pictures(random_access, "ai", 5)
    with pytest.raises(VcmflowError, match="all 5 pictures are intra"):
        check_pictures(intra, "ra", 5)
    empty = tmp_path / "empty.266"
    empty.touch()
    with pytest.raises(VcmflowError, match="empty"):
        check_pictures(empty, "ai", 5)


class Failing:
    """A codec that writes what it is told to, as an encoder that gives up silently would."""

    def __init__(self, content):
        self.content = content

    def arguments(self, mode, qp):
        return [mode, str(qp)]

    def encode(self, clip, mode, qp, path):
        assert isinstance(clip, RawClip)
        assert mode == "ai"
        assert qp == 30
        path.write_bytes(self.content)
        return {}


def test_an_encoder_that_gives_up_silently_leaves_no_file(encode_clip, moving_frames, tmp_path):
    short = encode_clip("vvenc", "ai", 30, frames=moving_frames(4, 64, 48)).read_bytes()
    for content in (b"", short):
        target = tmp_path / "out.266"
        with pytest.raises(VcmflowError, match=r"QP 30: .*out\.266: "):
            encode_sequence(moving_frames(5, 64, 48), 10, Failing(content), "ai", [(30, target)])
        assert list(tmp_path.iterdir()) == []


def test_the_encoders_own_complaint_is_passed_on(moving_frames, tmp_path):
    codec = codec_of("vvenc", extra="nosuchsetting=1")
    with pytest.raises(VcmflowError, match=r"vvenc, ra, QP 30: .*nosuchsetting"):
        encode_sequence(moving_frames(2, 64, 48), 10, codec, "ra", [(30, tmp_path / "out.266")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("h266",), "unknown codec 'h266'; allowed: vvenc, x264, x265"),
        (("vvenc", "quick"), "preset is 'quick'; allowed: faster, fast, medium, slow, slower"),
        (("x264", "warp"), "preset is 'warp'; allowed: ultrafast"),
        (("x265", "warp"), "preset is 'warp'; allowed: ultrafast"),
        (("x264", "fast", 1), "intra period is 1; allowed: 2 or more"),
        (("x265", "fast", 1), "intra period is 1; allowed: 2 or more"),
    ],
)
def test_settings_that_do_not_exist(arguments, message):
    with pytest.raises(VcmflowError, match=message):
        codec_of(*arguments)


@pytest.mark.parametrize(
    ("codec", "options", "message"),
    [
        ("vvenc", {"gop": 16}, "codec 'vvenc' has no option 'gop'; allowed: gop_size, picture_ha"),
        ("vvenc", {"gop_size": 8}, "gop_size is 8; allowed: 16, 32"),
        ("vvenc", {"picture_hash": "md5"}, "picture_hash is 'md5'; allowed: true, false"),
        ("vvenc", {"extra": "mctf"}, "extra is 'mctf'; allowed: key=value"),
        ("x264", {"picture_hash": True}, "has no option 'picture_hash'; allowed: none"),
        ("x265", {"picture_hash": 1}, "picture_hash is 1; allowed: true, false"),
        ("x265", {"preset": "fast"}, "no option 'preset'"),
    ],
)
def test_options_that_do_not_exist(codec, options, message):
    with pytest.raises(VcmflowError, match=message):
        build(CODECS, codec, "codec", options, preset="fast", intra_period=32, threads=1)


@pytest.mark.parametrize(
    ("intra_period", "gop_size"), [(32, 32), (64, 32), (16, 16), (48, 16), (80, 16)]
)
def test_gop_size_follows_the_intra_period(intra_period, gop_size):
    codec = codec_of("vvenc", intra_period=intra_period)
    assert f"intraperiod={intra_period}:gopsize={gop_size}:" in codec.arguments("ra", 30)[-1]
    assert codec.arguments("ai", 30) == codec_of("vvenc").arguments("ai", 30)


@pytest.mark.parametrize("intra_period", [1, 8, 24, 33])
def test_intra_periods_that_no_gop_fits(intra_period):
    codec = codec_of("vvenc", intra_period=intra_period)
    with pytest.raises(VcmflowError, match="multiples of the GOP size 16"):
        codec.arguments("ra", 30)


def test_what_vvenc_is_asked_for():
    """Objective coding: constant QP, no perceptual adaptation, nothing that threads can change."""
    for mode in ("ai", "ra"):
        arguments = codec_of("vvenc").arguments(mode, 33)
        flags = dict(zip(arguments[::2], arguments[1::2], strict=True))
        assert (flags["-qp"], flags["-qpa"], flags["-preset"]) == ("33", "0", "faster")
        assert "mtprofile=0" in flags["-vvenc-params"]
    assert dataclasses.is_dataclass(codec_of("vvenc"))


def test_no_frames_and_mixed_sizes(moving_frames, tmp_path):
    codec = codec_of("vvenc")
    with pytest.raises(VcmflowError, match="no frames"):
        encode_sequence([], 10, codec, "ra", [(30, tmp_path / "a.266")])
    mixed = moving_frames(1, 64, 48) + moving_frames(1, 48, 32)
    with pytest.raises(VcmflowError, match="48x32, the first one is 64x48"):
        encode_sequence(mixed, 10, codec, "ra", [(30, tmp_path / "a.266")])
    assert list(tmp_path.iterdir()) == []
