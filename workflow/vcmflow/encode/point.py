"""Encoding at one operating point: what the stage and the tool do alike."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcmflow.core.encoding import CodedPoint, Stream, point_text
from vcmflow.core.errors import VcmflowError
from vcmflow.encode.codec import Codec, Report, Video
from vcmflow.encode.registry import CODECS


def encode_point(
    name: str, codec: Codec, video: Video, needs: Mapping[str, Any], point: float, folder: Path
) -> tuple[CodedPoint, Report]:
    """Write the streams of a point into a folder, under the names of the registry.

    Args:
        name: the codec's name in the registry.
        codec: the same, built.
        video: the kept frames.
        needs: what the codec needs, by name.
        point: the operating point.
        folder: it exists.

    Returns:
        The streams with the seconds that they took without the conversions that all points share,
        and what the encoder says.

    Raises:
        VcmflowError: the codec failed, or did not write all streams.
    """
    text = point_text(point)
    out = {role: folder / file for role, file in CODECS[name].files(point).items()}
    before, start = video.preparing, time.perf_counter()
    try:
        report = codec.encode(video, needs, point, out)
    except VcmflowError as error:
        message = str(error).replace(f"{folder}/", "")
        raise VcmflowError(f"codec {name!r} at {text}: {message}") from None
    seconds = time.perf_counter() - start - (video.preparing - before)
    for role, path in out.items():
        if not path.is_file():
            raise VcmflowError(f"codec {name!r} at {text}: wrote no {role!r}")
    streams = [Stream.of(role, out[role]) for role in CODECS[name].streams]
    return CodedPoint(streams, report.arguments, round(seconds, 4)), report
