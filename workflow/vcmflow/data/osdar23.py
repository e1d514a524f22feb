"""OSDaR23: railway scenes from several cameras, labelled in RailLabel (OpenLABEL) JSON.

Layout below the root: ``<sequence>/<sequence>_labels.json`` and, beside it, one folder of PNG per
camera; the labels say which picture belongs to which frame. The mini data set has the same layout.
Boxes are stored as x_centre, y_centre, width, height in px.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from statistics import median_low
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import Field, ValidationError

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.listing import check_gaps
from vcmflow.data.labels import LabelRules, Labels
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

if TYPE_CHECKING:
    from raillabel.json_format import JSONAttributes, JSONFrame, JSONScene, JSONSceneContent

CAMERAS = ("rgb_center",)  # where the configuration names none
FPS = 10.0
SCHEMA_VERSION = "1.0.0"
_PART = re.compile(r"_\d+\.\d+$")
_OCCLUSION = re.compile(r"(\d+)(?:-\d+)? ?%")


RULES = LabelRules(
    classes={"person": "person", "bicycle": "bicycle", "road_vehicle:car": "car"},
    crowd={"crowd": "person", "group_of_bicycles": "bicycle"},
    ignore={"road_vehicle": "car"},
)


def osdar23(
    classes: Labels | None = None,
    crowd: Labels | None = None,
    ignore: Labels | None = None,
    occlusion_max: Annotated[float, Field(ge=0, le=100)] | None = 100.0,
    min_size: Annotated[float, Field(ge=0)] = 0.0,
    gaps: Gaps = "error",
    annotation_type: Literal["boxes", "none"] = "boxes",
) -> Loader:
    """Loader of OSDaR23.

    Args:
        classes: label (or label:kind) -> class, the labels that count; None: those of `RULES`.
        crowd: labels that stand for a crowd of a class; None: those of `RULES`.
        ignore: labels that are neither hit nor miss for a class; None: those of `RULES`.
        occlusion_max: ignore objects hidden at least this much, percent; None counts all.
        min_size: ignore boxes whose square root of area is below this, px of the source.
        gaps: a jump in the frame numbers is an error, or accepted.
        annotation_type: boxes, or none, for the frames alone.
    """
    rules = RULES.changed(classes=classes, crowd=crowd, ignore=ignore)
    rules = replace(rules, occlusion_max=occlusion_max, min_size=min_size)

    def read(spec: SequenceSpec) -> Source:
        if spec.camera is None:
            raise VcmflowError(f"{spec}: OSDaR23 needs a camera")
        path = label_file(spec.path, spec.sequence)
        scene = read_labels(path)
        frames = camera_frames(path, scene, spec.camera, rules)
        if gaps == "error":
            check_gaps([frame.number for frame in frames], str(path))
        fps = spec.fps or _rate(path, frames)
        taken = [frames[index] for index in spec.chosen_frames(len(frames))]
        if annotation_type == "none":
            taken = [replace(frame, objects=(), unmapped=0) for frame in taken]
        size = _stated_size(scene, spec.camera)
        notes = {"unmapped": sum(frame.unmapped for frame in taken)}
        return Source(fps, _read_frames(path, taken, size), notes)

    return Loader(annotation_type, _plan, read)


def _plan(config: DatasetConfig) -> Iterator[PlannedSequence]:
    """Sequence by sequence, camera by camera, as configured; ``auto``: those on disk."""
    for name, cameras in _selection(config):
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
            yield rules.apply(
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


def _selection(config: DatasetConfig) -> list[tuple[str, tuple[str, ...]]]:
    chosen = config.sequences
    if isinstance(chosen, Mapping):
        return [(name, tuple(cameras)) for name, cameras in chosen.items()]
    if isinstance(chosen, str):
        if chosen != "auto":
            raise VcmflowError(
                f"sequences: is {chosen!r}; give a mapping from names to cameras, a list, or auto"
            )
        chosen = _found(config.path)
    return [(name, config.cameras or CAMERAS) for name in chosen]


def _found(root: Path) -> tuple[str, ...]:
    if not root.is_dir():
        raise VcmflowError(
            f"sequences: auto needs the data, and there is no folder {root}; download it or name "
            "the sequences"
        )
    names = [folder.name for folder in root.iterdir() if label_file(root, folder.name).is_file()]
    if not names:
        raise VcmflowError(f"sequences: no <sequence>/<sequence>_labels.json in {root}")
    return tuple(sorted(names, key=_sequence_order))


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
    path: Path, taken: list[CameraFrame], size: tuple[int, int] | None
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
        yield SourceFrame(file.name, picture, frame.objects)


def _picture_file(path: Path, frame: CameraFrame) -> Path:
    uri = PurePosixPath(frame.uri.lstrip("/"))
    if ".." in uri.parts or "\\" in frame.uri or "\0" in frame.uri:
        raise VcmflowError(
            f"{path}: frame {frame.number}: the picture {frame.uri!r} lies outside its sequence"
        )
    return path.parent / uri
