"""What is in a sequence: objects of its ground truth, those that a model found, a clip's label."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Box = tuple[float, float, float, float]
Mask = Mapping[str, Any]


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
    box: Box
    area: float
    crowd: bool
    ignore: bool
    object_id: int | None
    mask: Mask | None


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
    box: Box
    score: float
    mask: Mask | None


def read_truth(path: Path, frames: int | None = None) -> Truth:
    """Read COCO ground truth, ``truth.json``.

    Args:
        path: the file.
        frames: how many frames it has to be of; None: any number.

    Raises:
        VcmflowError: it is missing, is not COCO ground truth, or names other frames.
    """
    content: Any = read_json(path)
    try:
        images = sorted(int(image["id"]) for image in content["images"])
        categories = {int(entry["id"]): str(entry["name"]) for entry in content["categories"]}
        annotations = tuple(
            _annotation(f"{path}: entry {index}", entry)
            for index, entry in enumerate(content["annotations"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VcmflowError(f"{path}: not COCO ground truth ({error!r})") from None
    if images != list(range(len(images) if frames is None else frames)):
        wanted = "0, 1, 2, ..." if frames is None else f"0..{frames - 1}"
        raise VcmflowError(f"{path}: its images must be the frames {wanted} of the sequence")
    for annotation in annotations:
        _check_frame(str(path), annotation.frame, len(images))
        if annotation.category not in categories:
            raise VcmflowError(f"{path}: category_id {annotation.category} is not in categories")
    return Truth(categories, annotations)


def first_masks(path: Path) -> dict[int, npt.NDArray[np.bool_]]:
    """The objects of the first frame that count: number -> mask, bool H x W.

    Raises:
        VcmflowError: the file is missing or broken, or an object has no number or no mask.
    """
    from vcmflow.core.rle import decode_mask

    masks = {}
    for one in read_truth(path).annotations:
        if one.frame or one.crowd or one.ignore:
            continue
        if one.object_id is None or one.mask is None:
            raise VcmflowError(
                f"{path}: an object of the first frame has no number or no mask, which the model "
                "goes on from; take a dataset with masks"
            )
        masks[one.object_id] = decode_mask(one.mask, f"{path}: object {one.object_id}")
    return masks


def read_label(path: Path) -> str:
    """Read the label of a whole clip, ``label`` in its ``truth.json``.

    Raises:
        VcmflowError: the file is missing, or has none.
    """
    content: Any = read_json(path)
    label = content.get("label") if isinstance(content, dict) else None
    if not isinstance(label, str) or not label:
        raise VcmflowError(f"{path}: has no label of the clip")
    return label


def read_found(results: Sequence[Any], frames: int | None, where: str) -> list[Found]:
    """Check a COCO results list.

    Args:
        results: the list.
        frames: how many frames the sequence has; None: any number.
        where: where it came from, for messages.

    Raises:
        VcmflowError: an entry is broken.
    """
    out: list[Found] = []
    for index, entry in enumerate(results):
        place = f"{where}: entry {index}"
        try:
            item = Found(
                frame=int(entry["image_id"]),
                category=int(entry["category_id"]),
                box=_box(place, entry),
                score=float(entry["score"]),
                mask=_mask(place, entry),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise VcmflowError(f"{place} is no detection ({error!r})") from None
        if not math.isfinite(item.score):
            raise VcmflowError(f"{place}: score {item.score} is not a number")
        _check_frame(where, item.frame, frames)
        out.append(item)
    return out


def _annotation(place: str, entry: Any) -> Annotation:
    box = _box(place, entry)
    object_id = entry.get("object_id")
    return Annotation(
        frame=int(entry["image_id"]),
        category=int(entry["category_id"]),
        box=box,
        area=float(entry.get("area", box[2] * box[3])),
        crowd=bool(entry.get("iscrowd", 0)),
        ignore=bool(entry.get("ignore", 0)),
        object_id=None if object_id is None else int(object_id),
        mask=_mask(place, entry),
    )


def _box(place: str, entry: Any) -> Box:
    x, y, w, h = (float(side) for side in entry["bbox"])
    if not all(math.isfinite(side) for side in (x, y, w, h)) or w < 0 or h < 0:
        raise VcmflowError(f"{place}: bbox {[x, y, w, h]} is no box [x, y, w, h]")
    return x, y, w, h


def _mask(place: str, entry: Any) -> Mask | None:
    mask = entry.get("segmentation")
    if mask is None or mask == []:
        return None
    if not isinstance(mask, dict) or not isinstance(mask.get("counts"), str):
        raise VcmflowError(f"{place}: segmentation must be a run-length code with counts as text")
    return mask


def _check_frame(where: str, frame: int, frames: int | None) -> None:
    if frame < 0 or (frames is not None and frame >= frames):
        allowed = "0, 1, 2, ..." if frames is None else f"0..{frames - 1}"
        raise VcmflowError(f"{where}: image_id {frame}; allowed: {allowed}")
