"""From a dataset's configuration to its sequences, before any job runs.

Imports nothing heavy and, unless a configuration says ``sequences: auto``, reads no file: the grid
of the paper preset is planned on a machine that has none of the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build, hint
from vcmflow.data.ids import to_id
from vcmflow.data.registry import LOADERS
from vcmflow.data.types import DatasetConfig, Loader, PlannedSequence, SequenceSpec

COMMON_KEYS = frozenset(field.name for field in fields(DatasetConfig))
# What the workflow wants to know of a dataset and the import does not.
WORKFLOW_KEYS = frozenset(
    {
        "title",
        "source",
        "loader",
        "synthetic",
        "tasks",
        "methods",
        "keep_every",
        "require_objects",
        "rendered",
    }
)


def make_loader(name: str, options: Mapping[str, Any]) -> Loader:
    """The loader registered under ``name``, with its options.

    Raises:
        VcmflowError: there is none, or an option or its value is wrong.
    """
    loader: Loader = build(LOADERS, name, "loader", options)
    return loader


def list_sequences(name: str, dataset: Mapping[str, Any]) -> dict[str, SequenceSpec]:
    """Plan the sequences of a dataset.

    Args:
        name: the dataset's name.
        dataset: its entry in the configuration, with values of the right types; keys that are
            neither in `DatasetConfig` nor in `WORKFLOW_KEYS` are options of the loader.

    Returns:
        Sequence id -> sequence, in the order of the configuration (of the names for ``auto``).

    Raises:
        VcmflowError: a wrong option, a name that does not exist, two sequences with one id, or
            ``sequences: auto`` without the data; one line.
    """
    common = {key: dataset[key] for key in COMMON_KEYS if dataset.get(key) is not None}
    for key in ("sequences", "cameras", "exclude"):
        if isinstance(common.get(key), list):
            common[key] = tuple(common[key])
    options = {
        key: value for key, value in dataset.items() if key not in COMMON_KEYS | WORKFLOW_KEYS
    }
    try:
        config = DatasetConfig(**common | {"path": Path(dataset["path"])})
        loader = make_loader(dataset["loader"], options)
        known = loader.annotations != "none" or dataset.get("tasks")
        if dataset.get("require_objects") and (not known or loader.annotations == "label"):
            raise VcmflowError(
                "require_objects: means nothing without annotations of objects and tasks, where no "
                "object is known; leave it out"
            )
        return _plan(name, dataset["loader"], options, config, loader)
    except VcmflowError as error:
        raise VcmflowError(f"dataset {name}: {error}") from None


def _plan(
    dataset: str, kind: str, options: Mapping[str, Any], config: DatasetConfig, loader: Loader
) -> dict[str, SequenceSpec]:
    specs: dict[str, SequenceSpec] = {}
    for planned in loader.plan(config):
        _check_names(config, planned)
        for suffix, first, frames, length in _windows(config, planned):
            identifier = make_id(planned.title or planned.name, planned.camera) + suffix
            spec = SequenceSpec(
                id=identifier,
                dataset=dataset,
                loader=kind,
                path=config.path,
                sequence=planned.name,
                camera=planned.camera,
                scene=to_id(planned.scene),
                annotations=loader.annotations,
                first=first,
                frames=frames,
                at_most=config.frames if frames is None else None,
                max_length=config.window if frames is None else None,
                length=length,
                fps=config.fps,
                height=config.height,
                options=options,
                inputs=planned.inputs,
            )
            other = specs.setdefault(identifier, spec)
            if other is not spec:
                raise VcmflowError(
                    f"two sequences have the id {identifier!r}: {other} and {spec}; rename one or "
                    "leave one out"
                )
    for identifier in config.exclude:
        if specs.pop(identifier, None) is None:
            raise VcmflowError(
                f"exclude: no sequence has the id {identifier!r}{hint(identifier, specs)}"
            )
    if not specs:
        raise VcmflowError("sequences: none is left; name at least one")
    return specs


def make_id(title: str, camera: str | None) -> str:
    """The id of a sequence that is taken whole."""
    return to_id(title) + (f"-{to_id(camera)}" if camera else "")


def _check_names(config: DatasetConfig, planned: PlannedSequence) -> None:
    if config.cameras is not None and planned.camera is None:
        raise VcmflowError("cameras: means nothing to this loader, whose sequences have none")
    for name in (planned.name, planned.camera or ""):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name:
            raise VcmflowError(f"sequences: {name!r} leads out of the dataset's folder")


def _windows(
    config: DatasetConfig, planned: PlannedSequence
) -> Iterator[tuple[str, int, int | None, int | None]]:
    """(id suffix, first frame, exact number of frames or None, estimated number) per window."""
    length = config.lengths.get(planned.name, planned.length)
    cap = config.frames
    window = config.window
    if window is None or length is None or length <= window:
        estimate = length if length is not None else window
        if cap is not None:
            estimate = min(cap, estimate or cap)
        yield "", 0, None, estimate
        return
    starts = range(0, length if config.tail == "keep" else length - window + 1, window)
    digits = max(2, len(str(len(starts) - 1)))
    for index, start in enumerate(starts):
        count = min(window, length - start, cap or window)
        yield f"-w{index:0{digits}d}", start, count, count
