"""H.266/VVC with VVenC, through ffmpeg's libvvenc."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from vcmflow.core.errors import VcmflowError
from vcmflow.encode import ffmpeg
from vcmflow.encode.bitstream import VVC
from vcmflow.encode.bundled import Bundled, Flag, IntraPeriod, Structure
from vcmflow.encode.codec import Codec, Report, Video
from vcmflow.encode.colour import coded_size
from vcmflow.encode.ffmpeg import said

Preset = Literal["faster", "fast", "medium", "slow", "slower"]
Extra = Annotated[str, Field(pattern=r"^([A-Za-z0-9_]+=[^:]+(:[A-Za-z0-9_]+=[^:]+)*)?$")]


@dataclass(frozen=True)
class Vvenc(Bundled):
    """Settings of VVenC; see ``build``."""

    syntax = VVC

    preset: str
    intra_period: int
    gop_size: int
    picture_hash: bool
    extra: str

    def arguments(self, point: float) -> list[str]:
        """Constant QP, perceptual QP adaptation off, nothing that depends on the threads."""
        if self.structure == "ai":
            # Without MCTF and BIM, which look at neighbours, every picture stands on its own.
            # Frame threads (the default) make short all-intra streams come out empty.
            settings = "intraperiod=1:gopsize=1:mctf=0:bim=0:maxparallelframes=0"
        else:
            # Without poc0idr the only intra picture of a short sequence comes late.
            settings = (
                f"intraperiod={self.intra_period}:gopsize={self.gop_size}"
                ":decodingrefreshtype=cra:poc0idr=1"
            )
        # mtprofile=0: eight or more threads would otherwise switch to other tools. ffmpeg asks for
        # access unit delimiters; they say nothing that a decoder of a file needs.
        settings += ":mtprofile=0:accessunitdelimiter=0"
        if self.picture_hash:
            settings += ":decodedpicturehash=1"
        if self.extra:
            settings += f":{self.extra}"
        return [
            *("-c:v", "libvvenc", "-preset", self.preset, "-qp", f"{point:g}", "-qpa", "0"),
            *("-vvenc-params", settings),
        ]

    def threaded(self, arguments: list[str]) -> list[str]:
        """VVenC's threads do not change the stream."""
        return [*arguments, "-threads", str(self.threads)]

    def about(self, messages: str, path: Path) -> dict[str, str]:  # noqa: ARG002
        """The version."""
        return {"encoder": "VVenC " + said(r"libvvenc version: (\S+)", messages)}

    def encode(
        self, video: Video, needs: Mapping[str, Any], point: float, out: Mapping[str, Path]
    ) -> Report:
        """Encode; see ``Codec``."""
        try:
            return super().encode(video, needs, point, out)
        except VcmflowError as error:
            if "submitting video frame" not in str(error):
                raise
            width, height = coded_size(video.shape.width, video.shape.height)
            # What libvvenc.c reserves for a coded picture.
            raise VcmflowError(
                f"{error} (most likely a coded picture larger than the limit of ffmpeg's wrapper, "
                f"{width * height} bytes at this size: use a higher QP)"
            ) from None


def build(
    *,
    structure: Structure = "ra",
    preset: Preset = "faster",
    intra_period: IntraPeriod = 32,
    gop_size: Literal[16, 32] | None = None,
    picture_hash: Flag = False,
    extra: Extra = "",
    threads: int = 1,
) -> Codec:
    """Check the settings. Operating points are QPs.

    Args:
        structure: "ra" or "ai".
        preset: VVenC's.
        intra_period: distance of intra pictures in random access, a multiple of the GOP size.
        gop_size: None takes 32 where the intra period is a multiple of it, else 16.
        picture_hash: put the MD5 of every decoded picture into the stream (it counts in the rate).
        extra: further VVenC settings, ``key=value:key=value``; they win over those set here.
        threads: at least 1.

    Raises:
        VcmflowError: the intra period does not go with the GOP size, or VVenC refuses ``extra``.
    """
    if gop_size is None:
        gop_size = 16 if intra_period % 32 else 32
    if structure == "ra" and intra_period % gop_size:
        raise VcmflowError(
            f"vvenc: intra period is {intra_period}; allowed in random access: "
            f"multiples of the GOP size {gop_size}"
        )
    codec = Vvenc(structure, threads, preset, intra_period, gop_size, picture_hash, extra)
    if extra:
        _try(codec)
    return codec


def _try(codec: Vvenc) -> None:
    """Code one grey picture: only VVenC knows its settings, and a plan should not wait to hear."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "grey.yuv")
        clip.write_bytes(bytes([128]) * (64 * 64 * 3 // 2))
        source = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "64x64", "-i", "pipe:0"]
        try:
            ffmpeg.encode(
                [*source, *codec.arguments(37), "-f", VVC.format], clip, Path(folder, "grey.266")
            )
        except VcmflowError as error:
            raise VcmflowError(f"vvenc: extra is {codec.extra!r}: {error}") from None
