"""The decoder gives what the encoder saw, and damaged streams are refused."""

from __future__ import annotations

import numpy as np
import pytest

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import write_video
from vcmflow.encode import decode
from vcmflow.encode.av1 import Av1
from vcmflow.encode.bitstream import AVC, HEVC, VVC, hashes_of, nal_units
from vcmflow.encode.decode import decode_pictures, decode_stream, verify_hashes

SYNTAXES = {"av1": Av1.syntax, "vvenc": VVC, "x264": AVC, "x265": HEVC}


@pytest.mark.parametrize("qp", [22, 37, 47])
@pytest.mark.parametrize("structure", ["ai", "ra"])
def test_decoder_reproduces_the_encoders_pictures_bit_by_bit(coded, structure, qp):
    """By the MD5 that VVenC puts into the stream, for the padded pictures of an odd size."""
    stream = coded.stream(structure=structure, qp=qp, picture_hash=True)
    assert len(hashes_of(stream, VVC)) == 4
    assert verify_hashes(stream, VVC) == 4


def test_x265_too(coded):
    assert verify_hashes(coded.stream("x265", "ra", 30, picture_hash=True), HEVC) == 4
    assert verify_hashes(coded.stream("x265", "ra", 30), HEVC) == 0


def test_a_wrong_picture_is_noticed_by_its_hash(coded, tmp_path):
    """Change what the stream says about one picture: ffmpeg's own check complains as well."""
    source = coded.stream(structure="ra", qp=37, picture_hash=True)
    stream = source.read_bytes()
    digest = hashes_of(source, VVC)[2][0]
    assert stream.count(digest) == 1
    changed = bytes(255 - byte for byte in digest)
    assert b"\0\0" not in changed
    broken = tmp_path / "broken.266"
    broken.write_bytes(stream.replace(digest, changed))
    with pytest.raises(VcmflowError, match=r"broken\.266: "):
        list(decode_stream(broken, VVC, coded.shape))


def test_pictures_of_another_stream_are_noticed_by_their_hashes(coded, monkeypatch):
    stream = coded.stream(structure="ra", qp=37, picture_hash=True)
    other = hashes_of(coded.stream(structure="ra", qp=22, picture_hash=True), VVC)
    monkeypatch.setattr(decode, "hashes_of", lambda *_: [other[0], *hashes_of(stream, VVC)[1:]])
    with pytest.raises(VcmflowError, match="1 decoded pictures are not those that were encoded"):
        list(decode_stream(stream, VVC, coded.shape))


@pytest.mark.parametrize("codec", sorted(SYNTAXES))
@pytest.mark.parametrize("structure", ["ai", "ra"])
def test_frames_come_back_in_order_and_size(coded, codec, structure):
    decoded = list(decode_stream(coded.stream(codec, structure, 27), SYNTAXES[codec], coded.shape))
    assert [frame.shape for frame in decoded] == [(45, 67, 3)] * 4
    for position, frame in zip(coded.kept, decoded, strict=True):
        errors = [np.mean((frame.astype(float) - other) ** 2) for other in coded.frames]
        assert int(np.argmin(errors)) == position
        assert 10 * np.log10(255**2 / errors[position]) > 26


@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_pictures_that_lead_an_intra_picture_are_kept(
    moving_square, encode_frames, tmp_path, codec
):
    """Open GOPs: pictures shown before the second intra picture come behind it in the stream."""
    frames = moving_square(20, 160, 64, 5)
    path = tmp_path / "long"
    shape = encode_frames(codec, frames, 24, path, intra_period=16)
    decoded = list(decode_stream(path, SYNTAXES[codec], shape))
    for position, frame in enumerate(decoded):
        errors = [np.mean((frame.astype(float) - other) ** 2) for other in frames]
        assert int(np.argmin(errors)) == position


def test_threads_do_not_change_the_result(coded):
    for codec, syntax in SYNTAXES.items():
        stream = coded.stream(codec)
        one, two = (np.stack(list(decode_stream(stream, syntax, coded.shape, n))) for n in (1, 2))
        assert np.array_equal(one, two)


def test_reading_may_stop_early(coded):
    pictures = decode_pictures(coded.stream(), VVC)
    picture, size = next(pictures)
    pictures.close()
    assert size == (68, 46)
    assert picture.shape == (69, 68)


@pytest.mark.parametrize("codec", sorted(SYNTAXES))
def test_a_stream_of_another_length_or_size_is_refused(coded, codec):
    stream = coded.stream(codec)
    with pytest.raises(VcmflowError, match="holds 4 pictures, 5 are expected"):
        list(decode_stream(stream, SYNTAXES[codec], Shape(67, 45, 5, 10)))
    with pytest.raises(VcmflowError, match="pictures are 68x46, 64x46 is expected"):
        list(decode_stream(stream, SYNTAXES[codec], Shape(64, 46, 4, 10)))


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("codec", ["av1", "vvenc", "x264"])
def test_streams_that_break_off_are_refused(coded, tmp_path, codec, kept):
    source = coded.stream(codec)
    stream = source.read_bytes()
    short = tmp_path / f"short{source.suffix}"
    short.write_bytes(stream[: int(kept * len(stream))])
    with pytest.raises(VcmflowError, match=r"short\.(26[64]|obu): "):
        list(decode_stream(short, SYNTAXES[codec], coded.shape))


def test_a_missing_picture_is_noticed(coded, tmp_path):
    for codec in ("vvenc", "x264", "x265"):
        source = coded.stream(codec)
        units = list(nal_units(source.read_bytes()))
        short = tmp_path / f"short{source.suffix}"
        short.write_bytes(b"".join(b"\0\0\0\1" + unit for unit in units[:-1]))
        with pytest.raises(VcmflowError, match="holds 3 pictures, 4 are expected"):
            list(decode_stream(short, SYNTAXES[codec], coded.shape))


def test_damaged_slices_are_noticed(coded, tmp_path):
    """Pictures still count right, the headers are whole; the decoder itself has to complain."""
    source = coded.stream(structure="ai", qp=27)
    stream = bytearray(source.read_bytes())
    damaged = tmp_path / "damaged.266"
    refused = 0
    for position in range(len(stream) // 2, len(stream) // 2 + 8):
        changed = bytearray(stream)
        changed[position] ^= 0x55
        damaged.write_bytes(changed)
        try:
            list(decode_stream(damaged, VVC, coded.shape))
        except VcmflowError as error:
            assert "damaged.266" in str(error)
            refused += 1
    assert refused >= 6, "entropy coded data hardly ever survives a change"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the bitstream is empty"),
        (b"no stream at all", "begins with no start code"),
        (b"\0\0\1" + b"\xff" * 50, r"damaged|holds 0 pictures"),
    ],
)
def test_what_is_no_stream_is_refused(coded, tmp_path, content, message):
    path = tmp_path / "odd.266"
    path.write_bytes(content)
    with pytest.raises(VcmflowError, match=message):
        list(decode_stream(path, VVC, coded.shape))


def test_a_video_file_named_as_a_stream_is_refused(coded, tmp_path):
    write_video(tmp_path / "video.mkv", coded.frames, 10)
    stream = tmp_path / "video.265"
    (tmp_path / "video.mkv").rename(stream)
    with pytest.raises(VcmflowError, match=r"video\.265: "):
        list(decode_stream(stream, HEVC, coded.shape))


def test_odd_file_names_are_only_names(coded, tmp_path):
    """Nothing in a name is read as an option, a protocol or a pattern."""
    for name in ("-version.266", "http:%03d.266", "a b'c.266"):
        path = tmp_path / name
        path.write_bytes(coded.stream().read_bytes())
        assert len(list(decode_stream(path, VVC, coded.shape))) == 4
