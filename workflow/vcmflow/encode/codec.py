"""What every codec does, and what goes into it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from vcmflow.core.encoding import Cost, Shape
from vcmflow.core.features import Features
from vcmflow.core.video import Frame


@dataclass
class Video:
    """The kept frames. Iterating reads them from the original video, again each time.

    Attributes:
        shape: their size and number.
        read: gives them, uint8 H x W x 3, RGB, one at a time.
        scratch: a folder for conversions, which lasts as long as the video is coded.
        preparing: seconds that conversions took, which are no operating point's.
    """

    shape: Shape
    read: Callable[[], Iterator[Frame]]
    scratch: Path
    preparing: float = field(default=0.0, init=False)

    def __iter__(self) -> Iterator[Frame]:
        return self.read()

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """A file that all operating points share: the first one makes it."""
        path = self.scratch / name
        if not path.exists():
            start = time.perf_counter()
            make(path)
            self.preparing += time.perf_counter() - start
        return path


@dataclass(frozen=True)
class Report:
    """What an encoder says of itself, and the settings that shaped the streams of a point."""

    encoder: Mapping[str, Any]
    arguments: list[str]


class Codec(Protocol):
    """An encoder and its decoder at fixed settings; see ``vcmflow.encode.registry``.

    The builder takes the codec's options, and ``weights``, ``device`` and ``threads`` where it has
    such parameters. Same video and point give the same bytes, whatever the machine's load or the
    number of threads, and nothing about the machine stands in them.
    """

    def encode(
        self, video: Video, needs: Mapping[str, Any], point: float, out: Mapping[str, Path]
    ) -> Report:
        """Write one file per role.

        Args:
            video: the kept frames.
            needs: what the registry says that the codec needs, read: one row per kept frame.
            point: in the registry's range.
            out: role -> path to write, for each stream and record in the registry.

        Raises:
            VcmflowError: the encoder failed, or wrote something wrong.
        """
        ...

    def decode(
        self, sent: Mapping[str, Path], shape: Shape
    ) -> Iterator[Frame] | Iterator[Features]:
        """Yield what the registry says that the codec gives, one item per kept frame, in order.

        Args:
            sent: role -> file, all that the receiver has of the frames.
            shape: what it knows beside them.

        Raises:
            VcmflowError: the streams are damaged, or do not hold what ``shape`` says.
        """
        ...


@runtime_checkable
class Learned(Protocol):
    """A codec with networks; one that has none says nothing of costs."""

    def cost(self, shape: Shape) -> Cost:
        """What the networks cost for frames of this size."""
        ...
