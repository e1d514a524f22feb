"""Streams are repeatable, ordered by QP, independent of threads, and refused when wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest
from test_bitstream import SYNTAXES

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.encode import ffmpeg
from vcmflow.encode.bitstream import VVC
from vcmflow.encode.bundled import check_pictures
from vcmflow.encode.registry import CODECS, check_points

# Those whose encoder is in the bundled ffmpeg, not in this process.
BUNDLED = sorted(set(SYNTAXES) - {"x264_roi", "x265_roi"})


def codec_of(name, **options):
    return build(CODECS, name, "codec", options)


@pytest.mark.parametrize("mode", ["ai", "ra"])
@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_same_bytes_again_and_fewer_at_higher_qp(encode_clip, codec, mode):
    first, again = (encode_clip(codec, mode, 27).read_bytes() for _ in range(2))
    assert first == again
    assert len(encode_clip(codec, mode, 45).read_bytes()) < len(first)


@pytest.mark.parametrize("mode", ["ai", "ra"])
@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_same_bytes_with_any_number_of_threads(encode_clip, moving_frames, codec, mode):
    frames = moving_frames(6, 96, 64)
    streams = {
        encode_clip(codec, mode, 30, frames=frames, threads=threads).read_bytes()
        for threads in (1, 2, 8)
    }
    assert len(streams) == 1


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("av1", {"preset": 12}),
        ("vvenc", {"preset": "medium"}),
        ("vvenc", {"extra": "alf=0"}),
        ("vvenc", {"picture_hash": True}),
        ("x264", {"preset": "ultrafast"}),
        ("x265", {"preset": "medium"}),
        ("x265", {"picture_hash": True}),
        *((codec, {"intra_period": 2}) for codec in ("av1", "x264", "x265")),
    ],
)
def test_every_option_reaches_the_encoder(encode_clip, codec, options):
    plain, other = (encode_clip(codec, "ra", 30, **more) for more in ({}, options))
    assert plain.read_bytes() != other.read_bytes()


def test_streams_tell_nothing_about_encoder_and_settings(encode_clip):
    for codec in SYNTAXES:
        stream = encode_clip(codec, "ra", 50).read_bytes()
        assert not re.search(rb"x26[45]|vvenc|svt|Lav[cf]|options", stream, re.I)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_few_frames(encode_clip, moving_frames, codec, count):
    for mode in ("ai", "ra"):
        stream = encode_clip(codec, mode, 40, frames=moving_frames(count, 48, 32))
        check_pictures(stream, SYNTAXES[codec], mode, count)


@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_the_extreme_qps_of_the_range_encode(encode_clip, moving_frames, codec):
    low, high = CODECS[codec].points
    frames = [100 + frame // 16 for frame in moving_frames(2, 64, 48)]
    sizes = [encode_clip(codec, "ai", qp, frames=frames).stat().st_size for qp in (low, high)]
    assert sizes[0] > 5 * sizes[1]


def test_a_picture_too_large_for_the_wrapper_is_explained(encode_clip):
    noise = np.random.default_rng(2).integers(0, 256, (2, 48, 64, 3)).astype(np.uint8)
    with pytest.raises(VcmflowError, match="3072 bytes at this size: use a higher QP"):
        encode_clip("vvenc", "ai", 0, frames=list(noise))


def test_qp_means_the_same_in_the_codecs_that_have_one(encode_clip, moving_frames):
    """x264 counts from -12 at 10 bit; the error of a QP must not show that (AV1 has its own)."""
    frames = moving_frames(3, 64, 48)
    errors = {}
    for codec in ("vvenc", "x264", "x265"):
        stream = encode_clip(codec, "ai", 32, frames=frames)
        decoded = np.stack(list(codec_of(codec).decode({"base": stream}, Shape(64, 48, 3, 10))))
        errors[codec] = np.sqrt(np.mean((decoded.astype(float) - np.stack(frames)) ** 2))
    assert max(errors.values()) < 2 * min(errors.values())


@pytest.mark.parametrize("codec", ["av1", "vvenc"])
def test_all_intra_pictures_stand_alone(encode_clip, moving_frames, codec):
    """Without temporal filters, a picture's bytes do not depend on its neighbours."""
    frames = moving_frames(3, 64, 48)
    alone = encode_clip(codec, "ai", 32, frames=frames[:1]).read_bytes()
    assert encode_clip(codec, "ai", 32, frames=frames).read_bytes().startswith(alone)


def test_stream_checks_notice_what_is_wrong(encode_clip, tmp_path):
    intra, random_access = (encode_clip("vvenc", mode, 40) for mode in ("ai", "ra"))
    with pytest.raises(VcmflowError, match="holds 5 pictures, 6 went in"):
        check_pictures(intra, VVC, "ai", 6)
    with pytest.raises(VcmflowError, match="4 of 5 pictures are not intra"):
        check_pictures(random_access, VVC, "ai", 5)
    with pytest.raises(VcmflowError, match="all 5 pictures are intra"):
        check_pictures(intra, VVC, "ra", 5)
    empty = tmp_path / "empty.266"
    empty.touch()
    with pytest.raises(VcmflowError, match="empty"):
        check_pictures(empty, VVC, "ai", 5)


@pytest.mark.parametrize("codec", BUNDLED)
def test_an_encoder_that_gives_up_silently_is_noticed(
    encode_clip, moving_frames, monkeypatch, codec
):
    short = encode_clip(codec, "ai", 30, frames=moving_frames(4, 64, 48)).read_bytes()
    for content, message in ((b"", "is empty"), (short, "holds 4 pictures, 5 went in")):

        def encode(_arguments, _source, target, content=content):
            target.write_bytes(content)
            return ""

        with monkeypatch.context() as patch:
            patch.setattr(ffmpeg, "encode", encode)
            with pytest.raises(VcmflowError, match=message):
                encode_clip(codec, "ai", 30)


@pytest.mark.parametrize("extra", ["nosuchsetting=1", "alf=much", "gopsize=5", "alf=$(touch x)"])
@pytest.mark.parametrize("codec", ["vvenc", "vvenc_prefilter"])
def test_settings_that_the_encoder_refuses_stop_the_plan(codec, extra):
    said = re.escape(f"vvenc: extra is '{extra}': ffmpeg failed with")
    with pytest.raises(VcmflowError, match=said):
        build(CODECS, codec, "codec", {"extra": extra})


@pytest.mark.parametrize("codec", BUNDLED)
def test_an_ffmpeg_without_the_encoder_is_one_clear_line(encode_clip, monkeypatch, tmp_path, codec):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho \"[fatal] Unknown encoder 'libx'\" >&2; exit 8\n")
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    with pytest.raises(VcmflowError, match="ffmpeg has no encoder libx; unset IMAGEIO_FFMPEG_EXE"):
        encode_clip(codec, "ra", 30)


@pytest.mark.parametrize(
    ("codec", "options", "message"),
    [
        (
            "h266",
            {},
            "unknown codec 'h266'; allowed: av1, kvazaar_roi, lossless",
        ),
        ("vvenc", {"preset": "quick"}, "preset is 'quick'; allowed: 'faster', 'fast', 'medium'"),
        ("x264", {"preset": "warp"}, "preset is 'warp'; allowed: 'ultrafast'"),
        ("x265", {"preset": "warp"}, "preset is 'warp'; allowed: 'ultrafast'"),
        ("av1", {"preset": 14}, "preset is 14; allowed: less than or equal to 13"),
        ("x264", {"intra_period": 1}, "intra_period is 1; allowed: greater than or equal to 2"),
        ("x265", {"intra_period": 1}, "intra_period is 1; allowed: greater than or equal to 2"),
        ("av1", {"structure": "ld"}, "structure is 'ld'; allowed: 'ra' or 'ai'"),
        ("vvenc", {"gop": 16}, "codec 'vvenc' has no option 'gop'; allowed: structure, preset, i"),
        ("vvenc", {"gop_size": 8}, "gop_size is 8; allowed: 16 or 32"),
        ("vvenc", {"picture_hash": "md5"}, "picture_hash is 'md5'; allowed: a valid boolean"),
        ("vvenc", {"extra": "mctf"}, "extra is 'mctf'; allowed: String should match pattern"),
        ("x264", {"picture_hash": True}, "has no option 'picture_hash'; allowed: structure"),
        ("x265", {"picture_hash": 1}, "picture_hash is 1; allowed: a valid boolean"),
    ],
)
def test_settings_that_do_not_exist(codec, options, message):
    with pytest.raises(VcmflowError, match=message):
        codec_of(codec, **options)


@pytest.mark.parametrize(
    ("intra_period", "gop_size"), [(32, 32), (64, 32), (16, 16), (48, 16), (80, 16)]
)
def test_gop_size_follows_the_intra_period(intra_period, gop_size):
    codec = codec_of("vvenc", intra_period=intra_period)
    assert f"intraperiod={intra_period}:gopsize={gop_size}:" in codec.arguments(30)[-1]
    intra = codec_of("vvenc", intra_period=intra_period, structure="ai")
    assert intra.arguments(30) == codec_of("vvenc", structure="ai").arguments(30)


@pytest.mark.parametrize("intra_period", [8, 24, 33])
def test_intra_periods_that_no_gop_fits(intra_period):
    with pytest.raises(VcmflowError, match="multiples of the GOP size 16"):
        codec_of("vvenc", intra_period=intra_period)


def test_what_vvenc_is_asked_for():
    """Objective coding: constant QP, no perceptual adaptation, nothing that threads can change."""
    for structure in ("ai", "ra"):
        arguments = codec_of("vvenc", structure=structure).arguments(33)
        flags = dict(zip(arguments[::2], arguments[1::2], strict=True))
        assert (flags["-qp"], flags["-qpa"], flags["-preset"]) == ("33", "0", "faster")
        assert "mtprofile=0" in flags["-vvenc-params"]


def test_frames_of_mixed_sizes(encode_clip, moving_frames):
    mixed = moving_frames(1, 64, 48) + moving_frames(1, 48, 32)
    with pytest.raises(VcmflowError, match="48x32, the first one is 64x48"):
        encode_clip("vvenc", "ra", 30, frames=mixed)


@pytest.mark.parametrize(
    ("codec", "points", "message"),
    [
        ("vvenc", [22, 64], "'vvenc': point 64; allowed: whole numbers in 0..63"),
        ("vvenc", [-1, 30], "point -1; allowed"),
        ("vvenc", [22.5], "point 22.5; allowed"),
        ("vvenc", [float("nan")], "point nan; allowed"),
        ("x265", [52], "point 52; allowed: whole numbers in 0..51"),
        ("av1", [0], "point 0; allowed: whole numbers in 1..63"),
        ("vvenc", [30, 30.0], "points 30 30; wanted: at least one, each once"),
        ("vvenc", [], "points none; wanted: at least one"),
    ],
)
def test_points_that_a_codec_does_not_have(codec, points, message):
    with pytest.raises(VcmflowError, match=message):
        check_points(codec, points)
