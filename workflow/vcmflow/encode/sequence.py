"""Encode the kept frames of one sequence at several QPs (spec 5)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.core.video import Frame
from vcmflow.encode import colour
from vcmflow.encode.bitstream import pictures_of
from vcmflow.encode.codec import Codec, Mode, RawClip


@dataclass(frozen=True)
class Encoding:
    """The streams of one sequence.

    Attributes:
        width: width of the frames.
        height: height of the frames.
        stream_bytes: size of the stream at each QP.
        encoder: what the encoder says of itself.
        arguments: the encoder's settings at each QP.
    """

    width: int
    height: int
    stream_bytes: dict[int, int]
    encoder: dict[str, Any]
    arguments: dict[int, list[str]]


def encode_sequence(
    frames: Iterable[Frame],
    fps: float,
    codec: Codec,
    mode: Mode,
    streams: Sequence[tuple[int, Path]],
) -> Encoding:
    """Convert the frames once and encode them at every QP.

    Args:
        frames: uint8 H x W x 3, RGB, all of one size; read one at a time.
        fps: frames per second of the original video.
        codec: the encoder.
        mode: "ai" or "ra".
        streams: (QP, path to write); each file is written whole or not at all.

    Raises:
        VcmflowError: no frames, frames of different sizes, or an encoder that fails or writes a
            stream without the right pictures.
    """
    arguments = {qp: codec.arguments(mode, qp) for qp, _ in streams}
    with tempfile.TemporaryDirectory(prefix="vcmflow-") as folder:
        clip, width, height = _convert(frames, fps, Path(folder) / "clip.yuv")
        stream_bytes: dict[int, int] = {}
        encoder: dict[str, Any] = {}
        for qp, path in streams:
            with whole_file(path) as temporary:
                encoder = codec.encode(clip, mode, qp, temporary)
                try:
                    check_pictures(temporary, mode, clip.pictures)
                except VcmflowError as error:
                    message = str(error).replace(str(temporary), str(path))
                    raise VcmflowError(f"QP {qp}: {message}") from None
                stream_bytes[qp] = temporary.stat().st_size
    return Encoding(width, height, stream_bytes, encoder, arguments)


def check_pictures(stream: Path, mode: Mode, count: int) -> None:
    """Check from the bitstream that it holds ``count`` pictures of the mode's kinds.

    An encoder that gives up silently leaves an empty or a short stream and status 0.

    Raises:
        VcmflowError: it does not.
    """
    pictures = pictures_of(stream)
    if len(pictures) != count:
        raise VcmflowError(f"{stream}: holds {len(pictures)} pictures, {count} went in")
    inter = sum(not picture.intra for picture in pictures)
    if mode == "ai" and inter:
        raise VcmflowError(f"{stream}: all-intra, but {inter} of {count} pictures are not intra")
    if mode == "ra" and count > 1 and not inter:
        raise VcmflowError(f"{stream}: random access, but all {count} pictures are intra")
    if not pictures[0].random_access:
        raise VcmflowError(f"{stream}: decoding cannot start at the first picture")


def _convert(frames: Iterable[Frame], fps: float, path: Path) -> tuple[RawClip, int, int]:
    convert: colour.ToYuv420 | None = None
    count = 0
    with path.open("wb") as file:
        for frame in frames:
            if convert is None:
                convert = colour.ToYuv420(frame.shape[1], frame.shape[0])
            file.write(convert(frame).astype("<u2").tobytes())
            count += 1
    if convert is None:
        raise VcmflowError("no frames to encode")
    clip = RawClip(path, convert.coded_width, convert.coded_height, count, fps)
    return clip, convert.width, convert.height
