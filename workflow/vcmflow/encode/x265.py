"""H.265/HEVC with x265, through ffmpeg's libx265 (Main 10)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.encode import ffmpeg
from vcmflow.encode.codec import Codec, Mode, RawClip, check_flag, check_preset

PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)


@dataclass(frozen=True)
class X265:
    """Settings of x265.

    Attributes:
        preset: one of :data:`PRESETS`.
        intra_period: distance of intra pictures in random access, at least 2.
        picture_hash: put the MD5 of every decoded picture into the stream (it counts in the rate).
    """

    preset: str
    intra_period: int
    picture_hash: bool

    def arguments(self, mode: Mode, qp: int) -> list[str]:
        """Constant QP, no perceptual tuning, no note about the settings, one thread."""
        settings = (
            f"qp={qp}:aq-mode=0:psy-rd=0:psy-rdoq=0:info=0:frame-threads=1:pools=none:wpp=0"
            f":hash={int(self.picture_hash)}"
        )
        if mode == "ai":
            settings += ":keyint=1"
        else:
            settings += (
                f":keyint={self.intra_period}:min-keyint=1:scenecut=0:open-gop=1"
                ":bframes=7:b-adapt=0:b-pyramid=1"
            )
        return ["-c:v", "libx265", "-preset", self.preset, "-x265-params", settings]

    def encode(self, clip: RawClip, mode: Mode, qp: int, path: Path) -> dict[str, Any]:
        """Encode; see ``Codec``."""
        messages = ffmpeg.encode(
            [*clip.input_arguments, *self.arguments(mode, qp), "-f", "hevc"],
            clip.path,
            path,
            f"x265, {mode}, QP {qp}",
        )
        found = re.search(r"HEVC encoder version (\S+)", messages)
        return {
            "encoder": f"x265 {found.group(1) if found else 'unknown'}",
            "ffmpeg": ffmpeg.version(messages),
        }


def build(
    *,
    preset: str,
    intra_period: int,
    threads: int,  # noqa: ARG001
    picture_hash: bool = False,
) -> Codec:
    """Check the settings.

    Args:
        preset: one of :data:`PRESETS`.
        intra_period: distance of intra pictures in random access, at least 2.
        threads: not used: x265's stream can depend on the number of threads, so it runs with one.
        picture_hash: put the MD5 of every decoded picture into the stream.

    Raises:
        VcmflowError: a setting that x265 does not have.
    """
    if intra_period < 2:
        raise VcmflowError(f"x265: intra period is {intra_period}; allowed: 2 or more")
    return X265(
        check_preset("x265", preset, PRESETS),
        intra_period,
        check_flag("x265", "picture_hash", picture_hash),
    )
