"""H.265/HEVC with x265, through ffmpeg's libx265 (Main 10)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vcmflow.encode.bitstream import HEVC
from vcmflow.encode.bundled import Bundled, Flag, IntraPeriod, Structure
from vcmflow.encode.codec import Codec
from vcmflow.encode.ffmpeg import said
from vcmflow.encode.x264 import Preset  # the same names


@dataclass(frozen=True)
class X265(Bundled):
    """Settings of x265; see ``build``."""

    syntax = HEVC

    preset: str
    intra_period: int
    picture_hash: bool

    def arguments(self, point: float) -> list[str]:
        """Constant QP, no perceptual tuning, no note about the settings, one thread."""
        settings = (
            f"qp={point:g}:aq-mode=0:psy-rd=0:psy-rdoq=0:info=0:frame-threads=1:pools=none:wpp=0"
            f":hash={int(self.picture_hash)}"
        )
        if self.structure == "ai":
            settings += ":keyint=1"
        else:
            settings += (
                f":keyint={self.intra_period}:min-keyint=1:scenecut=0:open-gop=1"
                ":bframes=7:b-adapt=0:b-pyramid=1"
            )
        return ["-c:v", "libx265", "-preset", self.preset, "-x265-params", settings]

    def about(self, messages: str, path: Path) -> dict[str, str]:  # noqa: ARG002
        """The version."""
        return {"encoder": "x265 " + said(r"HEVC encoder version (\S+)", messages)}


def build(
    *,
    structure: Structure = "ra",
    preset: Preset = "faster",
    intra_period: IntraPeriod = 32,
    picture_hash: Flag = False,
    threads: int = 1,
) -> Codec:
    """Take the settings. Operating points are QPs.

    Args:
        structure: "ra" or "ai".
        preset: x265's.
        intra_period: distance of intra pictures in random access.
        picture_hash: put the MD5 of every decoded picture into the stream (it counts in the rate).
        threads: of the decoder; x265's stream can depend on the number, so that it runs with one.
    """
    return X265(structure, threads, preset, intra_period, picture_hash)
