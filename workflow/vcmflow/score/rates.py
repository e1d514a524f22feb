"""Rate of a coded sequence (spec section 5): bitstream and side information together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """What a sequence costs to send, and what it is measured against.

    Attributes:
        stream_bytes: the whole bitstream file.
        metadata_bytes: one byte per gap between kept frames.
        seconds: duration n / fps of the *original* video, however many frames were kept.
        pixels: n · width · height of the original video.
    """

    stream_bytes: int
    metadata_bytes: int
    seconds: float
    pixels: int

    @property
    def bytes(self) -> int:
        """Bitstream and metadata."""
        return self.stream_bytes + self.metadata_bytes

    @property
    def kbps(self) -> float:
        """Kilobit (1000 bit) per second of the original video."""
        return self.bytes * 8 / 1000 / self.seconds

    @property
    def bpp(self) -> float:
        """Bits per pixel of the original video."""
        return self.bytes * 8 / self.pixels

    def __add__(self, other: Rate) -> Rate:
        """Both sequences one after the other."""
        return Rate(
            self.stream_bytes + other.stream_bytes,
            self.metadata_bytes + other.metadata_bytes,
            self.seconds + other.seconds,
            self.pixels + other.pixels,
        )
