"""What crosses the borders of the data stage: a planned sequence, its frames, their ground truth.

Light on purpose: the workflow plans with these types before any job runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TASKS = ("detection", "segmentation", "none")
# COCO ids, so that detectors trained on COCO need no mapping of their own.
DETECTION_CATEGORIES: Mapping[str, int] = {"person": 1, "bicycle": 2, "car": 3}
SEGMENTATION_CATEGORIES: Mapping[str, int] = {"object": 1}


@dataclass(frozen=True)
class LabelRules:
    """How a dataset's labels become ground truth.

    Keys are label types, or ``type:kind`` where an annotation carries a kind (OSDaR23's attribute
    ``type``); the longer key wins. Values are names of `DETECTION_CATEGORIES`.

    Attributes:
        classes: labels that count.
        crowd: labels that stand for a crowd of a class (COCO ``iscrowd``).
        ignore: labels that are neither a hit nor a miss for a class.
        occlusion_max: percent; objects that are hidden at least that much are ignored; None: none.
        min_size: px of the source frame; boxes with a smaller square root of area are ignored.
    """

    classes: Mapping[str, str] = field(default_factory=dict)
    crowd: Mapping[str, str] = field(default_factory=dict)
    ignore: Mapping[str, str] = field(default_factory=dict)
    occlusion_max: float | None = None
    min_size: float = 0.0


@dataclass(frozen=True)
class SequenceSpec:
    """One planned sequence: all that the import needs to know.

    Attributes:
        id: unique within the dataset, ``[A-Za-z0-9][A-Za-z0-9_.-]*``.
        dataset: name of the dataset in the configuration.
        loader: name in the registry of loaders.
        path: root folder of the dataset.
        sequence: the sequence's exact name in the dataset.
        camera: camera within the sequence, or None where there is only one.
        scene: scores are pooled over the sequences of a scene; file-safe like ``id``.
        task: ``detection``, ``segmentation`` or ``none``.
        ground_truth: ``annotations``, ``pseudo`` (made later from the uncompressed frames) or
            ``none``.
        first: first frame taken, counted from 0.
        frames: exact number of frames taken; None for all from ``first`` on.
        at_most: take no more frames than this; None for no limit.
        max_length: refuse a sequence longer than this (a window that was not planned); None: any.
        length: number of frames as far as planning knows it; for estimates only.
        fps: frames per second; None for what the dataset says itself.
        height: working height in px, the width follows; None for the source's size.
        labels: how labels become ground truth.
        options: the loader's own settings.
        inputs: the files and folders that the import reads.
    """

    id: str
    dataset: str
    loader: str
    path: Path
    sequence: str
    scene: str
    task: str
    ground_truth: str
    camera: str | None = None
    first: int = 0
    frames: int | None = None
    at_most: int | None = None
    max_length: int | None = None
    length: int | None = None
    fps: float | None = None
    height: int | None = None
    labels: LabelRules = field(default_factory=LabelRules)
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()

    def arguments(self) -> list[str]:
        """The flags of ``python -m vcmflow import`` that name this sequence, without outputs.

        Every flag is ``--name=value``, so that names with a leading dash survive; quote for a shell
        with `shlex.join`.
        """
        flags: list[str] = []

        def flag(name: str, value: object) -> None:
            if value is not None:
                flags.append(f"--{name}={value}")

        flag("id", self.id)
        flag("dataset", self.dataset)
        flag("loader", self.loader)
        flag("path", self.path)
        flag("sequence", self.sequence)
        flag("camera", self.camera)
        flag("scene", self.scene)
        flag("task", self.task)
        flag("first", self.first or None)
        flag("frames", self.frames)
        flag("at-most", self.at_most)
        flag("max-length", self.max_length)
        flag("fps", self.fps)
        flag("height", self.height)
        for name, mapping in (
            ("class", self.labels.classes),
            ("crowd", self.labels.crowd),
            ("ignore", self.labels.ignore),
        ):
            for label, category in mapping.items():
                flag(name, f"{label}={category}")
        flag("occlusion-max", self.labels.occlusion_max)
        flag("min-size", self.labels.min_size or None)
        for key, value in self.options.items():
            flag("option", f"{key}={json.dumps(value, ensure_ascii=False)}")
        return flags


@dataclass(frozen=True)
class PlannedSequence:
    """What a loader knows of a sequence while planning; windows and ids are made from it.

    Attributes:
        name: exact name in the dataset.
        camera: camera, or None.
        scene: scene that it belongs to.
        length: number of frames where it is known without reading the data.
        inputs: the files and folders that the import will read.
        title: what the id is made from where that is not the name (a video without its suffix).
    """

    name: str
    camera: str | None
    scene: str
    length: int | None
    inputs: tuple[Path, ...]
    title: str | None = None


@dataclass(frozen=True)
class TruthObject:
    """One object in one frame, in px of the source frame.

    Attributes:
        category: name of the category.
        object_id: constant over time within a sequence; None where the dataset does not say.
        box: x, y (top left), width, height; None with a mask: its tight box is taken.
        crowd: a crowd region (COCO ``iscrowd``).
        ignore: neither a hit nor a miss.
        mask: bool H x W of the frame, or None.
    """

    category: str
    object_id: int | None
    box: tuple[float, float, float, float] | None = None
    crowd: bool = False
    ignore: bool = False
    mask: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class SourceFrame:
    """A frame as the dataset stores it: uint8 H x W x 3 RGB, and what is in it."""

    name: str
    picture: npt.NDArray[np.uint8]
    objects: tuple[TruthObject, ...] = ()


@dataclass(frozen=True)
class Source:
    """A sequence ready to be read, frame by frame.

    Attributes:
        fps: frames per second.
        frames: the chosen frames in order; read once.
        notes: counts for the report, e.g. labels that no rule names; complete after the last frame.
    """

    fps: float
    frames: Iterator[SourceFrame]
    notes: dict[str, int] = field(default_factory=dict)


class Loader(Protocol):
    """Reads one layout of datasets. Importing its module must stay light; reading may be heavy.

    Attributes:
        tasks: the tasks that the layout has ground truth for (besides ``none``).
        keys: keys of a dataset's configuration that only some loaders have, and this one has.
        labels: the label rules where the configuration says nothing.
    """

    tasks: tuple[str, ...]
    keys: frozenset[str]
    labels: LabelRules

    def plan(self, config: DatasetConfig) -> Iterable[PlannedSequence]:
        """The sequences of a configuration, in a stable order, from names and settings alone."""

    def options(self, config: DatasetConfig) -> dict[str, Any]:
        """The loader's own settings, to be handed to `read` as ``spec.options``."""

    def ground_truth(self, config: DatasetConfig) -> str:
        """``annotations`` or ``pseudo`` for a configuration whose task is not ``none``."""

    def read(self, spec: SequenceSpec) -> Source:
        """Open a sequence.

        Raises:
            VcmflowError: files are missing, broken, or contradict each other; one line.
        """


@dataclass(frozen=True)
class DatasetConfig:
    """A dataset's entry in the configuration (workflow/schemas/dataset.schema.yaml explains it)."""

    name: str
    loader: str
    path: Path
    task: str
    sequences: str | tuple[str, ...] | Mapping[str, tuple[str, ...]]
    cameras: tuple[str, ...] = ("rgb_center",)
    exclude: tuple[str, ...] = ()
    require_objects: bool = False
    window: int | None = None
    tail: str = "drop"
    lengths: Mapping[str, int] = field(default_factory=dict)
    frames: int | None = None
    fps: float | None = None
    height: int | None = None
    gaps: str = "error"
    labels: LabelRules = field(default_factory=LabelRules)
    year: int | None = None
    resolution: str = "480p"
    annotations: Path | None = None
