"""AV1 with SVT-AV1, through ffmpeg's libsvtav1; decoded by dav1d.

Of the AV1 encoders in the bundled ffmpeg, this one has a true constant quantiser (with an offset
for each temporal layer, as the others here), and its threads do not change the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vcmflow.core.errors import VcmflowError
from vcmflow.encode.bitstream import BitReader, Picture, Syntax
from vcmflow.encode.bundled import Bundled, IntraPeriod, Structure
from vcmflow.encode.codec import Codec
from vcmflow.encode.ffmpeg import said

SEQUENCE_HEADER, TEMPORAL_DELIMITER, FRAME_HEADER, FRAME = 1, 2, 3, 6  # obu_type
KEY_FRAME, INTRA_ONLY_FRAME = 0, 2  # frame_type


def pictures(stream: bytes) -> list[Picture]:
    """AV1, 5.3.1 OBU syntax and 5.9.2 uncompressed_header(): a picture is what is shown.

    A temporal unit shows one picture; it is intra if every frame in it is. A frame that was coded
    earlier and is only shown here counts as not intra.
    """
    found: list[Picture] = []
    intra, key = True, False
    for kind, payload in _units(stream):
        if kind == SEQUENCE_HEADER:
            reader = BitReader(payload[:8])
            reader.u(3 + 1)  # seq_profile, still_picture
            if reader.u(1):  # reduced_still_picture_header
                raise VcmflowError("a still picture, no video")
        elif kind == TEMPORAL_DELIMITER:
            intra, key = True, False
        elif kind in (FRAME, FRAME_HEADER):
            reader = BitReader(payload[:8])
            if reader.u(1):  # show_existing_frame
                found.append(Picture(False, False))
                continue
            kind_of_frame, shown = reader.u(2), reader.u(1)
            intra = intra and kind_of_frame in (KEY_FRAME, INTRA_ONLY_FRAME)
            key = kind_of_frame == KEY_FRAME
            if shown:
                found.append(Picture(intra, key))
    return found


def _units(stream: bytes) -> list[tuple[int, bytes]]:
    """Type and payload of every OBU of a low-overhead byte stream."""
    units = []
    position = 0
    while position < len(stream):
        header = stream[position]
        if header & 0x83 != 2:  # forbidden bit 0, has a size, reserved bit 0
            raise VcmflowError(f"byte {position} begins no OBU")
        position += 1 + (header >> 2 & 1)  # obu_extension_flag
        size = shift = 0
        while True:  # leb128()
            if position >= len(stream) or shift > 28:
                raise VcmflowError("an OBU is cut off")
            byte = stream[position]
            position += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if position + size > len(stream):
            raise VcmflowError("an OBU is cut off")
        units.append((header >> 3 & 15, stream[position : position + size]))
        position += size
    return units


@dataclass(frozen=True)
class Av1(Bundled):
    """Settings of SVT-AV1; see ``build``."""

    syntax = Syntax("obu", pictures, starts=(b"\x12\0",))  # a temporal delimiter

    preset: int
    intra_period: int

    def arguments(self, point: float) -> list[str]:
        """Constant quantiser, tuned for PSNR."""
        settings = f"rc=0:aq-mode=0:tune=1:qp={point:g}"
        if self.structure == "ai":
            settings += ":enable-tf=0"  # no look at the neighbours: every picture on its own
        period = 1 if self.structure == "ai" else self.intra_period
        return [
            *("-c:v", "libsvtav1", "-preset", str(self.preset), "-g", str(period)),
            *("-svtav1-params", settings),
        ]

    def threaded(self, arguments: list[str]) -> list[str]:
        """SVT-AV1's level of parallelism does not change the stream."""
        return [*arguments[:-1], f"{arguments[-1]}:lp={self.threads}"]

    def about(self, messages: str, path: Path) -> dict[str, str]:  # noqa: ARG002
        """The version."""
        return {"encoder": "SVT-AV1 " + said(r"SVT-AV1 Encoder Lib v?(\S+)", messages)}


def build(
    *,
    structure: Structure = "ra",
    preset: Annotated[int, Field(ge=0, le=13)] = 6,
    intra_period: IntraPeriod = 32,
    threads: int = 1,
) -> Codec:
    """Take the settings. Operating points are quantiser indices of SVT-AV1.

    Args:
        structure: "ra" or "ai".
        preset: SVT-AV1's, from 0 (slow) to 13 (fast).
        intra_period: distance of key frames in random access.
        threads: at least 1.
    """
    return Av1(structure, threads, preset, intra_period)
