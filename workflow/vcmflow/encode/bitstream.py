"""What a bitstream says about itself: pictures, their kinds, and the encoder's picture hashes.

Reads the NAL units of Annex B byte streams of H.266/VVC, H.265/HEVC and H.264/AVC (AV1 is in its
own file), no further than the first fields of picture and slice headers. Pictures are counted this
way because it is exact and needs no decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from vcmflow.core.errors import VcmflowError

T = TypeVar("T")

_HEADER_BYTES = 64  # far more than the header fields that are read below


@dataclass(frozen=True)
class Picture:
    """One coded picture, in decoding order.

    Attributes:
        intra: none of its slices refers to another picture.
        random_access: decoding may start here (IRAP in H.265 and H.266, IDR in H.264).
    """

    intra: bool
    random_access: bool


@dataclass(frozen=True)
class Syntax:
    """A standard's byte stream.

    Attributes:
        format: ffmpeg's name of it.
        pictures: reads the coded pictures, in decoding order.
        hashes: reads the decoded picture hashes (MD5 per component), in decoding order.
        starts: what a stream begins with.
        bits: of a sample.
        grey: pictures are 4:0:0, else 4:2:0.
    """

    format: str
    pictures: Callable[[bytes], list[Picture]]
    hashes: Callable[[bytes], list[tuple[bytes, ...]]] = lambda _: []
    starts: tuple[bytes, ...] = (b"\0\0\1", b"\0\0\0\1")
    bits: Literal[8, 10] = 10
    grey: bool = False


class BitReader:
    """Reads the syntax elements u(n) and ue(v) of the three standards.

    Raises (all methods):
        VcmflowError: the data end before the element does.
    """

    def __init__(self, payload: bytes) -> None:
        self._bits = int.from_bytes(payload, "big")
        self._left = 8 * len(payload)

    def u(self, count: int) -> int:
        """Unsigned integer of ``count`` bits, most significant first."""
        if count > self._left:
            raise VcmflowError("a NAL unit is shorter than its header")
        self._left -= count
        return (self._bits >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        """Unsigned Exp-Golomb code."""
        zeros = 0
        while not self.u(1):
            zeros += 1
        return (1 << zeros) - 1 + self.u(zeros)


def nal_units(stream: bytes) -> Iterator[bytes]:
    """Yield the NAL units (header and payload, emulation prevention still in) of a byte stream."""
    start = stream.find(b"\0\0\1")
    while start >= 0:
        following = stream.find(b"\0\0\1", start + 3)
        unit = stream[start + 3 : following if following >= 0 else len(stream)].rstrip(b"\0")
        if unit:
            yield unit
        start = following


def without_units(stream: bytes, unwanted: Callable[[bytes], bool]) -> bytes:
    """The byte stream with every NAL unit left out for which ``unwanted`` says so."""
    kept = [unit for unit in nal_units(stream) if not unwanted(unit)]
    return b"".join(b"\0\0\0\1" + unit for unit in kept)


def raw_payload(payload: bytes) -> bytes:
    """Take the emulation prevention bytes out."""
    parts: list[bytes] = []
    start = 0
    while (found := payload.find(b"\0\0\3", start)) >= 0:
        parts.append(payload[start : found + 2])
        start = found + 3
    parts.append(payload[start:])
    return b"".join(parts)


def pictures_of(path: Path, syntax: Syntax) -> list[Picture]:
    """The coded pictures of a stream, in decoding order.

    Raises:
        VcmflowError: the file is missing, empty, of another kind or damaged.
    """
    return _read(path, syntax, syntax.pictures)


def hashes_of(path: Path, syntax: Syntax) -> list[tuple[bytes, ...]]:
    """The decoded picture hashes that a stream carries: MD5 of Y, Cb and Cr, in decoding order.

    Raises:
        VcmflowError: the file is missing, empty, of another kind or damaged.
    """
    return _read(path, syntax, syntax.hashes)


def _read(path: Path, syntax: Syntax, read: Callable[[bytes], list[T]]) -> list[T]:
    try:
        stream = path.read_bytes()
    except OSError as error:
        raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None
    if not stream:
        raise VcmflowError(f"{path}: the bitstream is empty")
    if not stream.startswith(syntax.starts):
        raise VcmflowError(
            f"{path}: damaged, or no {syntax.format} stream: it begins with no start code"
        )
    try:
        return read(stream)
    except VcmflowError as error:
        raise VcmflowError(f"{path}: not a {syntax.format} stream, or damaged: {error}") from None


def _vvc_pictures(stream: bytes) -> list[Picture]:
    """H.266, 7.3.2.8 picture_header_structure() and 7.3.7 slice_header()."""
    pictures = []
    random_access = False
    waiting: bool | None = None  # kind of a picture whose header came as a unit of its own
    for unit in nal_units(stream):
        kind = _vvc_type(unit)
        if kind == 19:  # PH_NUT
            waiting = _vvc_picture_is_intra(BitReader(raw_payload(unit[2:_HEADER_BYTES])))
        elif kind <= 11:  # a slice
            random_access = 7 <= kind <= 9  # IDR_W_RADL, IDR_N_LP, CRA
            reader = BitReader(raw_payload(unit[2:_HEADER_BYTES]))
            if reader.u(1):  # sh_picture_header_in_slice_header_flag
                pictures.append(Picture(_vvc_picture_is_intra(reader), random_access))
            elif waiting is not None:
                pictures.append(Picture(waiting, random_access))
                waiting = None
            elif not pictures:
                raise VcmflowError("a slice comes before any picture header")
    return pictures


def _vvc_picture_is_intra(reader: BitReader) -> bool:
    random_access = reader.u(1)  # ph_gdr_or_irap_pic_flag
    reader.u(1)  # ph_non_ref_pic_flag
    if random_access:
        reader.u(1)  # ph_gdr_pic_flag
    return not reader.u(1)  # ph_inter_slice_allowed_flag


def _hevc_pictures(stream: bytes) -> list[Picture]:
    """H.265, 7.3.2.3 pic_parameter_set_rbsp() and 7.3.6 slice_segment_header()."""
    pictures: list[Picture] = []
    extra_bits: dict[int, tuple[int, int]] = {}
    for unit in nal_units(stream):
        kind = _hevc_type(unit)
        if kind == 34:  # PPS_NUT
            reader = BitReader(raw_payload(unit[2:_HEADER_BYTES]))
            identifier = reader.ue()
            reader.ue()  # pps_seq_parameter_set_id
            dependent = reader.u(1)  # dependent_slice_segments_enabled_flag
            reader.u(1)  # output_flag_present_flag
            extra_bits[identifier] = (dependent, reader.u(3))  # num_extra_slice_header_bits
        elif kind <= 31:  # a slice segment
            reader = BitReader(raw_payload(unit[2:_HEADER_BYTES]))
            first = reader.u(1)  # first_slice_segment_in_pic_flag
            random_access = 16 <= kind <= 23
            if not first:
                continue  # the encoders used here give all slices of a picture one type
            if random_access:
                reader.u(1)  # no_output_of_prior_pics_flag
            identifier = reader.ue()
            if identifier not in extra_bits:
                raise VcmflowError("a slice refers to a parameter set that is not there")
            reader.u(extra_bits[identifier][1])  # slice_reserved_flag[]
            pictures.append(Picture(reader.ue() == 2, random_access))  # slice_type 2 is I
    return pictures


def _avc_pictures(stream: bytes) -> list[Picture]:
    """H.264, 7.3.3 slice_header()."""
    pictures: list[Picture] = []
    for unit in nal_units(stream):
        kind = unit[0] & 31
        if kind not in (1, 5):  # coded slice of a non-IDR or of an IDR picture
            continue
        reader = BitReader(raw_payload(unit[1:_HEADER_BYTES]))
        first_macroblock = reader.ue()
        intra = reader.ue() % 5 in (2, 4)  # slice_type I or SI
        if first_macroblock == 0:
            pictures.append(Picture(intra, kind == 5))
        elif not pictures:
            raise VcmflowError("the first slice does not begin a picture")
        elif not intra:
            pictures[-1] = Picture(False, pictures[-1].random_access)
    return pictures


def _vvc_hashes(stream: bytes) -> list[tuple[bytes, ...]]:
    """H.274, 8.21 decoded picture hash, in suffix SEI units of H.266."""
    hashes = []
    for message in _sei_messages(stream, 132, lambda unit: _vvc_type(unit) == 24):
        if len(message) > 1 and message[0] == 0:  # dph_sei_hash_type 0 is MD5
            components = 1 if message[1] & 128 else 3  # dph_sei_single_component_flag
            hashes.append(_split(message[2:], components))
    return hashes


def _hevc_hashes(stream: bytes) -> list[tuple[bytes, ...]]:
    """H.265, D.2.19 decoded picture hash."""
    return [
        _split(message[1:], (len(message) - 1) // 16)
        for message in _sei_messages(stream, 132, lambda unit: _hevc_type(unit) == 40)
        if message[:1] == b"\0"
    ]


def _split(digests: bytes, count: int) -> tuple[bytes, ...]:
    if count < 1 or len(digests) < 16 * count:
        raise VcmflowError("a decoded picture hash is cut off")
    return tuple(digests[16 * i : 16 * i + 16] for i in range(count))


def _sei_messages(
    stream: bytes, payload_type: int, carries: Callable[[bytes], bool]
) -> Iterator[bytes]:
    for unit in nal_units(stream):
        if not carries(unit):
            continue
        data, at = raw_payload(unit[2:]), 0
        while len(data) - at > 2:  # the last byte holds the trailing bits
            kind, at = _sei_number(data, at)
            size, at = _sei_number(data, at)
            if size > len(data) - at:
                raise VcmflowError("an SEI message is cut off")
            if kind == payload_type:
                yield data[at : at + size]
            at += size


def _sei_number(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at a place, and the place behind it."""
    value = 0
    while at < len(data):
        value += data[at]
        at += 1
        if data[at - 1] != 255:
            return value, at
    raise VcmflowError("an SEI message is cut off")


def _hevc_type(unit: bytes) -> int:
    """nal_unit_type of H.265: in the first of two header bytes."""
    return (unit[0] >> 1) & 63


def _vvc_type(unit: bytes) -> int:
    """nal_unit_type of H.266: in the second of two header bytes."""
    if len(unit) < 2:
        raise VcmflowError("a NAL unit is shorter than its header")
    return unit[1] >> 3


VVC = Syntax("vvc", _vvc_pictures, _vvc_hashes)
HEVC = Syntax("hevc", _hevc_pictures, _hevc_hashes)
HEVC_GREY = Syntax("hevc", _hevc_pictures, grey=True)
HEVC_8_BIT = Syntax("hevc", _hevc_pictures, bits=8)
AVC = Syntax("h264", _avc_pictures)  # has no hashes
