"""MOT17 and MOT16: pictures, boxes of pedestrians with identities, and nothing detected.

Layout below the root (``train`` of the archive): ``<sequence>/img1/000001.jpg``, ``seqinfo.ini``
and ``gt/gt.txt``, whose lines are frame (from 1), identity, left, top (from 1), width, height,
whether it counts, class, visibility. MOT17 holds every sequence three times, for three public
detectors, whose detections are not read here.
"""

from __future__ import annotations

import configparser
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact
from vcmflow.core.listing import check_picture_gaps, list_pictures
from vcmflow.data.types import (
    DatasetConfig,
    Gaps,
    Loader,
    PlannedSequence,
    SequenceSpec,
    Source,
    SourceFrame,
    TruthObject,
)

PEDESTRIAN = 1
# Persons on vehicles, static persons, distractors, reflections: neither right nor wrong, as
# MOTChallenge evaluates.
DISTRACTORS = frozenset({2, 7, 8, 12})
COPIES = ("-DPM", "-SDP")  # of the sequences that end in -FRCNN


def mot17(
    half: Literal["first", "second"] | None = None,
    gaps: Gaps = "error",
    annotation_type: Literal["boxes", "none"] = "boxes",
) -> Loader:
    """Loader of MOTChallenge's layout.

    Args:
        half: of the frames of every sequence; validation is usually on the second. None: all.
        gaps: a jump in the numbers of pictures is an error, or accepted.
        annotation_type: boxes, or none, for sequences of the test set.
    """

    def plan(config: DatasetConfig) -> Iterator[PlannedSequence]:
        for name in _names(config):
            folder = config.path / name
            inputs = (folder / "img1", folder / "seqinfo.ini", folder / "gt" / "gt.txt")
            yield PlannedSequence(
                name, None, name, None, inputs[: 3 if annotation_type == "boxes" else 2]
            )

    def read(spec: SequenceSpec) -> Source:
        folder = spec.path / spec.sequence
        pictures = list_pictures(folder / "img1")
        if gaps == "error":
            check_picture_gaps(pictures)
        numbers = _part(range(len(pictures)), half)
        chosen = [numbers[index] for index in spec.chosen_frames(len(numbers))]
        objects: dict[int, list[TruthObject]] = {}
        notes: dict[str, int] = {}
        if annotation_type == "boxes":
            objects, notes["unmapped"] = _objects(folder / "gt" / "gt.txt", len(pictures))
        rate = spec.fps or _frame_rate(folder / "seqinfo.ini")
        return Source(rate, _frames(pictures, chosen, objects), notes)

    return Loader(annotation_type, plan, read)


def _names(config: DatasetConfig) -> list[str]:
    if isinstance(config.sequences, tuple):
        return list(config.sequences)
    if config.sequences != "auto":
        raise VcmflowError("sequences: give a list of names, or auto")
    if not config.path.is_dir():
        raise VcmflowError(f"sequences: auto needs the data, and there is no folder {config.path}")
    names = [
        folder.name
        for folder in sorted(config.path.iterdir())
        if (folder / "seqinfo.ini").is_file() and not folder.name.endswith(COPIES)
    ]
    if not names:
        raise VcmflowError(f"sequences: no folder with a seqinfo.ini in {config.path}")
    return names


def _part(frames: range, half: str | None) -> range:
    """All frames, or a half of them; of an odd number the first half has one more."""
    middle = len(frames) // 2 + len(frames) % 2
    return {None: frames, "first": frames[:middle], "second": frames[middle:]}[half]


def _frame_rate(path: Path) -> float:
    parser = configparser.ConfigParser(interpolation=None)
    if not path.is_file():
        raise VcmflowError(f"{path}: no such file; or give fps")
    try:
        parser.read_string(intact(path).read_text("utf-8"))
        rate = parser.getfloat("Sequence", "frameRate")
    except (configparser.Error, ValueError):
        raise VcmflowError(f"{path}: has no frameRate of a [Sequence]; or give fps") from None
    if not 0 < rate < math.inf:
        raise VcmflowError(f"{path}: frameRate is {rate:g}; has to be above 0")
    return rate


def _objects(path: Path, frames: int) -> tuple[dict[int, list[TruthObject]], int]:
    """Frame, from 0 -> its objects; and how many boxes are of classes that do not matter."""
    if not path.is_file():
        raise VcmflowError(
            f"{path}: no such file; for sequences without ground truth use `annotation_type: none`"
        )
    found: dict[int, list[TruthObject]] = {}
    unmapped = 0
    for line, text in enumerate(intact(path).read_text("utf-8", "replace").splitlines(), start=1):
        if not text.strip():
            continue
        where = f"{path}: line {line}"
        try:
            frame, identity, *box, counts, kind = (float(part) for part in text.split(",")[:8])
            left, top, width, height = box
            numbers = frame, identity, counts, kind
            whole = [int(number) for number in numbers]
        except (ValueError, OverflowError):
            raise VcmflowError(
                f"{where}: not frame, identity, left, top, width, height, flag, class"
            ) from None
        if not all(map(math.isfinite, box)) or list(numbers) != whole:
            raise VcmflowError(f"{where}: a box that is not finite, or a number that is not whole")
        if not 1 <= frame <= frames:
            raise VcmflowError(f"{where}: frame {frame:g}; allowed: 1..{frames}")
        pedestrian = kind == PEDESTRIAN
        if not pedestrian and kind not in DISTRACTORS:
            unmapped += 1
            continue
        found.setdefault(int(frame) - 1, []).append(
            TruthObject(
                "person",
                int(identity),
                (left - 1, top - 1, width, height),
                ignore=not (pedestrian and counts),
            )
        )
    return found, unmapped


def _frames(
    pictures: list[Path], chosen: list[int], objects: dict[int, list[TruthObject]]
) -> Iterator[SourceFrame]:
    from vcmflow.core.pictures import read_picture

    for index in chosen:
        picture = read_picture(pictures[index])
        yield SourceFrame(pictures[index].name, picture, tuple(objects.get(index, ())))
