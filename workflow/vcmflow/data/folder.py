"""Own data: a folder of videos, or of folders of frames, with COCO-format annotations or without.

Every video file and every folder that directly holds pictures is a sequence, at any depth; its name
is its path below the root (``.`` for pictures in the root itself). Annotations are one COCO JSON
file for all sequences, or a folder with one per sequence (`vcmflow.data.coco`). Without annotations
the ground truth is ``pseudo``: the task model makes it from the uncompressed frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.listing import (
    PICTURE_SUFFIXES,
    VIDEO_SUFFIXES,
    check_picture_gaps,
    list_pictures,
    natural_key,
    walk,
)
from vcmflow.data.coco import Annotations, annotation_file, read_annotations
from vcmflow.data.frame_range import chosen_frames
from vcmflow.data.types import (
    DatasetConfig,
    LabelRules,
    PlannedSequence,
    SequenceSpec,
    Source,
    SourceFrame,
    TruthObject,
)


class Folder:
    """Loader of own videos and frame folders (registry: `vcmflow.data.registry.LOADERS`)."""

    tasks = ("detection", "segmentation")
    keys = frozenset({"annotations", "classes", "crowd", "ignore", "min_size"})
    labels = LabelRules(classes={"person": "person", "bicycle": "bicycle", "car": "car"})

    def plan(self, config: DatasetConfig) -> Iterable[PlannedSequence]:
        """``auto``: all videos and frame folders below the root; or a list of their names."""
        found = _find(config.path) if config.path.is_dir() else None
        for name in _names(config, found):
            if config.fps is None and not _is_video(config.path, name):
                raise VcmflowError(
                    f"fps: missing; {name!r} is a folder of pictures, which does not say its rate"
                )
            title = _title(config.path, name)
            inputs = [config.path / name]
            if config.annotations is not None and config.task != "none":
                inputs.append(annotation_file(config.annotations, title))
            yield PlannedSequence(name, None, title, None, tuple(inputs), title)

    def options(self, config: DatasetConfig) -> dict[str, Any]:
        """Where the annotations are, and what to do about gaps."""
        annotations = None if config.annotations is None else str(config.annotations)
        return {"annotations": annotations, "gaps": config.gaps}

    def ground_truth(self, config: DatasetConfig) -> str:
        """``annotations`` where there are some, else ``pseudo``."""
        return "pseudo" if config.annotations is None else "annotations"

    def read(self, spec: SequenceSpec) -> Source:
        """Open a video or a frame folder."""
        path = spec.path / spec.sequence
        notes: dict[str, int] = {}
        annotations = None
        if spec.task != "none" and spec.options.get("annotations"):
            annotations = read_annotations(
                Path(spec.options["annotations"]), _title(spec.path, spec.sequence)
            )
        if path.is_dir():
            if spec.fps is None:
                raise VcmflowError(f"{path}: a folder of pictures does not say its rate; give fps")
            pictures = list_pictures(path)
            if spec.options.get("gaps") != "keep":
                check_picture_gaps(pictures)
            return Source(spec.fps, _picture_frames(spec, pictures, annotations, notes), notes)
        return Source(_rate(spec, path), _video_frames(spec, path, annotations, notes), notes)


def _find(root: Path) -> list[str]:
    """Names of the videos and frame folders below ``root``."""
    names = []
    for folder, files in walk(root):
        relative = folder.relative_to(root).as_posix()
        suffixes = {Path(name).suffix.lower() for name in files}
        if suffixes & PICTURE_SUFFIXES:
            names.append(relative)
        names += [
            (PurePosixPath(relative) / name).as_posix()
            for name in files
            if Path(name).suffix.lower() in VIDEO_SUFFIXES
        ]
    return sorted(names, key=natural_key)


def _names(config: DatasetConfig, found: list[str] | None) -> list[str]:
    if config.sequences == "auto":
        if found is None:
            raise VcmflowError(f"path: no such folder {config.path}")
        if not found:
            raise VcmflowError(f"path: neither videos nor folders of pictures in {config.path}")
        return found
    if not isinstance(config.sequences, tuple):
        raise VcmflowError("sequences: give a list of videos and frame folders, or auto")
    for name in config.sequences:
        if found is not None and name not in found:
            there = ", ".join(found[:10]) or "none"
            raise VcmflowError(
                f"sequences: {name!r} is neither a video nor a folder of pictures in "
                f"{config.path}; there are {there}"
            )
    return list(config.sequences)


def _is_video(root: Path, name: str) -> bool:
    return Path(name).suffix.lower() in VIDEO_SUFFIXES and not (root / name).is_dir()


def _title(root: Path, name: str) -> str:
    """What the id and the scene are made from: a video's name without its suffix."""
    if name == ".":
        return root.resolve().name or "frames"
    return str(PurePosixPath(name).with_suffix("")) if _is_video(root, name) else name


def _rate(spec: SequenceSpec, path: Path) -> float:
    from vcmflow.core.video import frame_rate

    rate = spec.fps or frame_rate(path)
    if not rate:
        raise VcmflowError(f"{path}: the video does not say its frame rate; give fps")
    return rate


def _picture_frames(
    spec: SequenceSpec, pictures: list[Path], annotations: Annotations | None, notes: dict[str, int]
) -> Iterator[SourceFrame]:
    from vcmflow.core.pictures import read_picture

    records = None
    if annotations is not None:
        records = annotations.of_pictures(spec.sequence, [path.name for path in pictures])
    for index in chosen_frames(spec, len(pictures)):
        picture = read_picture(pictures[index])
        size = (picture.shape[0], picture.shape[1])
        objects = (
            ()
            if annotations is None or records is None
            else annotations.objects(records[index], size, spec.task, spec.labels, notes)
        )
        yield SourceFrame(pictures[index].name, picture, objects)


def _video_frames(
    spec: SequenceSpec, path: Path, annotations: Annotations | None, notes: dict[str, int]
) -> Iterator[SourceFrame]:
    from vcmflow.core.video import read_video

    records = None if annotations is None else annotations.of_video(spec.sequence)
    limit = spec.frames if spec.frames is not None else spec.at_most
    total = 0
    frames = read_video(path)
    # The whole file is only decoded where its end matters.
    end = None if limit is None or spec.max_length is not None else spec.first + limit
    for index, picture in enumerate(islice(frames, end)):
        total = index + 1
        if index < spec.first or (limit is not None and index >= spec.first + limit):
            continue
        objects: tuple[TruthObject, ...] = ()
        if annotations is not None and records is not None:
            if index not in records:
                raise VcmflowError(
                    f"{annotations.path}: frame {index} of {spec.sequence!r} is not listed; a "
                    "frame without objects is listed too"
                )
            size = (picture.shape[0], picture.shape[1])
            objects = annotations.objects(records[index], size, spec.task, spec.labels, notes)
        yield SourceFrame(f"{path.name}#{index}", picture, objects)
    chosen_frames(spec, total)
    if end is None and records and max(records) >= total:
        raise VcmflowError(
            f"{path}: frames missing: frame {max(records)} is annotated, the video has {total}"
        )
