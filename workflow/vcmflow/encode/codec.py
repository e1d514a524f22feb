"""What every codec does, and what goes into it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Protocol, cast, get_args

from vcmflow.core.errors import VcmflowError

Mode = Literal["ra", "ai"]  # random access, all-intra


@dataclass(frozen=True)
class RawClip:
    """The kept frames, converted once and coded at every QP.

    Attributes:
        path: headerless 10-bit 4:2:0 pictures, one after the other (ffmpeg's yuv420p10le).
        width: width in luma samples, even.
        height: height in luma samples, even.
        pictures: how many there are.
        fps: frames per second of the original video. The kept frames are not equally spaced in
            time; no decision of the encoders at constant QP depends on it.
    """

    path: Path
    width: int
    height: int
    pictures: int
    fps: float

    @property
    def input_arguments(self) -> list[str]:
        """The clip as ffmpeg's input, on standard input."""
        rate = Fraction(self.fps).limit_denominator(100_000)
        return [
            *("-f", "rawvideo", "-pix_fmt", "yuv420p10le"),
            *("-video_size", f"{self.width}x{self.height}", "-framerate", str(rate)),
            *("-i", "pipe:0"),
        ]


class Codec(Protocol):
    """An encoder at fixed settings; see ``vcmflow.encode.registry``.

    Same clip, mode and QP give the same bytes, whatever the machine's load or the number of
    threads, and nothing about the machine or the settings stands in them.
    """

    def arguments(self, mode: Mode, qp: int) -> list[str]:
        """The settings that shape the bitstream, as the encoder is given them.

        Raises:
            VcmflowError: the settings do not go with the mode.
        """
        ...

    def encode(self, clip: RawClip, mode: Mode, qp: int, path: Path) -> dict[str, Any]:
        """Write the stream and return what the encoder says of itself (``encoder``, ``ffmpeg``).

        Raises:
            VcmflowError: the encoder failed.
        """
        ...


def as_mode(name: str) -> Mode:
    """Check a mode's name.

    Raises:
        VcmflowError: it is neither "ra" nor "ai".
    """
    if name not in get_args(Mode):
        raise VcmflowError(f"mode is {name!r}; allowed: {', '.join(get_args(Mode))}")
    return cast(Mode, name)


def check_preset(codec: str, preset: str, allowed: tuple[str, ...]) -> str:
    """Return ``preset``.

    Raises:
        VcmflowError: the codec has no such preset.
    """
    if preset not in allowed:
        raise VcmflowError(f"{codec}: preset is {preset!r}; allowed: {', '.join(allowed)}")
    return preset


def check_flag(codec: str, option: str, value: object) -> bool:
    """Return ``value``.

    Raises:
        VcmflowError: it is neither true nor false.
    """
    if not isinstance(value, bool):
        raise VcmflowError(f"{codec}: option {option} is {value!r}; allowed: true, false")
    return value
