"""The container: a header and independent segments, each behind its checksum (docs/container.md).

Nothing here knows a codec: a segment is a few streams with roles, the gaps between its kept frames,
and the times of all its frames. Containers come from anywhere: every length is checked before it is
believed, and what is refused is a ``VcmflowError``.
"""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from vcmflow.core.errors import VcmflowError

MAGIC = b"\x8aVCM\r\n\x1a\n"  # bytes that a transfer as text would change
VERSION = 1
MARKER = b"SEGM"
# magic, version, segments, frames, bytes of the header
_PREFIX = struct.Struct("<8sBIQI")
_SEGMENT = struct.Struct("<4sI")  # marker, bytes of the body
_CHECKSUM = struct.Struct("<I")

# Beyond these, a container is refused before anything of that size is made.
MOST_SIDE = 16384  # px
MOST_KEPT = 16384  # frames of a segment
MOST_HEADER = 1 << 20  # bytes
MOST_ROLES = 64
_MOST_TIME = 1 << 62


@dataclass(frozen=True)
class Header:
    """What holds for all segments.

    Attributes:
        codec: the instance: its name under "codec", and its options.
        point: the codec's operating point.
        roles: of the streams, in the order in which a segment has them.
        width: of the frames as they are seen, in pixels.
        height: likewise.
        time_base: seconds per unit of time.
        fps: average frames per second, for display and for encoders that ask for one.
        sampler: the instance that chose the frames.
        keep: the share of frames that was asked for, as text.
        reconstructor: the instance that is meant to rebuild the others.
        rotation: degrees, counter-clockwise, that the original's player turns its pictures by; the
            frames here are upright.
        aspect: width of a pixel of the original to its height; 1: square, or not known.
        colour: colour primaries and transfer characteristics of the original (H.273); 2: not known.
        weights: SHA-256 of the codec's weights file, where it has one.
    """

    codec: Mapping[str, Any]
    point: float
    roles: tuple[str, ...]
    width: int
    height: int
    time_base: Fraction
    fps: float
    sampler: Mapping[str, Any]
    keep: str
    reconstructor: Mapping[str, Any]
    rotation: int = 0
    aspect: Fraction = Fraction(1)
    colour: tuple[int, int] = (2, 2)
    weights: str | None = None

    def to_json(self) -> bytes:
        """As it stands in the file."""
        content: dict[str, Any] = {
            "codec": dict(self.codec),
            "point": self.point,
            "roles": list(self.roles),
            "width": self.width,
            "height": self.height,
            "time_base": [self.time_base.numerator, self.time_base.denominator],
            "fps": round(self.fps, 6),
            "sampler": dict(self.sampler),
            "keep": self.keep,
            "reconstructor": dict(self.reconstructor),
        }
        if self.rotation:
            content["rotation"] = self.rotation
        if self.aspect != 1:
            content["aspect"] = [self.aspect.numerator, self.aspect.denominator]
        if self.colour != (2, 2):
            content["colour"] = list(self.colour)
        if self.weights is not None:
            content["weights"] = self.weights
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Header:
        """Read and check it.

        Raises:
            ValueError, KeyError, TypeError: it is not what :meth:`to_json` writes.
        """
        content = json.loads(data.decode("utf-8"))
        numerator, denominator = (_whole(part, 1, 1 << 31) for part in content["time_base"])
        across, down = (_whole(part, 1, 1 << 16) for part in content.get("aspect", (1, 1)))
        primaries, transfer = (_whole(part, 0, 255) for part in content.get("colour", (2, 2)))
        header = cls(
            codec=_instance(content["codec"], "codec"),
            point=float(content["point"]),
            roles=tuple(_word(role) for role in content["roles"]),
            width=_whole(content["width"], 1, MOST_SIDE),
            height=_whole(content["height"], 1, MOST_SIDE),
            time_base=Fraction(numerator, denominator),
            fps=float(content["fps"]),
            sampler=_instance(content["sampler"], "sampler"),
            keep=_word(content["keep"]),
            reconstructor=_instance(content["reconstructor"], "reconstructor"),
            rotation=_whole(content.get("rotation", 0), 0, 270),
            aspect=Fraction(across, down),
            colour=(primaries, transfer),
            weights=None if content.get("weights") is None else _word(content["weights"]),
        )
        if not (math.isfinite(header.point) and 0 < header.fps < math.inf):
            raise ValueError("point or fps")
        if not 0 < len(set(header.roles)) == len(header.roles) <= MOST_ROLES:
            raise ValueError("roles")
        if header.rotation % 90:
            raise ValueError("rotation")
        return header


@dataclass(frozen=True)
class Segment:
    """Some consecutive frames of the video that stand on their own.

    Attributes:
        gaps: frames dropped between its m kept ones, m - 1 values in 0..255; its first and its last
            frame are kept.
        times: when each of its n frames is shown, in units of the time base, ascending.
        end: when the last one stops being shown.
        streams: role -> bytes.
        checksum: CRC-32 of its body, set when it is read.
        overhead: bytes around its streams, set when it is read.
    """

    gaps: tuple[int, ...]
    times: tuple[int, ...]
    end: int
    streams: Mapping[str, bytes]
    checksum: int = 0
    overhead: int = 0

    @property
    def frames(self) -> int:
        """n."""
        return len(self.times)

    @property
    def kept(self) -> int:
        """m."""
        return len(self.gaps) + 1


class Writer:
    """Writes a container into a file that can be written to at its start again."""

    def __init__(self, file: IO[bytes], header: Header) -> None:
        self._file = file
        self._header = header.to_json()
        self._roles = header.roles
        self.segments = self.frames = 0
        self._start()

    def add(self, segment: Segment) -> int:
        """Append a segment and return how many bytes it takes."""
        side = bytes(segment.gaps) + _times(segment)
        packed = zlib.compress(side, 9)
        sizes = [len(segment.streams[role]) for role in self._roles]
        numbers = [segment.kept, len(packed), *sizes]
        body = b"".join(map(_varint, numbers)) + packed
        body += b"".join(segment.streams[role] for role in self._roles)
        self._file.write(_SEGMENT.pack(MARKER, len(body)) + body)
        self._file.write(_CHECKSUM.pack(zlib.crc32(body)))
        self.segments += 1
        self.frames += segment.frames
        return _SEGMENT.size + len(body) + _CHECKSUM.size

    def close(self) -> None:
        """Say at the start of the file how much there is in it."""
        self._file.seek(0)
        self._start()

    def _start(self) -> None:
        prefix = _PREFIX.pack(MAGIC, VERSION, self.segments, self.frames, len(self._header))
        start = prefix + self._header
        self._file.write(start + _CHECKSUM.pack(zlib.crc32(start)))


@dataclass
class Reader:
    """An open container. Iterating gives its whole segments, one at a time.

    Attributes:
        name: of the file, for messages.
        header: what holds for all segments.
        segments: how many there ought to be.
        frames: how many frames they ought to have.
        size: of the file in bytes.
        start: bytes before the first segment.
        missing: what could not be read so far, a phrase for each reason.
    """

    name: str
    header: Header
    segments: int
    frames: int
    size: int
    start: int
    _file: IO[bytes]
    missing: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Segment]:
        self._file.seek(self.start)
        self.missing = []
        found = 0
        for number in range(1, self.segments + 1):
            here = self._file.tell()
            which = f"segment {number} of {self.segments}"
            head = self._file.read(_SEGMENT.size)
            if len(head) == _SEGMENT.size:
                marker, length = _SEGMENT.unpack(head)
                if marker != MARKER:
                    self.missing.append(f"{which} is damaged at byte {here}, and where it ends")
                    break
            if len(head) < _SEGMENT.size or self._file.tell() + length + _CHECKSUM.size > self.size:
                self.missing.append(f"the file ends within {which}")
                break
            body = self._file.read(length)
            (checksum,) = _CHECKSUM.unpack(self._file.read(_CHECKSUM.size))
            if zlib.crc32(body) != checksum:
                self.missing.append(f"{which} is damaged: it has not its checksum")
                continue
            try:
                segment = _read_segment(body, self.header.roles, checksum)
            except (ValueError, IndexError, zlib.error) as error:
                self.missing.append(f"{which} is damaged: {error}")
                continue
            found += segment.frames
            yield segment
        if not self.missing and (found != self.frames or self._file.tell() != self.size):
            self.missing.append(f"{found} frames and {self._file.tell()} bytes are all that fits")
        if self.missing:
            lost = max(0, self.frames - found)
            self.missing.append(f"{lost} of {self.frames} frames are missing")

    def check(self) -> None:
        """Complain of what the last iteration could not read.

        Raises:
            VcmflowError: something was missing.
        """
        if self.missing:
            raise VcmflowError(f"{self.name}: {'; '.join(self.missing)}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_container(path: Path) -> Reader:
    """Open a container and read its header.

    Raises:
        VcmflowError: no such file, no container, another version, or a damaged header.
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115  (the reader closes it)
        size = Path(path).stat().st_size
    except OSError as error:
        raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        header, segments, frames = _read_start(file, size)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as bad:
        file.close()
        raise VcmflowError(
            f"{path}: no container of vcmflow, or its header is damaged ({bad})"
        ) from None
    return Reader(str(path), header, segments, frames, size, file.tell(), file)


def _read_start(file: IO[bytes], size: int) -> tuple[Header, int, int]:
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size or not prefix.startswith(MAGIC):
        raise ValueError("it does not begin as one")
    _, version, segments, frames, length = _PREFIX.unpack(prefix)
    if version != VERSION:
        raise ValueError(f"its version is {version}, this reads {VERSION}")
    if length > min(size, MOST_HEADER):
        raise ValueError("the header is cut off")
    data, checksum = file.read(length), file.read(_CHECKSUM.size)
    if checksum != _CHECKSUM.pack(zlib.crc32(prefix + data)):
        raise ValueError("the checksum is wrong")
    return Header.from_json(data), segments, frames


def _read_segment(body: bytes, roles: Sequence[str], checksum: int) -> Segment:
    kept, at = _read_varint(body, 0)
    packed, at = _read_varint(body, at)
    sizes = []
    for _ in roles:
        size, at = _read_varint(body, at)
        sizes.append(size)
    if not 1 <= kept <= MOST_KEPT or at + packed + sum(sizes) != len(body):
        raise ValueError("its lengths do not fit")
    frames_at_most = 256 * kept
    unpack = zlib.decompressobj()
    side = unpack.decompress(body[at : at + packed], kept + 10 * (frames_at_most + 1))
    if not unpack.eof or unpack.unused_data:
        raise ValueError("gaps and times do not fit")
    gaps = tuple(side[: kept - 1])
    count = kept + sum(gaps)
    times, place = [0], kept - 1
    for _ in range(count + 1):
        step, place = _read_varint(side, place)
        # The first one may lie before zero; after it, time goes on.
        value = times[-1] + (step if len(times) > 1 else (step >> 1) ^ -(step & 1))
        if abs(value) > _MOST_TIME or (len(times) > 1 and step == 0):
            raise ValueError("its times do not ascend")
        times.append(value)
    if place != len(side):
        raise ValueError("gaps and times do not fit")
    at += packed
    streams = {}
    for role, size in zip(roles, sizes, strict=True):
        streams[role] = body[at : at + size]
        at += size
    overhead = _SEGMENT.size + len(body) - sum(sizes) + _CHECKSUM.size
    return Segment(gaps, tuple(times[1:-1]), times[-1], streams, checksum, overhead)


def _times(segment: Segment) -> bytes:
    """The first time, zigzag, and the lengths of the frames."""
    first = segment.times[0]
    steps = [b - a for a, b in zip(segment.times, (*segment.times[1:], segment.end), strict=True)]
    if min(steps) < 1:
        raise VcmflowError("the times of the frames do not ascend")
    return b"".join(map(_varint, [first << 1 if first >= 0 else (-first << 1) - 1, *steps]))


def _varint(value: int) -> bytes:
    """LEB128: seven bits a byte, the lowest first, the eighth bit says that more follow."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _whole(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{value!r}, not a whole number in {low}..{high}")
    return value


def _word(value: Any) -> str:
    """Text that may be shown on a terminal."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_./-]{1,80}", value):
        raise ValueError(f"{value!r}, no plain word")
    return value


def _instance(value: Any, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"no {key}")
    _word(value.get(key))
    return value
