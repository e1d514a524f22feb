"""Annotations in COCO format for own data: which picture they belong to, and what they mean.

One JSON file may serve all sequences: an image's ``file_name`` is then its path below the dataset's
root. Or a folder holds one file per sequence, ``<sequence>.json``, where the bare file name is
enough. Frames of a video are told apart by ``frame_index`` or ``frame_id`` (from 0), by a
``file_name`` such as ``clip.mp4#12``, or, in a file for one video, by image ids 0..n-1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.data.labels import LabelRules
from vcmflow.data.types import TruthObject

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_OBJECT_ID_KEYS = ("object_id", "track_id", "instance_id")


def annotation_file(path: Path, sequence: str) -> Path:
    """The file with a sequence's annotations: ``path`` itself, or the one within that folder."""
    return path if path.suffix.lower() == ".json" else path / f"{sequence}.json"


@dataclass
class Annotations:
    """A COCO file, indexed.

    Attributes:
        path: where it came from, for messages.
        own: the file holds one sequence only.
        images: image records.
        by_image: image id -> annotation records.
        categories: category id -> name.
        videos: video id -> file name or name (COCO-VID).
        rules: how category names become classes of boxes; None: masks of any category are read.
        notes: counts the annotations that no rule names, under ``unmapped``.
    """

    path: Path
    own: bool
    images: list[dict[str, Any]]
    by_image: dict[Any, list[dict[str, Any]]]
    categories: dict[Any, str]
    videos: dict[Any, str]
    rules: LabelRules | None
    notes: dict[str, int] = field(default_factory=dict)

    def of_pictures(self, sequence: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """The image record of every picture of a sequence, in order.

        Raises:
            VcmflowError: a picture is not listed, is listed twice, or a listed one does not exist.
        """
        records: dict[str, dict[str, Any]] = {}
        for image in self.images:
            path = _clean(image["file_name"])
            if self.own or str(path.parent) == str(_clean(sequence)):
                if path.name in records:
                    raise VcmflowError(f"{self.path}: two images are {image['file_name']!r}")
                records[path.name] = image
        missing = [name for name in names if name not in records]
        if missing:
            raise VcmflowError(
                f"{self.path}: {len(missing)} of the {len(names)} frames of {sequence!r} are not "
                f"listed, the first is {missing[0]!r}; a frame without objects is listed too"
            )
        extra = sorted(set(records) - set(names))
        if extra:
            raise VcmflowError(
                f"{self.path}: frames missing: {len(extra)} listed frame(s) of {sequence!r} do not "
                f"exist, the first is {extra[0]!r}"
            )
        return [records[name] for name in names]

    def of_video(self, sequence: str) -> dict[int, dict[str, Any]]:
        """Frame index -> image record of a video.

        Raises:
            VcmflowError: the video is not listed, or its images do not say which frame they are.
        """
        chosen = [image for image in self.images if self.own or self._video(image) == sequence]
        if not chosen:
            raise VcmflowError(f"{self.path}: no frame of the video {sequence!r} is listed")
        records: dict[int, dict[str, Any]] = {}
        ids_count = {image["id"] for image in chosen} == set(range(len(chosen)))
        for image in chosen:
            index = image.get("frame_index", image.get("frame_id"))
            _, mark, number = str(image["file_name"]).rpartition("#")
            if index is None and mark and number.isdecimal():
                index = int(number)
            if index is None and self.own and ids_count:
                index = image["id"]
            if not isinstance(index, int) or isinstance(index, bool) or index < 0:
                raise VcmflowError(
                    f"{self.path}: image {image['id']!r} does not say which frame of {sequence!r} "
                    "it is; give it a frame_index, counted from 0"
                )
            if index in records:
                raise VcmflowError(f"{self.path}: two images are frame {index} of {sequence!r}")
            records[index] = image
        return records

    def _video(self, image: Mapping[str, Any]) -> str:
        if image.get("video_id") in self.videos:
            return self.videos[image["video_id"]]
        name = str(image["file_name"])
        return str(_clean(name.rpartition("#")[0] or name))

    def objects(self, image: Mapping[str, Any], size: tuple[int, int]) -> tuple[TruthObject, ...]:
        """The objects of an image record, whose frame is of a size (height, width), px.

        Raises:
            VcmflowError: an annotation is broken, or was made for pictures of another size.
        """
        stated = (image.get("height") or size[0], image.get("width") or size[1])
        if stated != size:
            raise VcmflowError(
                f"{self.path}: {image['file_name']!r} is annotated at {stated[1]}x{stated[0]}, the "
                f"frame is {size[1]}x{size[0]}"
            )
        records = self.by_image.get(image["id"], [])
        if self.rules is None:
            return self._masks(records, size)
        objects = []
        for record in records:
            box = _box(record, self.path)
            mask = None if box is not None else _mask(record, size, self.path)
            if box is None and mask is None:
                raise VcmflowError(f"{_where(self.path, record)}: neither bbox nor segmentation")
            objects.append(
                self.rules.apply(
                    self.categories[record["category_id"]],
                    kind=None,
                    hidden=None,
                    box=box,
                    mask=mask,
                    object_id=_object_id(record),
                    crowd=bool(record.get("iscrowd")),
                    ignore=bool(record.get("ignore")),
                )
            )
        self.notes["unmapped"] = self.notes.get("unmapped", 0) + objects.count(None)
        return tuple(entry for entry in objects if entry is not None)

    def _masks(
        self, records: Sequence[Mapping[str, Any]], size: tuple[int, int]
    ) -> tuple[TruthObject, ...]:
        objects = []
        seen: set[int] = set()
        for record in records:
            # Without ids over time, a category that occurs once per frame can stand in for them.
            object_id = _object_id(record)
            if object_id is None and isinstance(record["category_id"], int):
                object_id = record["category_id"]
            if object_id is None or object_id in seen:
                raise VcmflowError(
                    f"{_where(self.path, record)}: cannot be told from other objects of its frame; "
                    "give annotations an object_id that stays the same over time"
                )
            seen.add(object_id)
            mask = _mask(record, size, self.path)
            if mask is None:
                raise VcmflowError(f"{_where(self.path, record)}: has no segmentation")
            objects.append(
                TruthObject(
                    "object",
                    object_id,
                    crowd=bool(record.get("iscrowd")),
                    ignore=bool(record.get("ignore")),
                    mask=mask,
                )
            )
        return tuple(objects)


def read_annotations(path: Path, sequence: str, rules: LabelRules | None) -> Annotations:
    """Read and index the COCO file that holds a sequence's annotations.

    Args:
        path: a JSON file, or a folder with one per sequence.
        sequence: name of the sequence (a video's without its suffix).
        rules: see `Annotations`.

    Raises:
        VcmflowError: the file is missing, is no COCO file, or refers to what it does not hold.
    """
    file = annotation_file(path, sequence)
    value = read_json(file)
    if not isinstance(value, dict):
        raise VcmflowError(f"{file}: not a COCO file; the top level has to be an object")
    images = _records(file, value, "images", {"id", "file_name"})
    annotations = _records(file, value, "annotations", {"image_id", "category_id"})
    categories = {
        record["id"]: str(record["name"])
        for record in _records(file, value, "categories", {"id", "name"})
    }
    by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    known = {image["id"] for image in images}
    if len(known) != len(images):
        raise VcmflowError(f"{file}: two images have the same id")
    for record in annotations:
        if record["image_id"] not in known:
            raise VcmflowError(f"{_where(file, record)}: no image has id {record['image_id']!r}")
        if record["category_id"] not in categories:
            raise VcmflowError(
                f"{_where(file, record)}: no category has id {record['category_id']!r}"
            )
        by_image[record["image_id"]].append(record)
    videos = {}
    if value.get("videos"):
        for record in _records(file, value, "videos", {"id"}):
            videos[record["id"]] = str(record.get("file_name", record.get("name", "")))
    return Annotations(file, file != path, images, dict(by_image), categories, videos, rules)


def _records(
    file: Path, value: Mapping[str, Any], key: str, required: set[str]
) -> list[dict[str, Any]]:
    records = value.get(key)
    if not isinstance(records, list):
        raise VcmflowError(f"{file}: not a COCO file; {key!r} is missing or not a list")
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            raise VcmflowError(f"{file}: {key}.{index}: has to be an object")
        lacking = sorted(required - set(record))
        if lacking:
            raise VcmflowError(f"{file}: {key}.{index}: {lacking[0]!r} is missing")
        for name in required & {"id", "image_id", "category_id"}:
            if not isinstance(record[name], (int, str)):
                raise VcmflowError(f"{file}: {key}.{index}: {name} is {record[name]!r}")
    return records


def _clean(name: str) -> PurePosixPath:
    return PurePosixPath(str(name).replace("\\", "/"))


def _where(file: Path, record: Mapping[str, Any]) -> str:
    return f"{file}: annotation {record.get('id', '?')} of image {record.get('image_id', '?')}"


def _object_id(record: Mapping[str, Any]) -> int | None:
    for key in _OBJECT_ID_KEYS:
        value = record.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _box(record: Mapping[str, Any], file: Path) -> tuple[float, float, float, float] | None:
    box = record.get("bbox")
    if box is None or box == []:
        return None
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
        raise VcmflowError(f"{_where(file, record)}: bbox is {box!r}; has to be [x, y, w, h]")
    x, y, width, height = (float(value) for value in box)
    return x, y, width, height


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _mask(
    record: Mapping[str, Any], size: tuple[int, int], file: Path
) -> npt.NDArray[np.bool_] | None:
    from pycocotools import mask as coco_mask

    from vcmflow.core.rle import decode_mask

    value = record.get("segmentation")
    where = _where(file, record)
    if not value:
        return None
    height, width = size
    if isinstance(value, list):
        for polygon in value:
            if (
                not isinstance(polygon, list)
                or len(polygon) < 6
                or len(polygon) % 2
                or not all(_is_number(number) and abs(number) < 1e6 for number in polygon)
            ):
                raise VcmflowError(f"{where}: a polygon needs at least three points [x1, y1, …]")
        code = coco_mask.merge(coco_mask.frPyObjects(value, height, width))
        mask: npt.NDArray[np.bool_] = coco_mask.decode(code).astype(bool)
        return mask
    return decode_mask(value, where, size)
