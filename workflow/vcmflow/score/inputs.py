"""What a sequence is scored from, read and checked: ground truth, results, rates, fidelity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.rows import number, read_csv, whole_number

# A frame without any error has infinite PSNR, which no mean survives; frames count at most this.
PSNR_CEILING = 100.0


@dataclass(frozen=True)
class Sequence:
    """The original video: ``frames/<sequence>/sequence.json``.

    Attributes:
        id: the sequence's id.
        dataset: its dataset.
        scene: accuracy is pooled over the sequences of a scene.
        task: ``detection``, ``segmentation`` or ``none``.
        ground_truth: ``annotations``, ``pseudo`` or ``none``.
        frames: number n of frames.
        fps: frames per second.
        width: px.
        height: px.
    """

    id: str
    dataset: str
    scene: str
    task: str
    ground_truth: str
    frames: int
    fps: float
    width: int
    height: int


@dataclass(frozen=True)
class Annotation:
    """One object in one frame of the ground truth.

    Attributes:
        frame: 0-based index.
        category: category id.
        box: x, y (top left), width, height in px.
        area: px².
        crowd: a region of many (COCO ``iscrowd``): any number of detections inside is neither right
            nor wrong.
        ignore: neither a hit nor a miss.
        object_id: constant over time; None where it is not known.
        mask: compressed run-length code, or None.
    """

    frame: int
    category: int
    box: tuple[float, float, float, float]
    area: float
    crowd: bool
    ignore: bool
    object_id: int | None
    mask: Mapping[str, Any] | None


@dataclass(frozen=True)
class Truth:
    """Ground truth of a sequence: categories (id -> name) and annotations in the file's order."""

    categories: Mapping[int, str]
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True)
class Found:
    """One detection: frame, COCO category, box (x, y, w, h in px), score, mask if it has one."""

    frame: int
    category: int
    box: tuple[float, float, float, float]
    score: float
    mask: Mapping[str, Any] | None


@dataclass(frozen=True)
class Fidelity:
    """Fidelity of one reconstruction, means over frames.

    Attributes:
        psnr: dB over all n frames (mean of the frames' PSNRs).
        ssim: over all n frames.
        psnr_kept: dB over the kept frames, which were coded and not interpolated.
        frames: n.
        kept: m.
    """

    psnr: float
    ssim: float
    psnr_kept: float
    frames: int
    kept: int


def read_sequence(path: Path) -> Sequence:
    """Read a sequence's description.

    Raises:
        VcmflowError: it is missing, lacks a key, or a value is out of range.
    """
    content: Any = read_json(path)
    try:
        sequence = Sequence(
            id=str(content["id"]),
            dataset=str(content["dataset"]),
            scene=str(content["scene"]),
            task=str(content["task"]),
            ground_truth=str(content["ground_truth"]),
            frames=int(content["frames"]),
            fps=float(content["fps"]),
            width=int(content["width"]),
            height=int(content["height"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VcmflowError(f"{path}: not a sequence's description ({error!r})") from None
    _one_of(path, "task", sequence.task, ("detection", "segmentation", "none"))
    _one_of(path, "ground_truth", sequence.ground_truth, ("annotations", "pseudo", "none"))
    if min(sequence.frames, sequence.width, sequence.height) < 1 or not 0 < sequence.fps < math.inf:
        raise VcmflowError(f"{path}: frames, width, height and fps must be above 0")
    return sequence


def read_truth(path: Path, sequence: Sequence) -> Truth:
    """Read COCO ground truth and check that it belongs to the sequence.

    Raises:
        VcmflowError: it is missing, is not COCO ground truth, or names other frames.
    """
    content: Any = read_json(path)
    try:
        images = sorted(int(image["id"]) for image in content["images"])
        categories = {int(entry["id"]): str(entry["name"]) for entry in content["categories"]}
        annotations = tuple(
            _annotation(path, index, entry) for index, entry in enumerate(content["annotations"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VcmflowError(f"{path}: not COCO ground truth ({error!r})") from None
    if images != list(range(sequence.frames)):
        raise VcmflowError(
            f"{path}: its images must be the frames 0..{sequence.frames - 1} of {sequence.id}"
        )
    for annotation in annotations:
        _check_frame(path, annotation.frame, sequence.frames)
        if annotation.category not in categories:
            raise VcmflowError(f"{path}: category_id {annotation.category} is not in categories")
    return Truth(categories, annotations)


def _annotation(path: Path, index: int, entry: Any) -> Annotation:
    box = _box(path, index, entry)
    object_id = entry.get("object_id")
    return Annotation(
        frame=int(entry["image_id"]),
        category=int(entry["category_id"]),
        box=box,
        area=float(entry.get("area", box[2] * box[3])),
        crowd=bool(entry.get("iscrowd", 0)),
        ignore=bool(entry.get("ignore", 0)),
        object_id=None if object_id is None else int(object_id),
        mask=_mask(path, index, entry),
    )


def found(path: Path, results: Any, frames: int) -> list[Found]:
    """Check a COCO results list.

    Args:
        path: where it came from, for messages.
        results: the list.
        frames: how many frames the sequence has.

    Raises:
        VcmflowError: it is not a results list, or an entry is broken.
    """
    if not isinstance(results, list):
        raise VcmflowError(f"{path}: a COCO results file is a list")
    out: list[Found] = []
    for index, entry in enumerate(results):
        try:
            item = Found(
                frame=int(entry["image_id"]),
                category=int(entry["category_id"]),
                box=_box(path, index, entry),
                score=float(entry["score"]),
                mask=_mask(path, index, entry),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise VcmflowError(f"{path}: entry {index} is no detection ({error!r})") from None
        if not math.isfinite(item.score):
            raise VcmflowError(f"{path}: entry {index}: score {item.score} is not a number")
        _check_frame(path, item.frame, frames)
        out.append(item)
    return out


def read_stream_bytes(path: Path, kept: int) -> dict[tuple[str, int], int]:
    """Read ``encode.csv``: (mode, qp) -> bytes of the bitstream.

    Args:
        path: the table.
        kept: number m of frames that must have been coded.

    Raises:
        VcmflowError: it is broken, an empty stream, or another number of frames.
    """
    streams: dict[tuple[str, int], int] = {}
    for line, row in enumerate(read_csv(path, ("qp", "frames", "stream_bytes", "mode")), start=2):
        where = f"{path}: line {line}"
        key = (row["mode"], whole_number(row, "qp", where))
        coded, size = whole_number(row, "frames", where), whole_number(row, "stream_bytes", where)
        if coded != kept:
            raise VcmflowError(f"{where}: {coded} frames were coded, {kept} were kept")
        if size == 0:
            raise VcmflowError(f"{where}: the bitstream is empty")
        if key in streams:
            raise VcmflowError(f"{where}: QP {key[1]} in mode {key[0]!r} comes twice")
        streams[key] = size
    return streams


def read_fidelity(
    paths: Iterable[Path], sequence: Sequence
) -> dict[tuple[str, str, int], Fidelity]:
    """Read per-frame fidelity: (sampler, mode, qp) -> means.

    Raises:
        VcmflowError: a file is broken or belongs to another sequence, or a frame is missing.
    """
    columns = ("sequence", "sampler", "mode", "qp", "frame", "kept", "psnr", "ssim")
    values: dict[tuple[str, str, int], dict[int, tuple[float, float, bool]]] = {}
    for path in paths:
        for line, row in enumerate(read_csv(path, columns), start=2):
            where = f"{path}: line {line}"
            if row["sequence"] != sequence.id:
                raise VcmflowError(f"{where}: is of {row['sequence']!r}, not of {sequence.id!r}")
            key = (row["sampler"], row["mode"], whole_number(row, "qp", where))
            frame = whole_number(row, "frame", where)
            frames = values.setdefault(key, {})
            if frame in frames:
                raise VcmflowError(f"{where}: frame {frame} comes twice")
            psnr = PSNR_CEILING if row["psnr"] == "inf" else number(row, "psnr", where)
            ssim = number(row, "ssim", where)
            if math.isnan(psnr) or math.isnan(ssim):
                raise VcmflowError(f"{where}: psnr or ssim is empty")
            kept = whole_number(row, "kept", where) == 1
            frames[frame] = (min(psnr, PSNR_CEILING), ssim, kept)
    return {key: _mean_fidelity(key, frames, sequence) for key, frames in values.items()}


def _mean_fidelity(
    key: tuple[str, str, int], frames: Mapping[int, tuple[float, float, bool]], sequence: Sequence
) -> Fidelity:
    if sorted(frames) != list(range(sequence.frames)):
        raise VcmflowError(
            f"fidelity of {sequence.id}, {key[0]}, {key[1]}, QP {key[2]}: has {len(frames)} "
            f"frames; needed: 0..{sequence.frames - 1}"
        )
    # Summed in the order of the frames: floating point sums depend on order.
    ordered = [frames[index] for index in range(sequence.frames)]
    kept = [psnr for psnr, _, is_kept in ordered if is_kept]
    return Fidelity(
        psnr=sum(psnr for psnr, _, _ in ordered) / len(ordered),
        ssim=sum(ssim for _, ssim, _ in ordered) / len(ordered),
        psnr_kept=sum(kept) / len(kept) if kept else math.nan,
        frames=len(ordered),
        kept=len(kept),
    )


def _box(path: Path, index: int, entry: Any) -> tuple[float, float, float, float]:
    x, y, w, h = (float(side) for side in entry["bbox"])
    if not all(math.isfinite(side) for side in (x, y, w, h)) or w < 0 or h < 0:
        raise VcmflowError(f"{path}: entry {index}: bbox {[x, y, w, h]} is no box [x, y, w, h]")
    return x, y, w, h


def _mask(path: Path, index: int, entry: Any) -> Mapping[str, Any] | None:
    mask = entry.get("segmentation")
    if mask is None or mask == []:
        return None
    if not isinstance(mask, dict) or not isinstance(mask.get("counts"), str):
        raise VcmflowError(
            f"{path}: entry {index}: segmentation must be a run-length code with counts as text"
        )
    return mask


def _check_frame(path: Path, frame: int, frames: int) -> None:
    if not 0 <= frame < frames:
        raise VcmflowError(f"{path}: image_id {frame}; allowed: 0..{frames - 1}")


def _one_of(path: Path, key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise VcmflowError(f"{path}: {key} is {value!r}; allowed: {', '.join(allowed)}")
