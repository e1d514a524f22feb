"""What the codecs of the bundled ffmpeg share: one stream of pictures, checked at both ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.encode import colour, ffmpeg
from vcmflow.encode.bitstream import Syntax, pictures_of
from vcmflow.encode.codec import Report, Video
from vcmflow.encode.decode import decode_stream

Structure = Literal["ra", "ai"]  # random access, all-intra
Flag = Annotated[bool, Field(strict=True)]
# Distance of intra pictures in random access, in coded pictures.
IntraPeriod = Annotated[int, Field(ge=2, le=1024)]


@dataclass(frozen=True)
class Bundled(ABC):
    """A codec whose encoder and decoder are in the bundled ffmpeg.

    Attributes:
        structure: "ra" or "ai".
        threads: of the decoder, and of the encoder where they do not change the stream.
    """

    syntax: ClassVar[Syntax]

    structure: Structure
    threads: int

    @abstractmethod
    def arguments(self, point: float) -> list[str]:
        """The settings that shape the stream, as ffmpeg is given them."""

    def threaded(self, arguments: list[str]) -> list[str]:
        """The settings, with the number of threads where it does not change the stream."""
        return arguments

    @abstractmethod
    def about(self, messages: str, path: Path) -> dict[str, str]:
        """What the encoder says of itself in ffmpeg's messages or in the stream."""

    def encode(
        self,
        video: Video,
        needs: Mapping[str, Any],  # noqa: ARG002
        point: float,
        out: Mapping[str, Path],
    ) -> Report:
        """Encode; see ``Codec``."""
        bits = self.syntax.bits
        pixels = "yuv420p10le" if bits == 10 else "yuv420p"
        clip = video.once(pixels, lambda path: write_clip(video, path, bits))
        width, height = colour.coded_size(video.shape.width, video.shape.height)
        rate = Fraction(video.shape.fps).limit_denominator(100_000)
        arguments = self.arguments(point)
        messages = ffmpeg.encode(
            [
                *("-f", "rawvideo", "-pix_fmt", pixels),
                *("-video_size", f"{width}x{height}", "-framerate", str(rate), "-i", "pipe:0"),
                *(*self.threaded(arguments), "-f", self.syntax.format),
            ],
            clip,
            out["base"],
        )
        about = self.about(messages, out["base"])
        check_pictures(out["base"], self.syntax, self.structure, video.shape.pictures)
        description = {**colour.DESCRIPTION, "coded_bits": bits}
        encoder = {**about, "ffmpeg": ffmpeg.version(messages), "colour": description}
        return Report(encoder, arguments)

    def decode(self, sent: Mapping[str, Path], shape: Shape) -> Iterator[Frame]:
        """Decode; see ``Codec``."""
        return decode_stream(sent["base"], self.syntax, shape, self.threads)


def write_clip(video: Video, path: Path, bits: int = 10) -> None:
    """Convert the frames to headerless 4:2:0 pictures of 8 or 10 bit, one after the other."""
    convert = colour.ToYuv420(video.shape.width, video.shape.height)
    with path.open("wb") as file:
        for frame in video:
            picture = convert(frame) >> (10 - bits)
            file.write(picture.astype("<u2" if bits == 10 else "u1").tobytes())


def check_pictures(stream: Path, syntax: Syntax, structure: Structure, count: int) -> None:
    """Check from the bitstream that it holds ``count`` pictures of the structure's kinds.

    An encoder that gives up silently leaves an empty or a short stream and status 0.

    Raises:
        VcmflowError: it does not.
    """
    pictures = pictures_of(stream, syntax)
    if len(pictures) != count:
        raise VcmflowError(f"{stream}: holds {len(pictures)} pictures, {count} went in")
    inter = sum(not picture.intra for picture in pictures)
    if structure == "ai" and inter:
        raise VcmflowError(f"{stream}: all-intra, but {inter} of {count} pictures are not intra")
    if structure == "ra" and count > 1 and not inter:
        raise VcmflowError(f"{stream}: random access, but all {count} pictures are intra")
    if not pictures[0].random_access:
        raise VcmflowError(f"{stream}: decoding cannot start at the first picture")
