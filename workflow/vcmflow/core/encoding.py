"""What ``encode`` sends: the streams of every point, and ``encode.json``, which lists them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, sha256, write_json


def point_text(point: float) -> str:
    """An operating point as it stands in files and their names: 22 and 22.0 are "22"."""
    return str(int(point)) if float(point).is_integer() else repr(float(point))


@dataclass(frozen=True)
class Shape:
    """What the receiver knows beside the streams.

    Attributes:
        width: of the frames, in pixels.
        height: likewise.
        pictures: how many frames were kept.
        fps: frames per second of the original video. The kept frames are not equally spaced in
            time; nothing that a codec does may depend on it.
    """

    width: int
    height: int
    pictures: int
    fps: float


@dataclass(frozen=True)
class Stream:
    """A file that the receiver gets, beside ``encode.json``; ``role`` says what is in it."""

    role: str
    file: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, role: str, path: Path) -> Stream:
        """Describe a file."""
        return cls(role, path.name, path.stat().st_size, sha256(path))


@dataclass(frozen=True)
class CodedPoint:
    """One operating point.

    Attributes:
        streams: what is sent.
        arguments: the settings that shaped it, as the encoder was given them.
        seconds: that encoding took.
    """

    streams: list[Stream]
    arguments: list[str]
    seconds: float

    @property
    def bytes(self) -> int:
        """The size of all streams; the gaps are not among them."""
        return sum(stream.bytes for stream in self.streams)


@dataclass(frozen=True)
class Cost:
    """What a learned codec's networks cost.

    Attributes:
        parameters: values of all of them, at both ends.
        encode_macs: multiply-accumulates per pixel of a frame that is not intra, at the sender.
        decode_macs: at the receiver.
    """

    parameters: int
    encode_macs: float
    decode_macs: float


@dataclass(frozen=True)
class Encoding:
    """The kept frames of a sequence, coded by one codec at several operating points.

    Attributes:
        codec: the instance: the codec's name under "codec", and its options.
        shape: see ``Shape``.
        encoder: what the encoder says of itself.
        points: by their text.
        weights: SHA-256 of the codec's weights file, where it has one.
        cost: of its networks, where it has some.
    """

    codec: Mapping[str, Any]
    shape: Shape
    encoder: Mapping[str, Any]
    points: Mapping[str, CodedPoint]
    weights: str | None = None
    cost: Cost | None = None

    def at(self, point: str, where: Path) -> CodedPoint:
        """One operating point.

        Raises:
            VcmflowError: there is none such; the message names ``where`` and those there are.
        """
        if point not in self.points:
            raise VcmflowError(f"{where}: no point {point}; there are {', '.join(self.points)}")
        return self.points[point]


def write_encoding(path: Path, encoding: Encoding) -> None:
    """Write ``encode.json``."""
    content = asdict(encoding)
    shape = content.pop("shape")
    shape["frames"] = shape.pop("pictures")
    for name in ("weights", "cost"):
        if content[name] is None:
            del content[name]
    write_json(path, {"codec": content.pop("codec"), **shape, **content})


def read_encoding(path: Path) -> Encoding:
    """Read ``encode.json``.

    Raises:
        VcmflowError: it is missing, or not what :func:`write_encoding` writes.
    """
    content: Any = read_json(path)
    try:
        points = {
            str(point): CodedPoint(
                [
                    Stream(str(s["role"]), str(s["file"]), int(s["bytes"]), str(s["sha256"]))
                    for s in entry["streams"]
                ],
                [str(argument) for argument in entry["arguments"]],
                float(entry["seconds"]),
            )
            for point, entry in content["points"].items()
        }
        width, height, pictures = (int(content[key]) for key in ("width", "height", "frames"))
        shape = Shape(width, height, pictures, float(content["fps"]))
        codec, encoder = dict(content["codec"]), dict(content["encoder"])
        weights = content.get("weights")
        cost = Cost(**content["cost"]) if "cost" in content else None
        if cost and not all(0 <= float(part) < math.inf for part in vars(cost).values()):
            raise ValueError
        names = [stream.file for point in points.values() for stream in point.streams]
        plain = all(name and Path(name).name == name for name in names)
        if not isinstance(codec["codec"], str) or not plain:
            raise ValueError
        if min(shape.width, shape.height, shape.pictures) < 1 or not shape.fps > 0:
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise VcmflowError(
            f"{path}: not what encode writes (codec, width, height, frames, fps, encoder, points)"
        ) from None
    return Encoding(codec, shape, encoder, points, weights, cost)


def received(path: Path, encoding: Encoding, point: str) -> dict[str, Path]:
    """The streams of a point that lie beside ``encode.json``, by role, each as it was sent.

    Args:
        path: the ``encode.json`` that ``encoding`` was read from.
        encoding: its content.
        point: text of an operating point.

    Raises:
        VcmflowError: no such point; a stream is missing, or is not the one that was written.
    """
    files = {}
    for stream in encoding.at(point, path).streams:
        file = path.parent / stream.file
        try:
            found = Stream.of(stream.role, file)
        except OSError as error:
            raise VcmflowError(f"{file}: cannot be read ({error.strerror})") from None
        if found != stream:
            raise VcmflowError(
                f"{file}: damaged, or of another run: {path.name} says {stream.bytes} bytes with "
                f"SHA-256 {stream.sha256[:12]}…, here are {found.bytes} with {found.sha256[:12]}…"
            )
        files[stream.role] = file
    return files


def check_weights(where: object, expected: str | None, weights: Path | None) -> None:
    """Check that a learned codec's weights are those that encoded.

    Args:
        where: what was encoded, for messages.
        expected: SHA-256 of the weights that encoded it; None: the codec has none.
        weights: the file at hand.

    Raises:
        VcmflowError: it is not the same file, or not given.
    """
    if expected is None:
        return
    if weights is None:
        raise VcmflowError(f"{where}: needs --codec-weights, the file that encoded it")
    if not weights.is_file() or sha256(weights) != expected:
        raise VcmflowError(f"--codec-weights {weights}: not the weights that encoded {where}")
