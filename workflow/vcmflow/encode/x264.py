"""H.264/AVC with x264, through ffmpeg's libx264 (High 10)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vcmflow.encode.bitstream import AVC, nal_units, without_units
from vcmflow.encode.bundled import Bundled, IntraPeriod, Structure
from vcmflow.encode.codec import Codec
from vcmflow.encode.ffmpeg import said

Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast",
    "medium", "slow", "slower", "veryslow", "placebo",
]  # fmt: skip


@dataclass(frozen=True)
class X264(Bundled):
    """Settings of x264; see ``build``."""

    syntax = AVC

    preset: str
    intra_period: int

    def arguments(self, point: float) -> list[str]:
        """Constant QP, no perceptual tuning, one thread (more would change the stream)."""
        # At 10 bit x264 counts QP from -12: its 12 is H.264's 0.
        settings = (
            f"qp={point + 12:g}:aq-mode=0:psy=0:threads=1:lookahead-threads=1:sliced-threads=0"
        )
        if self.structure == "ai":
            settings += ":keyint=1"
        else:
            settings += (
                f":keyint={self.intra_period}:min-keyint=1:scenecut=0:open-gop=1"
                ":bframes=7:b-adapt=0:b-pyramid=normal"
            )
        return ["-c:v", "libx264", "-preset", self.preset, "-x264-params", settings]

    def about(self, messages: str, path: Path) -> dict[str, str]:  # noqa: ARG002
        """The version and the options; see ``take_note``."""
        return take_note(path)


def take_note(path: Path) -> dict[str, str]:
    """What x264 says of itself in a stream: the version and the options.

    It opens its stream with a message of some 700 bytes that lists them. It is taken out, so that
    it does not count in the rate.
    """
    stream = path.read_bytes()
    notes = b"".join(unit for unit in nal_units(stream) if _is_note(unit)).decode("latin-1")
    path.write_bytes(without_units(stream, _is_note))
    return {
        "encoder": "x264 " + said(r"x264 - core (\d+ r\S+ \S+|\d+)", notes),
        "encoder_options": said(r"options: ([ -~]+)", notes),
    }


def _is_note(unit: bytes) -> bool:
    return unit[0] & 31 == 6  # supplemental enhancement information


def build(
    *,
    structure: Structure = "ra",
    preset: Preset = "faster",
    intra_period: IntraPeriod = 32,
    threads: int = 1,
) -> Codec:
    """Take the settings. Operating points are QPs of H.264.

    Args:
        structure: "ra" or "ai".
        preset: x264's.
        intra_period: distance of intra pictures in random access.
        threads: of the decoder; x264's stream depends on the number, so that it runs with one.
    """
    return X264(structure, threads, preset, intra_period)
