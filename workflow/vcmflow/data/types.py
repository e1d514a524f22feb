"""What crosses the borders of the data stage: a planned sequence, its frames, what is in them.

Light on purpose: the workflow plans with these types before any job runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vcmflow.core.errors import VcmflowError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Gaps = Literal["error", "keep"]


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
        annotations: what is known of it: ``boxes``, ``masks``, ``label`` or ``none``.
        first: first frame taken, counted from 0.
        frames: exact number of frames taken; None for all from ``first`` on.
        at_most: take no more frames than this; None for no limit.
        max_length: refuse a sequence longer than this (a window that was not planned); None: any.
        length: number of frames as far as planning knows it; for estimates only.
        fps: frames per second; None for what the dataset says itself.
        height: working height in px, the width follows; None for the source's size.
        options: the loader's options, as the configuration gives them.
        inputs: the files and folders that the import reads.
    """

    id: str
    dataset: str
    loader: str
    path: Path
    sequence: str
    scene: str
    annotations: str
    camera: str | None = None
    first: int = 0
    frames: int | None = None
    at_most: int | None = None
    max_length: int | None = None
    length: int | None = None
    fps: float | None = None
    height: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()

    def __str__(self) -> str:
        """The sequence as messages call it."""
        return f"sequence {self.sequence!r}" + (f" camera {self.camera!r}" if self.camera else "")

    def arguments(self) -> list[str]:
        """The flags of ``vcmflow stage import`` that name this sequence, without outputs.

        Every flag is ``--name=value``, so that names with a leading dash survive; quote for a shell
        with `shlex.join`.
        """
        loader = {"loader": self.loader, **self.options}
        flags = {
            "id": self.id,
            "dataset": self.dataset,
            "loader": json.dumps(loader, ensure_ascii=False) if self.options else self.loader,
            "path": self.path,
            "sequence": self.sequence,
            "camera": self.camera,
            "scene": self.scene,
            "first": self.first or None,
            "frames": self.frames,
            "at-most": self.at_most,
            "max-length": self.max_length,
            "fps": self.fps,
            "height": self.height,
        }
        return [f"--{name}={value}" for name, value in flags.items() if value is not None]

    def chosen_frames(self, total: int) -> range:
        """Positions of the frames that are taken out of ``total``.

        Raises:
            VcmflowError: the sequence is shorter than planned, or longer than one window although
                its length was not known to the planning.
        """
        if self.max_length is not None and total > self.max_length:
            raise VcmflowError(
                f"{self} has {total} frames, more than one window of {self.max_length}; name its "
                f"length in the dataset's configuration (lengths: {{{self.sequence}: {total}}})"
            )
        if self.frames is not None:
            end = self.first + self.frames
        else:
            end = total if self.at_most is None else min(total, self.first + self.at_most)
        if end > total or self.first >= total:
            first = self.first
            asked = f"{self.frames} frames from {first}" if self.frames else f"from {first} on"
            raise VcmflowError(f"{self} has {total} frames; asked for {asked}")
        return range(self.first, end)


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
        label: of the whole clip, where the annotations are that.
    """

    fps: float
    frames: Iterator[SourceFrame]
    notes: dict[str, int] = field(default_factory=dict)
    label: str | None = None


@dataclass(frozen=True)
class DatasetConfig:
    """The keys of a dataset's entry in the configuration that all loaders share.

    The configuration's reference explains them.
    """

    path: Path
    sequences: str | tuple[str, ...] | Mapping[str, tuple[str, ...]] = "auto"
    cameras: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    window: int | None = None
    tail: str = "drop"
    lengths: Mapping[str, int] = field(default_factory=dict)
    frames: int | None = None
    fps: float | None = None
    height: int | None = None


@dataclass(frozen=True)
class Loader:
    """Reads one layout of datasets: what the builders in the registry of loaders return.

    The builders' modules are light, because planning imports them; reading may be heavy.

    Attributes:
        annotations: what `read` tells: ``boxes``, ``masks``, one ``label`` per clip, or ``none``.
        plan: the sequences of a configuration, in a stable order, from names and settings alone.
        read: opens a sequence; raises VcmflowError where files are missing, broken, or contradict
            each other.
    """

    annotations: str
    plan: Callable[[DatasetConfig], Iterable[PlannedSequence]]
    read: Callable[[SequenceSpec], Source]
