"""Own data: a folder of videos, or of folders of frames, with COCO-format annotations or without.

Every video file and every folder that directly holds pictures is a sequence, at any depth; its name
is its path below the root (``.`` for pictures in the root itself). Annotations are one COCO JSON
file for all sequences, or a folder with one per sequence (`vcmflow.data.coco`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

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

RULES = LabelRules(classes={"person": "person", "bicycle": "bicycle", "car": "car"})


def folder(
    annotations: Path | None = None,
    annotation_type: Literal["boxes", "masks"] = "boxes",
    classes: Labels | None = None,
    crowd: Labels | None = None,
    ignore: Labels | None = None,
    min_size: Annotated[float, Field(ge=0)] = 0.0,
    gaps: Gaps = "error",
) -> Loader:
    """Loader of own videos and frame folders.

    Args:
        annotations: a COCO JSON file, or a folder with one per sequence; None for none.
        annotation_type: what is read of them: boxes of the classes, or masks of whatever they hold.
        classes: category -> class, the categories whose boxes count; None: those of `RULES`.
        crowd: categories that stand for a crowd of a class.
        ignore: categories that are neither hit nor miss for a class.
        min_size: ignore boxes whose square root of area is below this, px of the source.
        gaps: a jump in the numbers of pictures is an error, or accepted.
    """
    rules = RULES.changed(classes=classes, crowd=crowd, ignore=ignore)
    rules = replace(rules, min_size=min_size)

    def plan(config: DatasetConfig) -> Iterator[PlannedSequence]:
        # `auto`: all videos and frame folders below the root; or a list of their names.
        found = _find(config.path) if config.path.is_dir() else None
        for name in _names(config, found):
            if config.fps is None and not _is_video(config.path, name):
                raise VcmflowError(
                    f"fps: missing; {name!r} is a folder of pictures, which does not say its rate"
                )
            title = _title(config.path, name)
            inputs = [config.path / name]
            if annotations is not None:
                inputs.append(annotation_file(annotations, title))
            yield PlannedSequence(name, None, title, None, tuple(inputs), title)

    def read(spec: SequenceSpec) -> Source:
        path = spec.path / spec.sequence
        truth = None
        if annotations is not None:
            title = _title(spec.path, spec.sequence)
            masks = annotation_type == "masks"
            truth = read_annotations(annotations, title, None if masks else rules)
        if not path.is_dir():
            from vcmflow.core.video import frame_rate

            rate = spec.fps or frame_rate(path)
            if not rate:
                raise VcmflowError(f"{path}: the video does not say its frame rate; give fps")
            return Source(rate, _video_frames(spec, path, truth), truth.notes if truth else {})
        if spec.fps is None:
            raise VcmflowError(f"{path}: a folder of pictures does not say its rate; give fps")
        pictures = list_pictures(path)
        if gaps == "error":
            check_picture_gaps(pictures)
        return Source(
            spec.fps, _picture_frames(spec, pictures, truth), truth.notes if truth else {}
        )

    return Loader("none" if annotations is None else annotation_type, plan, read)


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


def _picture_frames(
    spec: SequenceSpec, pictures: list[Path], truth: Annotations | None
) -> Iterator[SourceFrame]:
    from vcmflow.core.pictures import read_picture

    names = [path.name for path in pictures]
    records = truth.of_pictures(spec.sequence, names) if truth is not None else []
    for index in spec.chosen_frames(len(pictures)):
        picture = read_picture(pictures[index])
        height, width = picture.shape[:2]
        objects = truth.objects(records[index], (height, width)) if truth is not None else ()
        yield SourceFrame(names[index], picture, objects)


def _video_frames(
    spec: SequenceSpec, path: Path, truth: Annotations | None
) -> Iterator[SourceFrame]:
    from vcmflow.core.video import read_video

    records = truth.of_video(spec.sequence) if truth is not None else {}
    limit = spec.frames if spec.frames is not None else spec.at_most
    total = 0
    # The whole file is only decoded where its end matters.
    end = None if limit is None or spec.max_length is not None else spec.first + limit
    for index, picture in enumerate(islice(read_video(path), end)):
        total = index + 1
        if index < spec.first or (limit is not None and index >= spec.first + limit):
            continue
        objects: tuple[TruthObject, ...] = ()
        if truth is not None:
            if index not in records:
                raise VcmflowError(
                    f"{truth.path}: frame {index} of {spec.sequence!r} is not listed; a frame "
                    "without objects is listed too"
                )
            height, width = picture.shape[:2]
            objects = truth.objects(records[index], (height, width))
        yield SourceFrame(f"{path.name}#{index}", picture, objects)
    spec.chosen_frames(total)
    if end is None and records and max(records) >= total:
        raise VcmflowError(
            f"{path}: frames missing: frame {max(records)} is annotated, the video has {total}"
        )
