"""Tracked objects as they pass from ``track`` to ``sample``, and their file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, write_json

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Track:
    """One object in one frame.

    Attributes:
        id: the object's number, the same in all frames of the video.
        bbox: x, y, width, height in px; width and height > 0.
        score: the detector's, 0..1.
        category_id: COCO category.
    """

    id: int
    bbox: Box
    score: float
    category_id: int


def rounded(box: Sequence[float]) -> Box:
    """A box to hundredths of a pixel: finer than any detector, and hides rounding by machines."""
    x, y, width, height = (round(float(value), 2) for value in box)
    return x, y, max(width, 0.01), max(height, 0.01)


def write_tracks(path: Path, frames: Sequence[Sequence[Track]], **about: Any) -> None:
    """Write ``{"frames": [[track, …] per frame], …}``; ``about`` says how they were made."""
    write_json(path, {"frames": [[asdict(track) for track in frame] for frame in frames], **about})


def read_tracks(path: Path) -> list[list[Track]]:
    """Read the tracks of every frame.

    Raises:
        VcmflowError: the file is missing, or not what :func:`write_tracks` writes.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("frames"), list):
        raise VcmflowError(f"{path}: not a file of tracks: it has no list 'frames'")
    return [
        [_track(path, number, entry) for entry in _list(path, number, frame)]
        for number, frame in enumerate(content["frames"])
    ]


def _list(path: Path, number: int, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise VcmflowError(f"{path}: frame {number} is not a list of tracks")
    return value


def _track(path: Path, number: int, entry: Any) -> Track:
    try:
        x, y, width, height = (float(value) for value in entry["bbox"])
        score, identity, category = float(entry["score"]), entry["id"], entry["category_id"]
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(
            f"{path}: frame {number} has a track without id, bbox (4 numbers), score, category_id"
        ) from None
    if not (isinstance(identity, int) and isinstance(category, int)):
        raise VcmflowError(f"{path}: frame {number} has an id or category_id that is no integer")
    if not (all(map(math.isfinite, (x, y, score))) and 0 < width < math.inf > height > 0):
        raise VcmflowError(f"{path}: frame {number} has a box {entry['bbox']} of no size")
    return Track(identity, (x, y, width, height), score, category)
