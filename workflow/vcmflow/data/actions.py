"""Clips with one label each: UCF101, HMDB51, Kinetics, or a folder with a folder for each class.

Frames as they are, or, with ``network_input``, those that a network sees, at its size: what the VCS
benchmark codes. All clips are one scene, so that accuracy is that of the whole set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from vcmflow.core.clips import View
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact
from vcmflow.core.listing import VIDEO_SUFFIXES, natural_key, walk
from vcmflow.core.rows import read_csv
from vcmflow.data.folder import folder
from vcmflow.data.types import (
    DatasetConfig,
    Gaps,
    Loader,
    PlannedSequence,
    SequenceSpec,
    Source,
    SourceFrame,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SCENE = "clips"
Split = Annotated[int, Field(ge=1, le=3)]
Subset = Literal["train", "test"]


def classes(network_input: View | None = None, gaps: Gaps = "error") -> Loader:
    """Loader of a folder that holds a folder of videos for each class, ``<class>/<video>``.

    Args:
        network_input: sample and resize before coding; None: whole videos.
        gaps: nothing is listed that could be missing.
    """
    del gaps

    def found(config: DatasetConfig) -> Iterator[str]:
        if not config.path.is_dir():
            raise VcmflowError(f"path: no such folder {config.path}")
        for inner, files in walk(config.path):
            if inner.parent == config.path:
                names = (name for name in files if Path(name).suffix.lower() in VIDEO_SUFFIXES)
                yield from (f"{inner.name}/{name}" for name in names)

    return _loader(found, _folder_name, network_input)


def ucf101(
    split: Split = 1,
    subset: Subset = "test",
    network_input: View | None = None,
    gaps: Gaps = "error",
) -> Loader:
    """Loader of UCF101: ``UCF-101/<class>/<video>.avi`` and ``ucfTrainTestlist`` beside it.

    Args:
        split: which of the three.
        subset: its training or its test videos.
        network_input: sample and resize before coding; None: whole videos.
        gaps: a listed video that is missing is an error, or left out.
    """

    def found(config: DatasetConfig) -> Iterator[str]:
        path = config.path / "ucfTrainTestlist" / f"{subset}list{split:02d}.txt"
        names = [f"UCF-101/{line.split()[0]}" for line in _lines(path)]
        yield from _there(config.path, names, path, gaps)

    return _loader(found, _folder_name, network_input)


def hmdb51(
    split: Split = 1,
    subset: Subset = "test",
    network_input: View | None = None,
    gaps: Gaps = "error",
) -> Loader:
    """Loader of HMDB51: ``<class>/<video>.avi`` and ``testTrainMulti_7030_splits`` beside them.

    Args:
        split: which of the three.
        subset: its training or its test videos.
        network_input: sample and resize before coding; None: whole videos.
        gaps: a listed video that is missing is an error, or left out.
    """
    mark = {"train": "1", "test": "2"}[subset]

    def found(config: DatasetConfig) -> Iterator[str]:
        lists = config.path / "testTrainMulti_7030_splits"
        ending = f"_test_split{split}.txt"
        files = sorted(lists.glob(f"*{ending}"))
        if not files:
            raise VcmflowError(f"{lists}: no lists <class>{ending}; get HMDB51's splits")
        for path in files:
            label = path.name.removesuffix(ending)
            rows = [line.split() for line in _lines(path)]
            if any(len(row) < 2 for row in rows):
                raise VcmflowError(f"{path}: a line is not '<video> <0, 1 or 2>'")
            names = [f"{label}/{row[0]}" for row in rows if row[1] == mark]
            yield from _there(config.path, names, path, gaps)

    return _loader(found, _folder_name, network_input)


def kinetics(
    subset: Literal["train", "val", "validate", "test"] = "val",
    network_input: View | None = None,
    gaps: Gaps = "error",
) -> Loader:
    """Loader of Kinetics: ``<subset>.csv`` (label, youtube_id, time_start, time_end) and videos.

    The videos, ``<youtube_id>_<start>_<end>.<suffix>`` with six digits each, lie in any folders
    below ``path``.

    Args:
        subset: name of the table.
        network_input: sample and resize before coding; None: whole videos.
        gaps: a listed video that is missing is an error, or left out (many have left YouTube).
    """

    def found(config: DatasetConfig) -> Iterator[str]:
        table = config.path / f"{subset}.csv"
        there = _stems(config.path)
        names = [there.get(stem, f"{stem}.mp4") for stem in _kinetics_labels(table)]
        yield from _there(config.path, names, table, gaps)

    def label(root: Path, name: str) -> str:
        table = root / f"{subset}.csv"
        labels, stem = _kinetics_labels(table), PurePosixPath(name).stem
        if stem not in labels:
            raise VcmflowError(f"{table}: does not list {name!r}")
        return labels[stem]

    return _loader(found, label, network_input, f"{subset}.csv")


def _loader(
    found: Callable[[DatasetConfig], Iterable[str]],
    label: Callable[[Path, str], str],
    view: View | None,
    *tables: str,
) -> Loader:
    """A loader from what finds videos below a root and what names their classes (by tables)."""

    def plan(config: DatasetConfig) -> Iterator[PlannedSequence]:
        names = _named(config)
        if names is None:
            names = sorted(found(config), key=natural_key)
            if not names:
                raise VcmflowError(f"path: no videos in folders of {config.path}")
        for name in names:
            own = PurePosixPath(name)
            title = f"{own.parent.name}-{own.stem}" if own.parent.name else own.stem
            length = None if view is None else view.frames
            inputs = tuple(config.path / file for file in (name, *tables))
            yield PlannedSequence(name, None, SCENE, length, inputs, title)

    def read(spec: SequenceSpec) -> Source:
        name = label(spec.path, spec.sequence)
        if view is None:
            return replace(folder(gaps="keep").read(spec), label=name)
        return replace(_seen(spec, view), label=name)

    return Loader("label", plan, read)


def _named(config: DatasetConfig) -> list[str] | None:
    """The videos that a configuration names: paths below the root, or by class; None: all."""
    chosen = config.sequences
    if isinstance(chosen, str):
        if chosen != "auto":
            raise VcmflowError(
                f"sequences: {chosen!r}; allowed: auto, a list of videos, or class: videos"
            )
        return None
    if isinstance(chosen, Mapping):
        return [f"{label}/{name}" for label, names in chosen.items() for name in names]
    return list(chosen)


def _folder_name(root: Path, name: str) -> str:
    del root
    label = PurePosixPath(name).parent.name
    if not label:
        raise VcmflowError(
            f"sequences: {name!r} lies in no class's folder; wanted: <class>/<video>"
        )
    return label


def _seen(spec: SequenceSpec, view: View) -> Source:
    """The frames that a network sees, squares of its size."""
    from vcmflow.core.video import frame_rate, open_source

    path = spec.path / spec.sequence
    rate = spec.fps or frame_rate(path)
    if not rate:
        raise VcmflowError(f"{path}: does not say its frame rate; give fps")
    total = sum(1 for _ in open_source(path))
    try:
        (wanted,) = view.indices(total)
    except VcmflowError as error:
        raise VcmflowError(f"{path}: {error}") from None
    chosen = spec.chosen_frames(len(wanted))
    taken = [wanted[place] for place in chosen]

    def frames() -> Iterator[SourceFrame]:
        numbers = set(taken)
        for number, picture in enumerate(islice(open_source(path), taken[-1] + 1)):
            if number in numbers:
                yield SourceFrame(f"{path.name}#{number}", view.square(picture))

    # Frames that are n apart come n times as seldom.
    step = (wanted[-1] - wanted[0]) / (len(wanted) - 1) if len(wanted) > 1 else 1
    return Source(rate / step, frames())


def _there(root: Path, names: list[str], table: Path, gaps: str) -> list[str]:
    """Those of the listed videos that exist.

    Raises:
        VcmflowError: some are missing, and that is not accepted.
    """
    missing = [name for name in names if not os.path.isfile(root / name)]  # noqa: PTH113  (any name)
    if missing and gaps == "error":
        raise VcmflowError(
            f"{table}: {len(missing)} of {len(names)} listed videos are missing, the first is "
            f"{root / missing[0]}; add them, or leave them out with `gaps: keep`"
        )
    gone = set(missing)
    return [name for name in names if name not in gone]


def _stems(root: Path) -> dict[str, str]:
    """Name of every video below a root, without its suffix -> its path below the root."""
    if not root.is_dir():
        raise VcmflowError(f"path: no such folder {root}")
    return {
        Path(name).stem: (inner / name).relative_to(root).as_posix()
        for inner, files in walk(root)
        for name in files
        if Path(name).suffix.lower() in VIDEO_SUFFIXES
    }


def _kinetics_labels(table: Path) -> dict[str, str]:
    """Name of every clip of a table, ``<youtube_id>_<start>_<end>`` -> its class."""
    labels = {}
    columns = ("label", "youtube_id", "time_start", "time_end")
    for line, row in enumerate(read_csv(table, columns), start=2):
        ends = [row["time_start"], row["time_end"]]
        if not all(re.fullmatch(r"\d{1,6}", end) for end in ends) or not row["label"]:
            raise VcmflowError(f"{table}: line {line}: no label, or no seconds")
        start, end = (int(text) for text in ends)
        labels[f"{row['youtube_id']}_{start:06d}_{end:06d}"] = row["label"]
    return labels


def _lines(path: Path) -> list[str]:
    """The lines of a list, without empty ones."""
    if not path.is_file():
        raise VcmflowError(f"{path}: no such list of videos")
    try:
        lines = intact(path).read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise VcmflowError(f"{path}: not a list in UTF-8") from None
    return [line for line in lines if line.strip()]
