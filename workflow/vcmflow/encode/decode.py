"""Decode a bitstream of the kept frames with ffmpeg's decoders, and believe nothing.

What is checked: the stream is not empty, its headers hold the expected number of pictures, the
decoder reports no error, the pictures have the expected size and number, and, where the encoder put
hashes of its pictures into the stream, that the decoder reproduced them bit by bit. ffmpeg's H.266
and H.264 decoders notice nearly every damaged slice; its H.265 decoder conceals many and its AV1
decoder most, so that only hashes (x265's option ``picture_hash``) or those in ``encode.json`` make
sure there.
"""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.encode import ffmpeg
from vcmflow.encode.bitstream import Syntax, hashes_of, pictures_of
from vcmflow.encode.colour import FromYuv420, Picture, coded_size


def decode_stream(path: Path, syntax: Syntax, shape: Shape, threads: int = 1) -> Iterator[Frame]:
    """Yield the decoded frames in display order, uint8 H x W x 3, RGB.

    Args:
        path: the byte stream.
        syntax: of which standard it is.
        shape: of the frames; the stream's pictures have width and height rounded up to even.
        threads: decoder threads; do not change the result.

    Raises:
        VcmflowError: a check of those above fails. The last ones can only fail after the last
            frame, so a caller must not keep what it made of the frames before.
    """
    count = shape.pictures
    found = len(pictures_of(path, syntax))
    if found != count:
        raise VcmflowError(f"{path}: holds {found} pictures, {count} are expected")
    verify_hashes(path, syntax, threads)
    size = coded_size(shape.width, shape.height)
    to_rgb = FromYuv420(shape.width, shape.height)
    decoded = 0
    for picture, picture_size in decode_pictures(path, syntax, threads):
        if picture_size != size:
            raise VcmflowError(
                f"{path}: pictures are {picture_size[0]}x{picture_size[1]}, "
                f"{size[0]}x{size[1]} is expected for frames of {shape.width}x{shape.height}"
            )
        if decoded < count:
            yield to_rgb(picture)
        decoded += 1
    if decoded != count:
        raise VcmflowError(f"{path}: {decoded} of {count} pictures could be decoded")


def verify_hashes(path: Path, syntax: Syntax, threads: int = 1) -> int:
    """Compare every decoded picture with the MD5 that the encoder put into the stream.

    The hashes come in coding order and the pictures in display order, so they are compared as
    collections.

    Returns:
        The number of pictures that were confirmed; 0 if the stream carries no hashes.

    Raises:
        VcmflowError: a picture differs from what the encoder saw, or cannot be decoded.
    """
    expected = Counter(hashes_of(path, syntax))
    if not expected:
        return 0
    pictures = decode_pictures(path, syntax, threads, cropped=False)
    got = Counter(_hashes(picture, size) for picture, size in pictures)
    if expected != got:
        wrong = sum((got - expected).values()) or sum((expected - got).values())
        raise VcmflowError(f"{path}: {wrong} decoded pictures are not those that were encoded")
    return sum(got.values())


def decode_pictures(
    path: Path, syntax: Syntax, threads: int = 1, *, cropped: bool = True
) -> Iterator[tuple[Picture, tuple[int, int]]]:
    """Yield (10-bit picture, (width, height)) in display order; 8 bit are multiplied by 4.

    Of grey ones the picture is height x width, of others that of ``colour.Picture``.

    Args:
        path: the byte stream.
        syntax: of which standard it is; nothing is guessed from the content.
        threads: decoder threads.
        cropped: apply the stream's cropping window.

    Raises:
        VcmflowError: the decoder fails, reports any error, or gives something else than pictures of
            the syntax's bits and colours.
    """
    command = [
        *(ffmpeg.executable(), "-hide_banner", "-nostats", "-loglevel", "error"),
        *("-xerror", "-err_detect", "crccheck+bitstream+buffer+explode"),
        *("-apply_cropping", str(int(cropped)), "-threads", str(threads)),
        *("-f", syntax.format, "-i", "pipe:0"),
        *("-fps_mode", "passthrough", "-strict", "-1", "-f", "yuv4mpegpipe", "pipe:1"),
    ]
    with (
        path.open("rb") as source,
        tempfile.TemporaryFile() as messages,
        subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=messages) as process,
    ):
        assert process.stdout is not None  # noqa: S101  (for the type checker)
        try:
            yield from _read_y4m(process.stdout, path, syntax)
        except BaseException:
            process.kill()  # nobody reads on, also where the caller only stopped early
            raise
        process.wait()
        messages.seek(0)
        text = messages.read().decode("utf-8", "replace")
        if process.returncode < 0:
            name = signal.Signals(-process.returncode).name
            raise VcmflowError(f"{path}: the decoder was killed ({name}); run it again")
        if process.returncode or text.strip():
            reason = ffmpeg.first_error(text)
            raise VcmflowError(f"{path}: cannot be decoded, the stream is damaged: {reason}")


def _read_y4m(
    pipe: IO[bytes], path: Path, syntax: Syntax
) -> Iterator[tuple[Picture, tuple[int, int]]]:
    bits = syntax.bits
    header = pipe.readline(1000).decode("ascii", "replace")
    if not header:
        return  # the decoder gave up before the first picture; its status says so
    fields = {field[0]: field[1:] for field in reversed(header.split()[1:])}
    if not header.startswith("YUV4MPEG2 ") or not re.fullmatch(r"\d+", fields.get("W", "")):
        raise VcmflowError(f"{path}: the decoder's output is no video")
    # 8-bit 4:2:0 has names for where chroma lies, which colour.py says.
    wanted = "420p10" if bits == 10 else "420(jpeg|mpeg2|paldv)?"
    if syntax.grey:
        wanted = f"mono{bits}"
    if not re.fullmatch(wanted, fields.get("C", "")):
        kind = f"{bits}-bit {'4:0:0' if syntax.grey else '4:2:0'}"
        raise VcmflowError(f"{path}: holds {fields.get('C', '?')} pictures, not {kind}")
    width, height = int(fields["W"]), int(fields["H"])
    sample = np.dtype("<u2" if bits == 10 else "u1")
    rows = height if syntax.grey else height * 3 // 2
    size = width * rows * sample.itemsize
    while pipe.readline(1000):
        data = pipe.read(size)
        if len(data) != size:
            return
        picture = np.frombuffer(data, sample).reshape(rows, width)
        scaled = np.left_shift(picture, 10 - bits, dtype=np.uint16)
        yield scaled, (width, height)


def _hashes(picture: Picture, size: tuple[int, int]) -> tuple[bytes, ...]:
    """MD5 of Y, Cb and Cr as H.265 and H.266 define it: 16-bit little-endian samples."""
    width, height = size
    samples = picture.reshape(-1).astype("<u2")
    luma, chroma = width * height, (width // 2) * (height // 2)
    planes = np.split(samples, [luma, luma + chroma])
    return tuple(hashlib.md5(plane.tobytes(), usedforsecurity=False).digest() for plane in planes)
