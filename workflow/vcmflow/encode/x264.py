"""H.264/AVC with x264, through ffmpeg's libx264 (High 10)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.encode import ffmpeg
from vcmflow.encode.bitstream import nal_units, without_units
from vcmflow.encode.codec import Codec, Mode, RawClip, check_preset

PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)


@dataclass(frozen=True)
class X264:
    """Settings of x264.

    Attributes:
        preset: one of :data:`PRESETS`.
        intra_period: distance of intra pictures in random access, at least 2.
    """

    preset: str
    intra_period: int

    def arguments(self, mode: Mode, qp: int) -> list[str]:
        """Constant QP, no perceptual tuning, one thread (more would change the stream)."""
        # At 10 bit x264 counts QP from -12: its 12 is H.264's 0.
        settings = f"qp={qp + 12}:aq-mode=0:psy=0:threads=1:lookahead-threads=1:sliced-threads=0"
        if mode == "ai":
            settings += ":keyint=1"
        else:
            settings += (
                f":keyint={self.intra_period}:min-keyint=1:scenecut=0:open-gop=1"
                ":bframes=7:b-adapt=0:b-pyramid=normal"
            )
        return ["-c:v", "libx264", "-preset", self.preset, "-x264-params", settings]

    def encode(self, clip: RawClip, mode: Mode, qp: int, path: Path) -> dict[str, Any]:
        """Encode; see ``Codec``.

        x264 opens its stream with a message of some 700 bytes that lists its version and options.
        It is taken out, so that it does not count in the rate, and returned.
        """
        messages = ffmpeg.encode(
            [*clip.input_arguments, *self.arguments(mode, qp), "-f", "h264"],
            clip.path,
            path,
            f"x264, {mode}, QP {qp}",
        )
        stream = path.read_bytes()
        notes = b"".join(unit for unit in nal_units(stream) if _is_note(unit))
        path.write_bytes(without_units(stream, _is_note))
        found = re.search(rb"x264 - core (\d+ r\S+ \S+|\d+)", notes)
        options = re.search(rb"options: ([ -~]+)", notes)
        return {
            "encoder": f"x264 {found.group(1).decode() if found else 'unknown'}",
            "encoder_options": options.group(1).decode() if options else "unknown",
            "ffmpeg": ffmpeg.version(messages),
        }


def _is_note(unit: bytes) -> bool:
    return unit[0] & 31 == 6  # supplemental enhancement information


def build(*, preset: str, intra_period: int, threads: int) -> Codec:  # noqa: ARG001
    """Check the settings.

    Args:
        preset: one of :data:`PRESETS`.
        intra_period: distance of intra pictures in random access, at least 2.
        threads: not used: x264's stream depends on the number of threads, so it runs with one.

    Raises:
        VcmflowError: a setting that x264 does not have.
    """
    if intra_period < 2:
        raise VcmflowError(f"x264: intra period is {intra_period}; allowed: 2 or more")
    return X264(check_preset("x264", preset, PRESETS), intra_period)
