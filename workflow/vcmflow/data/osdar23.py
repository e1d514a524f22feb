"""OSDaR23: railway scenes from several cameras, labelled in RailLabel (OpenLABEL) JSON.

Layout below the root: ``<sequence>/<sequence>_labels.json`` and, beside it, one folder of PNG per
camera; the labels say which picture belongs to which frame. The mini data set has the same layout.
Boxes are stored as x_centre, y_centre, width, height in px.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from statistics import median_low
from typing import TYPE_CHECKING, Any
from uuid import UUID

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.listing import check_gaps
from vcmflow.data.frame_range import chosen_frames
from vcmflow.data.labels import apply_rules
from vcmflow.data.types import (
    DatasetConfig,
    LabelRules,
    PlannedSequence,
    SequenceSpec,
    Source,
    SourceFrame,
    TruthObject,
)

if TYPE_CHECKING:
    from raillabel.json_format import JSONAttributes, JSONFrame, JSONScene, JSONSceneContent

FPS = 10.0
SCHEMA_VERSION = "1.0.0"
_PART = re.compile(r"_\d+\.\d+$")
_OCCLUSION = re.compile(r"(\d+)(?:-\d+)? ?%")


class Osdar23:
    """Loader of OSDaR23 (registry: `vcmflow.data.registry.LOADERS`)."""

    tasks = ("detection",)
    keys = frozenset({"cameras", "classes", "crowd", "ignore", "occlusion_max", "min_size"})
    labels = LabelRules(
        classes={"person": "person", "bicycle": "bicycle", "road_vehicle:car": "car"},
        crowd={"crowd": "person", "group_of_bicycles": "bicycle"},
        ignore={"road_vehicle": "car"},
        occlusion_max=100.0,
    )

    def plan(self, config: DatasetConfig) -> Iterable[PlannedSequence]:
        """Sequence by sequence, camera by camera, as configured; ``auto``: those on disk."""
        for name, cameras in _selection(config).items():
            if not cameras:
                raise VcmflowError(f"sequences: {name!r} has no camera; name at least one")
            if "/" in name:
                raise VcmflowError(f"sequences: {name!r} is not the name of a folder")
            for camera in cameras:
                yield PlannedSequence(
                    name=name,
                    camera=camera,
                    scene=_PART.sub("", name) or name,
                    length=None,
                    inputs=(label_file(config.path, name), config.path / name / camera),
                )

    def options(self, config: DatasetConfig) -> dict[str, Any]:
        """What to do about gaps."""
        return {"gaps": config.gaps}

    def ground_truth(self, config: DatasetConfig) -> str:  # noqa: ARG002
        """Every sequence comes with its labels."""
        return "annotations"

    def read(self, spec: SequenceSpec) -> Source:
        """Open one camera of a sequence."""
        if spec.camera is None:
            raise VcmflowError(f"sequence {spec.sequence!r}: OSDaR23 needs a camera")
        path = label_file(spec.path, spec.sequence)
        scene = read_labels(path)
        frames = camera_frames(path, scene, spec.camera, spec.labels)
        if spec.options.get("gaps") != "keep":
            check_gaps([frame.number for frame in frames], str(path))
        fps = spec.fps or _rate(path, frames)
        taken = [frames[index] for index in chosen_frames(spec, len(frames))]
        size = _stated_size(scene, spec.camera)
        notes = {"unmapped": sum(frame.unmapped for frame in taken)}
        return Source(fps, _read_frames(path, taken, size, with_objects=spec.task != "none"), notes)


@dataclass(frozen=True)
class CameraFrame:
    """One frame of one camera as the labels describe it: px of the full picture.

    Attributes:
        number: the frame's number in the labels.
        uri: the picture, relative to the sequence's folder.
        time: seconds since the epoch, or None.
        objects: those that the rules name.
        unmapped: how many boxes no rule names.
    """

    number: int
    uri: str
    time: float | None
    objects: tuple[TruthObject, ...]
    unmapped: int


def label_file(root: Path, sequence: str) -> Path:
    """Where a sequence's labels are."""
    return root / sequence / f"{sequence}_labels.json"


def read_labels(path: Path) -> JSONScene:
    """Read and validate a RailLabel file with the raillabel package.

    The package's JSON model is used, not its `Scene`: that keys annotations by their uid, which the
    format leaves optional, and would keep one of several boxes without.

    Raises:
        VcmflowError: the file is missing, is not RailLabel, or has another schema version.
    """
    from pydantic import ValidationError
    from raillabel.json_format import JSONScene

    value = read_json(path)
    root = value.get("openlabel") if isinstance(value, dict) else None
    if not isinstance(root, dict):
        raise VcmflowError(f"{path}: not a RailLabel file; the key 'openlabel' is missing")
    metadata = root.get("metadata")
    version = metadata.get("schema_version") if isinstance(metadata, dict) else None
    if version != SCHEMA_VERSION:
        raise VcmflowError(
            f"{path}: OpenLABEL schema version {version!r}; only {SCHEMA_VERSION!r} can be read "
            "(OSDaR23 as published since 2023 has it)"
        )
    try:
        return JSONScene(**value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        subversion = metadata.get("subschema_version") if isinstance(metadata, dict) else None
        raise VcmflowError(
            f"{path}: not a RailLabel file that can be read (subschema version {subversion!r}): "
            f"{where}: {first['msg']}; {error.error_count()} problem(s) in all"
        ) from None


def camera_frames(
    path: Path, scene: JSONScene, camera: str, rules: LabelRules
) -> list[CameraFrame]:
    """The frames of one camera in order, with the objects that the rules name.

    Args:
        path: the label file, for messages.
        scene: its content.
        camera: name of the camera, e.g. ``rgb_center``.
        rules: which labels count, and how.

    Raises:
        VcmflowError: there is no such camera, or a frame has no picture of it.
    """
    content = scene.openlabel
    cameras = sorted(
        name
        for name, stream in (content.streams or {}).items()
        if getattr(stream, "type", None) == "camera"
    )
    if camera not in cameras:
        raise VcmflowError(
            f"{path}: no camera {camera!r}; there are {', '.join(cameras) or 'none'}"
        )
    if not content.frames:
        raise VcmflowError(f"{path}: no frames")
    object_ids = {uid: index for index, uid in enumerate(content.objects or {}, 1)}
    frames = []
    for number in sorted(content.frames):
        frame = content.frames[number]
        streams = (frame.frame_properties.streams if frame.frame_properties else None) or {}
        if camera not in streams or not streams[camera].uri:
            raise VcmflowError(f"{path}: frame {number} has no picture of camera {camera!r}")
        truths = list(_objects(path, content, frame, camera, object_ids, rules))
        stamp = streams[camera].stream_properties.sync.timestamp
        frames.append(
            CameraFrame(
                number=number,
                uri=str(streams[camera].uri),
                time=None if stamp is None else _seconds(path, number, stamp),
                objects=tuple(truth for truth in truths if truth is not None),
                unmapped=truths.count(None),
            )
        )
    return frames


def _objects(
    path: Path,
    content: JSONSceneContent,
    frame: JSONFrame,
    camera: str,
    object_ids: dict[UUID, int],
    rules: LabelRules,
) -> Iterator[TruthObject | None]:
    for uid, entry in (frame.objects or {}).items():
        if content.objects is None or uid not in content.objects:
            raise VcmflowError(f"{path}: a frame names the object {uid}, which is not in 'objects'")
        label = content.objects[uid].type
        data = entry.object_data
        boxes = [
            ((x - w / 2, y - h / 2, w, h), box.attributes)
            for box in data.bbox or []
            if box.coordinate_system == camera
            for x, y, w, h in [box.val]
        ]
        if not boxes:  # crowds and groups of bicycles are outlined, not boxed
            boxes = [
                (_bounds(path, poly.val), poly.attributes)
                for poly in data.poly2d or []
                if poly.coordinate_system == camera and poly.closed
            ]
        for box, attributes in boxes:
            texts = _texts(attributes)
            yield apply_rules(
                rules,
                label,
                kind=texts.get("type"),
                hidden=_hidden(texts.get("occlusion")),
                box=box,
                object_id=object_ids[uid],
            )


def _texts(attributes: JSONAttributes | None) -> dict[str, str]:
    if attributes is None:
        return {}
    return {text.name: text.val for text in attributes.text or []}


def _seconds(path: Path, number: int, stamp: float | str) -> float:
    try:
        seconds = float(stamp)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise VcmflowError(
            f"{path}: frame {number}: the time stamp is {str(stamp)[:40]!r}; has to be a number of "
            "seconds"
        )
    return seconds


def _hidden(occlusion: str | None) -> float | None:
    """Percent hidden at least: 50 for "50-75 %"; None for "undefined"."""
    match = _OCCLUSION.fullmatch(occlusion.strip()) if occlusion else None
    return float(match[1]) if match else None


def _bounds(path: Path, values: list[float | str]) -> tuple[float, float, float, float]:
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        numbers = []
    if len(numbers) < 4 or len(numbers) % 2:
        raise VcmflowError(f"{path}: an outline (poly2d) is not a list of points")
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _selection(config: DatasetConfig) -> dict[str, tuple[str, ...]]:
    chosen = config.sequences
    if isinstance(chosen, tuple):
        return dict.fromkeys(chosen, config.cameras)
    if not isinstance(chosen, str):
        return dict(chosen)
    if chosen != "auto":
        raise VcmflowError(
            f"sequences: is {chosen!r}; give a mapping from names to cameras, a list, or auto"
        )
    if not config.path.is_dir():
        raise VcmflowError(
            f"sequences: auto needs the data, and there is no folder {config.path}; download it or "
            "name the sequences"
        )
    names = sorted(
        (
            folder.name
            for folder in config.path.iterdir()
            if label_file(config.path, folder.name).is_file()
        ),
        key=_sequence_order,
    )
    if not names:
        raise VcmflowError(f"sequences: no <sequence>/<sequence>_labels.json in {config.path}")
    return dict.fromkeys(names, config.cameras)


def _sequence_order(name: str) -> tuple[int, str]:
    number = name.partition("_")[0]
    return (int(number) if number.isdecimal() else 0), name


def _rate(path: Path, frames: list[CameraFrame]) -> float:
    """The data set's 10 Hz, unless the time stamps say otherwise."""
    times = [frame.time for frame in frames if frame.time is not None]
    steps = [after - before for before, after in pairwise(times)]
    if steps:
        step = median_low(steps)
        if not math.isclose(step, 1 / FPS, rel_tol=0.1):
            raise VcmflowError(
                f"{path}: time stamps are {step:.3f} s apart, not {1 / FPS:.3f} s; give the frame "
                "rate in the dataset's configuration (fps)"
            )
    return FPS


def _stated_size(scene: JSONScene, camera: str) -> tuple[int, int] | None:
    stream = (scene.openlabel.streams or {}).get(camera)
    properties = getattr(stream, "stream_properties", None)
    pinhole = getattr(properties, "intrinsics_pinhole", None)
    return None if pinhole is None else (pinhole.height_px, pinhole.width_px)


def _read_frames(
    path: Path, taken: list[CameraFrame], size: tuple[int, int] | None, *, with_objects: bool
) -> Iterator[SourceFrame]:
    from vcmflow.core.pictures import read_picture

    files = [_picture_file(path, frame) for frame in taken]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise VcmflowError(
            f"{path.parent}: {len(missing)} of {len(files)} frames missing, the first is "
            f"{missing[0]}"
        )
    for file, frame in zip(files, taken, strict=True):
        picture = read_picture(file)
        if size is not None and picture.shape[:2] != size:
            raise VcmflowError(
                f"{file}: the picture is {picture.shape[1]}x{picture.shape[0]}, its labels are for "
                f"{size[1]}x{size[0]}"
            )
        yield SourceFrame(file.name, picture, frame.objects if with_objects else ())


def _picture_file(path: Path, frame: CameraFrame) -> Path:
    uri = PurePosixPath(frame.uri.lstrip("/"))
    if ".." in uri.parts or "\\" in frame.uri or "\0" in frame.uri:
        raise VcmflowError(
            f"{path}: frame {frame.number}: the picture {frame.uri!r} lies outside its sequence"
        )
    return path.parent / uri
