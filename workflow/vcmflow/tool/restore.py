"""Restoring the frames of a container: all of them, or the kept ones alone."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vcmflow.core.encoding import Shape, check_weights
from vcmflow.core.errors import VcmflowError
from vcmflow.core.gaps import positions_from_gaps
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import find
from vcmflow.core.video import Frame
from vcmflow.encode.codec import Codec
from vcmflow.encode.registry import CODECS, check_points
from vcmflow.reconstruct.rebuild import rebuild
from vcmflow.reconstruct.reconstructor import Reconstructor
from vcmflow.tool.container import Reader, Segment
from vcmflow.tool.method import build_codec, build_reconstructor
from vcmflow.tool.source import Timed


class Receiver:
    """What decodes the segments of a container and rebuilds their dropped frames.

    Args:
        reader: the container.
        reconstructor: an instance as on the command line; None: the one that the header names.
        reconstructor_weights: its weights file.
        codec_weights: weights file of a learned codec.
        device: "auto", "cpu" or "cuda".
        threads: of decoder and networks; do not change the result.

    Raises:
        VcmflowError: no such codec or reconstructor, or not the weights that encoded.
    """

    def __init__(
        self,
        reader: Reader,
        reconstructor: str | None = None,
        reconstructor_weights: Path | None = None,
        codec_weights: Path | None = None,
        device: str = "auto",
        threads: int = 1,
    ) -> None:
        self.reader = reader
        header = reader.header
        name, options = parse_instance(json.dumps(dict(header.codec)), "codec")
        entry = find(CODECS, name, "codec")
        if entry.gives != "frames":
            raise VcmflowError(f"{reader.name}: codec {name!r} gives {entry.gives}, no frames")
        if tuple(entry.streams) != header.roles:
            raise VcmflowError(
                f"{reader.name}: has streams {', '.join(header.roles)}; codec {name!r} has "
                f"{', '.join(entry.streams)}"
            )
        check_points(name, [header.point])
        check_weights(reader.name, header.weights, codec_weights)
        self._entry = entry
        self._codec: Codec = build_codec(name, options, codec_weights, device, threads)
        self._make = reconstructor or json.dumps(dict(header.reconstructor))
        self._with = (reconstructor_weights, device, threads)
        self._reconstructor: Reconstructor | None = None

    def frames(
        self, *, only_samples: bool = False, start: float = 0.0, end: float = float("inf")
    ) -> Iterator[Timed]:
        """Yield the frames of all whole segments; what is missing, the reader knows afterwards.

        Args:
            only_samples: the kept frames alone, each until the next one.
            start: seconds; frames that are shown from then on. Segments before are not decoded.
            end: seconds; frames whose time is before.

        Raises:
            VcmflowError: a segment's streams are none of its codec's.
        """
        unit = self.reader.header.time_base
        for segment in self.reader:
            if segment.end * unit <= start or segment.times[0] * unit >= end:
                continue
            for timed in self._segment(segment, only_samples):
                if (timed.time + timed.duration) * unit > start and timed.time * unit < end:
                    yield timed

    def _segment(self, segment: Segment, only_samples: bool) -> Iterator[Timed]:
        times: Sequence[int] = segment.times
        with tempfile.TemporaryDirectory(prefix="vcmflow-") as folder:
            frames: Iterable[Frame] = self.decode(segment, Path(folder))
            if only_samples:
                times = [segment.times[place] for place in positions_from_gaps(segment.gaps)]
            elif any(segment.gaps):
                frames = rebuild(frames, segment.gaps, self._rebuilder())
            ends = (*times[1:], segment.end)
            for frame, time, end in zip(frames, times, ends, strict=True):
                yield Timed(frame, time, end - time)

    def decode(self, segment: Segment, folder: Path) -> Iterator[Frame]:
        """The kept frames of a segment as the codec reconstructs them.

        Args:
            segment: of this container.
            folder: where its streams are put.
        """
        header = self.reader.header
        sent = {}
        files = self._entry.files(header.point)
        for role in self._entry.streams:
            sent[role] = folder / files[role]
            sent[role].write_bytes(segment.streams[role])
        shape = Shape(header.width, header.height, segment.kept, header.fps)
        try:
            frames: Iterator[Any] = self._codec.decode(sent, shape)
            yield from frames
        except VcmflowError as error:
            message = str(error).replace(f"{folder}/", "")
            raise VcmflowError(f"{self.reader.name}: {message}") from None

    def _rebuilder(self) -> Reconstructor:
        if self._reconstructor is None:
            self._reconstructor = build_reconstructor(self._make, *self._with)
        return self._reconstructor
