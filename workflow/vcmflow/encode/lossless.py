"""No loss at all: FFV1 in Matroska. What a sampler could reach if coding cost no quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame, read_video, write_video
from vcmflow.encode.codec import Codec, Report, Video


@dataclass(frozen=True)
class Lossless:
    """See ``build``."""

    def encode(
        self,
        video: Video,
        needs: Mapping[str, Any],  # noqa: ARG002
        point: float,  # noqa: ARG002 (there is one)
        out: Mapping[str, Path],
    ) -> Report:
        """Encode; see ``Codec``."""
        write_video(out["base"], video, video.shape.fps)
        version = ".".join(map(str, av.library_versions["libavcodec"]))
        return Report({"encoder": f"FFV1 of libavcodec {version}"}, ["-c:v", "ffv1"])

    def decode(self, sent: Mapping[str, Path], shape: Shape) -> Iterator[Frame]:
        """Decode; see ``Codec``."""
        with sent["base"].open("rb") as file:
            # Of what else it could be, playlists make a reader open other files.
            if file.read(4) != b"\x1aE\xdf\xa3":
                raise VcmflowError(f"{sent['base']}: no Matroska")
        count = 0
        for count, frame in enumerate(read_video(sent["base"]), start=1):
            if frame.shape != (shape.height, shape.width, 3) or count > shape.pictures:
                raise VcmflowError(
                    f"{sent['base']}: does not hold {shape.pictures} frames of "
                    f"{shape.width}x{shape.height}"
                )
            yield frame
        if count != shape.pictures:
            raise VcmflowError(f"{sent['base']}: {count} of {shape.pictures} frames")


def build() -> Codec:
    """There is nothing to set. Its one operating point is 0."""
    return Lossless()
