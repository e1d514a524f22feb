"""From a dataset's configuration to its sequences, before any job runs.

Imports nothing heavy and, unless a configuration says ``sequences: auto``, reads no file: the grid
of the paper preset is planned on a machine that has none of the data.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import lookup
from vcmflow.data.ids import to_id
from vcmflow.data.registry import LOADERS
from vcmflow.data.types import (
    DETECTION_CATEGORIES,
    TASKS,
    DatasetConfig,
    LabelRules,
    Loader,
    PlannedSequence,
    SequenceSpec,
)

__all__ = ["DatasetConfig", "SequenceSpec", "find_loader", "list_sequences", "parse_dataset"]

LABEL_KEYS = frozenset(field.name for field in fields(LabelRules))
LOADER_KEYS = frozenset({"cameras", "year", "resolution", "annotations"}) | LABEL_KEYS
COMMON_KEYS = (
    frozenset(field.name for field in fields(DatasetConfig) if field.name not in {"name", "labels"})
    - LOADER_KEYS
)
# What the workflow wants to know of a dataset and the import does not.
WORKFLOW_KEYS = frozenset({"title", "source", "synthetic", "keep_every", "modes", "samplers"})


def find_loader(name: str) -> Loader:
    """The loader registered under ``name``.

    Raises:
        VcmflowError: there is none; the message lists those that exist.
    """
    loader: Loader = lookup(LOADERS, name, "loader")()
    return loader


def list_sequences(name: str, dataset: Mapping[str, Any]) -> dict[str, SequenceSpec]:
    """Plan the sequences of a dataset.

    Args:
        name: the dataset's name.
        dataset: its entry in the configuration; workflow/schemas/dataset.schema.yaml explains it.

    Returns:
        Sequence id -> sequence, in the order of the configuration (of the names for ``auto``).

    Raises:
        VcmflowError: a wrong key or value, two sequences with one id, or ``sequences: auto``
            without the data; one line.
    """
    config = parse_dataset(name, dataset)
    loader = find_loader(config.loader)
    try:
        specs = _plan(config, loader)
    except VcmflowError as error:
        raise VcmflowError(f"dataset {name}: {error}") from None
    return specs


def _plan(config: DatasetConfig, loader: Loader) -> dict[str, SequenceSpec]:
    ground_truth = "none" if config.task == "none" else loader.ground_truth(config)
    options = loader.options(config)
    specs: dict[str, SequenceSpec] = {}
    for planned in loader.plan(config):
        for suffix, first, frames, length in _windows(config, planned):
            identifier = to_id(planned.title or planned.name)
            if planned.camera is not None:
                identifier += f"-{to_id(planned.camera)}"
            identifier += suffix
            spec = SequenceSpec(
                id=identifier,
                dataset=config.name,
                loader=config.loader,
                path=config.path,
                sequence=planned.name,
                camera=planned.camera,
                scene=to_id(planned.scene),
                task=config.task,
                ground_truth=ground_truth,
                first=first,
                frames=frames,
                at_most=config.frames if frames is None else None,
                max_length=config.window if frames is None else None,
                length=length,
                fps=config.fps,
                height=config.height,
                labels=config.labels,
                options=options,
                inputs=planned.inputs,
            )
            other = specs.get(identifier)
            if other is not None:
                raise VcmflowError(
                    f"two sequences have the id {identifier!r}: {_what(other)} and {_what(spec)}; "
                    "rename one or leave one out"
                )
            specs[identifier] = spec
    for identifier in config.exclude:
        if specs.pop(identifier, None) is None:
            raise VcmflowError(
                f"exclude: no sequence has the id {identifier!r}{_hint(identifier, specs)}"
            )
    if not specs:
        raise VcmflowError("sequences: none is left; name at least one")
    return specs


def _what(spec: SequenceSpec) -> str:
    return repr(spec.sequence) + (f" camera {spec.camera!r}" if spec.camera else "")


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


def parse_dataset(name: str, dataset: Mapping[str, Any]) -> DatasetConfig:
    """Check a dataset's entry and fill in what it leaves out.

    The schema says the same to editors and to Snakemake; this is for callers without it, and for
    what a schema cannot say (which keys go with which loader).

    Raises:
        VcmflowError: a wrong key or value; one line with the dataset, the key, what is allowed.
    """
    where = f"dataset {name}"
    known = COMMON_KEYS | LOADER_KEYS | WORKFLOW_KEYS
    for key in dataset:
        if key not in known:
            raise VcmflowError(f"{where}: unknown key {key!r}{_hint(str(key), known)}")
    for key in ("loader", "path"):
        if not isinstance(dataset.get(key), str) or not dataset[key]:
            raise VcmflowError(f"{where}: {key} is missing or not a text")
    loader = find_loader(dataset["loader"])
    for key in sorted(LOADER_KEYS - loader.keys):
        if dataset.get(key) is not None:
            raise VcmflowError(
                f"{where}: {key} means nothing to the loader {dataset['loader']}; it has "
                f"{', '.join(sorted(loader.keys))}"
            )
    reader = _Reader(where, dataset)
    task = reader.choice("task", "none", TASKS)
    if task != "none" and task not in loader.tasks:
        raise VcmflowError(
            f"{where}: task: is {task!r}; the loader {dataset['loader']} has "
            f"{', '.join(loader.tasks)}, none"
        )
    annotations = dataset.get("annotations")
    year = reader.number("year", None, 2016, whole=True)
    if year not in (None, 2016, 2017):
        raise VcmflowError(
            f"{where}: year: is {year}; allowed: 2016, 2017, or null to tell by sight"
        )
    return DatasetConfig(
        name=name,
        loader=dataset["loader"],
        path=Path(dataset["path"]),
        task=task,
        sequences=_sequences(where, dataset.get("sequences", "auto")),
        cameras=_names(where, "cameras", dataset.get("cameras") or ("rgb_center",)),
        exclude=_names(where, "exclude", dataset.get("exclude") or ()),
        require_objects=_require_objects(reader, task),
        window=reader.number("window", None, 1, whole=True),
        tail=reader.choice("tail", "drop", ("drop", "keep")),
        lengths={
            key: reader.check(f"lengths.{key}", value, 1, whole=True)
            for key, value in reader.mapping("lengths").items()
        },
        frames=reader.number("frames", None, 1, whole=True),
        fps=reader.number("fps", None, 0, above=True),
        height=reader.number("height", None, 16, whole=True),
        gaps=reader.choice("gaps", "error", ("error", "keep")),
        labels=_labels(reader, loader.labels),
        year=year,
        resolution=str(dataset.get("resolution") or "480p"),
        annotations=None if annotations is None else Path(str(annotations)),
    )


def _require_objects(reader: _Reader, task: str) -> bool:
    value = reader.values.get("require_objects")
    if value is None:
        return False
    if not isinstance(value, bool):
        raise VcmflowError(f"{reader.where}: require_objects: is {value!r}; allowed: true, false")
    if value and task == "none":
        raise VcmflowError(
            f"{reader.where}: require_objects: means nothing with `task: none`, where no object is "
            "known; leave it out"
        )
    return value


def _labels(reader: _Reader, default: LabelRules) -> LabelRules:
    tables: dict[str, Mapping[str, str]] = {}
    for key in ("classes", "crowd", "ignore"):
        given = reader.values.get(key)
        tables[key] = getattr(default, key) if given is None else reader.mapping(key)
        for label, category in tables[key].items():
            if category not in DETECTION_CATEGORIES:
                raise VcmflowError(
                    f"{reader.where}: {key}.{label}: is {category!r}; allowed: "
                    f"{', '.join(DETECTION_CATEGORIES)}"
                )
    if "classes" in reader.values and not tables["classes"]:
        raise VcmflowError(f"{reader.where}: classes: is empty; name at least one label")
    seen: dict[str, str] = {}
    for key, table in tables.items():
        for label in table:
            if label in seen:
                raise VcmflowError(
                    f"{reader.where}: {label!r} stands in {seen[label]} and in {key}"
                )
            seen[label] = key
    occlusion = reader.values.get("occlusion_max", default.occlusion_max)
    if occlusion is not None:
        occlusion = reader.check("occlusion_max", occlusion, 0)
        if occlusion > 100:
            raise VcmflowError(
                f"{reader.where}: occlusion_max: is {occlusion}; allowed: 0..100, null"
            )
    return LabelRules(
        **tables,
        occlusion_max=occlusion,
        min_size=reader.number("min_size", default.min_size, 0),
    )


class _Reader:
    """Checked access to a mapping that came from YAML."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where = where
        self.values = values

    def choice(self, key: str, default: str, allowed: Sequence[str]) -> str:
        value = self.values.get(key)
        if value is None:
            return default
        if value not in allowed:
            raise VcmflowError(f"{self.where}: {key}: is {value!r}; allowed: {', '.join(allowed)}")
        return str(value)

    def number(
        self, key: str, default: Any, low: float, *, whole: bool = False, above: bool = False
    ) -> Any:
        value = self.values.get(key)
        return default if value is None else self.check(key, value, low, whole=whole, above=above)

    def check(
        self, key: str, value: Any, low: float, *, whole: bool = False, above: bool = False
    ) -> Any:
        kind = "a whole number" if whole else "a number"
        right = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not right or not (low < value if above else low <= value) or value == float("inf"):
            raise VcmflowError(
                f"{self.where}: {key}: is {value!r}; has to be {kind} "
                f"{'above' if above else 'of at least'} {low:g}"
            )
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.values.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise VcmflowError(f"{self.where}: {key}: is {value!r}; has to be a mapping of names")
        return dict(value)


def _sequences(where: str, value: Any) -> str | tuple[str, ...] | Mapping[str, tuple[str, ...]]:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {
            _name(where, "sequences", key): _names(where, f"sequences.{key}", cameras)
            for key, cameras in value.items()
        }
    return _names(where, "sequences", value)


def _names(where: str, key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise VcmflowError(f"{where}: {key}: is {value!r}; has to be a list of names")
    names = tuple(_name(where, key, entry) for entry in value)
    double = next((entry for entry in names if names.count(entry) > 1), None)
    if double is not None:
        raise VcmflowError(f"{where}: {key}: {double!r} is named twice")
    return names


def _name(where: str, key: str, value: Any) -> str:
    # YAML reads a bare 0001 or yes as something else than a name.
    if not isinstance(value, str) or not value:
        raise VcmflowError(f"{where}: {key}: {value!r} is not a name; put it in quotes")
    if "\0" in value or value.startswith("/") or ".." in value.split("/"):
        raise VcmflowError(f"{where}: {key}: {value!r} leads out of the dataset's folder")
    return value


def _hint(name: str, known: Mapping[str, object] | frozenset[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
