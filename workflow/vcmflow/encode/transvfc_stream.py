"""The file of TransVFC's P-frames.

    "TVFC", version (1 byte), network (16 bytes: the beginning of its SHA-256), operating point (1),
    height and width of the feature (2 + 2), number of frames (4)
    per frame: kind (1: "I" or "P"), CRC-32 of the decoded feature (4), and of a P-frame the lengths
    of its four sub-streams (1 to 5 bytes each, 7 bits per byte, low ones first), then these

Numbers are little-endian. Intra frames are in a stream of their own, of a real codec.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vcmflow.core.errors import VcmflowError

MAGIC, VERSION, STREAMS = b"TVFC", 2, 4
_HEADER = struct.Struct("<4sB16sBHHI")
_FRAME = struct.Struct("<cI")
_MOST = 2**28  # bytes of a sub-stream: 2 GiB for all four hold any picture


@dataclass(frozen=True)
class Header:
    """What a file is of.

    Attributes:
        network: the first 16 bytes of the network's fingerprint.
        point: number of the operating point.
        height, width: of the feature, not padded.
        frames: how many.
    """

    network: bytes
    point: int
    height: int
    width: int
    frames: int


@dataclass(frozen=True)
class CodedFrame:
    """One frame: the checksum of its decoded feature, and a P-frame's sub-streams."""

    checksum: int
    streams: tuple[bytes, ...] | None

    @property
    def intra(self) -> bool:
        """Whether it is in the stream of intra frames."""
        return self.streams is None


def write_header(file: IO[bytes], header: Header) -> None:
    """Begin a file."""
    numbers = header.point, header.height, header.width, header.frames
    file.write(_HEADER.pack(MAGIC, VERSION, header.network, *numbers))


def write_frame(file: IO[bytes], frame: CodedFrame) -> int:
    """Append a frame, and return its bytes."""
    data = _FRAME.pack(b"I" if frame.intra else b"P", frame.checksum)
    if frame.streams is not None:
        data += b"".join(_number(len(stream)) for stream in frame.streams)
        data += b"".join(frame.streams)
    file.write(data)
    return len(data)


def read_header(file: IO[bytes], path: Path) -> Header:
    """Read the beginning of a file.

    Raises:
        VcmflowError: it is none of TransVFC's.
    """
    data = file.read(_HEADER.size)
    if len(data) < _HEADER.size or data[:4] != MAGIC:
        raise VcmflowError(f"{path}: damaged, or no TransVFC stream")
    _, version, *numbers = _HEADER.unpack(data)
    if version != VERSION:
        raise VcmflowError(f"{path}: version {version} of the format; known: {VERSION}")
    return Header(*numbers)


def read_frames(file: IO[bytes], path: Path, count: int) -> Iterator[CodedFrame]:
    """Yield the frames behind the header, one at a time.

    Raises:
        VcmflowError: the file ends early, or does not end where it should.
    """
    for number in range(count):
        kind, checksum = _FRAME.unpack(_read(file, _FRAME.size, path, number))
        if kind not in (b"I", b"P"):
            raise VcmflowError(f"{path}: frame {number} is damaged: no kind of frame")
        streams = None
        if kind == b"P":
            lengths = [_length(file, path, number) for _ in range(STREAMS)]
            streams = tuple(_read(file, length, path, number) for length in lengths)
        yield CodedFrame(checksum, streams)
    if file.read(1):
        raise VcmflowError(f"{path}: has bytes behind its {count} frames")


def _read(file: IO[bytes], size: int, path: Path, number: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise VcmflowError(f"{path}: breaks off in frame {number}")
    return data


def _number(value: int) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes([*data, value])


def _length(file: IO[bytes], path: Path, number: int) -> int:
    value = 0
    for place in range(5):
        byte = _read(file, 1, path, number)[0]
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            break
    if byte > 127 or value > _MOST:
        raise VcmflowError(f"{path}: frame {number} is damaged: a length that cannot be")
    return value
