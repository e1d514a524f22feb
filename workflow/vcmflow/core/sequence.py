"""What a sequence is, as the import writes it beside the frames: ``sequence.json``."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, write_json

# What a dataset says: of the objects in its frames, or, with one label, of the whole clip.
ANNOTATIONS = ("boxes", "masks", "label", "none")
# Far beyond any video here; what a file announces takes no more memory than that.
MOST_FRAMES, LARGEST_SIDE = 10_000_000, 1 << 15


@dataclass(frozen=True)
class Sequence:
    """The original video.

    Attributes:
        id: unique within the dataset, file-safe.
        dataset: name of its dataset.
        scene: accuracy is pooled over the sequences of a scene; file-safe.
        camera: camera within the recording, or None.
        annotations: what ``truth.json`` beside it holds, one of ``ANNOTATIONS``.
        frames: number n of frames.
        fps: frames per second.
        width: px.
        height: px.
    """

    id: str
    dataset: str
    scene: str
    annotations: str
    frames: int
    fps: float
    width: int
    height: int
    camera: str | None = None


def write_sequence(path: Path, sequence: Sequence) -> None:
    """Write the description as JSON."""
    write_json(path, asdict(sequence))


def read_sequence(path: Path) -> Sequence:
    """Read a sequence's description.

    Raises:
        VcmflowError: it is missing, lacks a key, or a value is out of range.
    """
    return parse_sequence(read_json(path), path)


def parse_sequence(content: Any, path: Path) -> Sequence:
    """The same from the content of a file.

    Raises:
        VcmflowError: it lacks a key, or a value is out of range; the message begins with ``path``.
    """
    try:
        sequence = Sequence(
            id=str(content["id"]),
            dataset=str(content["dataset"]),
            scene=str(content["scene"]),
            annotations=str(content["annotations"]),
            frames=int(content["frames"]),
            fps=float(content["fps"]),
            width=int(content["width"]),
            height=int(content["height"]),
            camera=content.get("camera"),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise VcmflowError(f"{path}: not a sequence's description ({error!r})") from None
    if sequence.annotations not in ANNOTATIONS:
        raise VcmflowError(
            f"{path}: annotations is {sequence.annotations!r}; allowed: {', '.join(ANNOTATIONS)}"
        )
    if min(sequence.frames, sequence.width, sequence.height) < 1 or not 0 < sequence.fps < math.inf:
        raise VcmflowError(f"{path}: frames, width, height and fps must be above 0")
    if sequence.frames > MOST_FRAMES or max(sequence.width, sequence.height) > LARGEST_SIDE:
        raise VcmflowError(
            f"{path}: {sequence.frames} frames of {sequence.width}x{sequence.height}; allowed: at "
            f"most {MOST_FRAMES}, and {LARGEST_SIDE} px a side"
        )
    return sequence
