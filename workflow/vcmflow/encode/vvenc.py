"""H.266/VVC with VVenC, through ffmpeg's libvvenc."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.encode import ffmpeg
from vcmflow.encode.codec import Codec, Mode, RawClip, check_flag, check_preset

PRESETS = ("faster", "fast", "medium", "slow", "slower")
GOP_SIZES = (32, 16)


@dataclass(frozen=True)
class Vvenc:
    """Settings of VVenC.

    Attributes:
        preset: one of :data:`PRESETS`.
        intra_period: distance of intra pictures in random access, a multiple of the GOP size.
        gop_size: 16 or 32.
        threads: encoder threads, at least 1; does not change the stream.
        picture_hash: put the MD5 of every decoded picture into the stream (it counts in the rate).
        extra: further VVenC settings, ``key=value:key=value``; they win over those set here.
    """

    preset: str
    intra_period: int
    gop_size: int
    threads: int
    picture_hash: bool
    extra: str

    def arguments(self, mode: Mode, qp: int) -> list[str]:
        """Constant QP, perceptual QP adaptation off, nothing that depends on the threads."""
        if mode == "ai":
            # Without MCTF and BIM, which look at neighbours, every picture stands on its own.
            # Frame threads (the default) make short all-intra streams come out empty.
            settings = "intraperiod=1:gopsize=1:mctf=0:bim=0:maxparallelframes=0"
        else:
            if self.intra_period % self.gop_size:
                raise VcmflowError(
                    f"vvenc: intra period is {self.intra_period}; allowed in random access: "
                    f"multiples of the GOP size {self.gop_size}"
                )
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
            *("-c:v", "libvvenc", "-preset", self.preset, "-qp", str(qp), "-qpa", "0"),
            *("-vvenc-params", settings),
        ]

    def encode(self, clip: RawClip, mode: Mode, qp: int, path: Path) -> dict[str, Any]:
        """Encode; see ``Codec``."""
        try:
            messages = ffmpeg.encode(
                [
                    *(*clip.input_arguments, *self.arguments(mode, qp)),
                    *("-threads", str(self.threads), "-f", "vvc"),
                ],
                clip.path,
                path,
                f"vvenc, {mode}, QP {qp}",
            )
        except VcmflowError as error:
            if "submitting video frame" not in str(error):
                raise
            # What libvvenc.c reserves for a coded picture.
            raise VcmflowError(
                f"{error} (most likely a coded picture larger than the limit of ffmpeg's wrapper, "
                f"{clip.width * clip.height} bytes at this size: use a higher QP)"
            ) from None
        found = re.search(r"libvvenc version: (\S+)", messages)
        return {
            "encoder": f"VVenC {found.group(1) if found else 'unknown'}",
            "ffmpeg": ffmpeg.version(messages),
        }


def build(
    *,
    preset: str,
    intra_period: int,
    threads: int,
    gop_size: int | None = None,
    picture_hash: bool = False,
    extra: str = "",
) -> Codec:
    """Check the settings.

    Args:
        preset: one of :data:`PRESETS`.
        intra_period: distance of intra pictures in random access.
        threads: encoder threads.
        gop_size: 16 or 32; None takes 32 where the intra period is a multiple of it, else 16.
        picture_hash: put the MD5 of every decoded picture into the stream.
        extra: further VVenC settings, ``key=value:key=value``.

    Raises:
        VcmflowError: a setting that VVenC does not have.
    """
    if gop_size is None:
        gop_size = 32 if intra_period % 32 == 0 else 16
    if gop_size not in GOP_SIZES:
        raise VcmflowError(f"vvenc: option gop_size is {gop_size!r}; allowed: 16, 32")
    if extra and not re.fullmatch(r"[A-Za-z0-9_]+=[^:]+(:[A-Za-z0-9_]+=[^:]+)*", str(extra)):
        raise VcmflowError(f"vvenc: option extra is {extra!r}; allowed: key=value:key=value")
    return Vvenc(
        check_preset("vvenc", preset, PRESETS),
        intra_period,
        gop_size,
        threads,
        check_flag("vvenc", "picture_hash", picture_hash),
        str(extra),
    )
