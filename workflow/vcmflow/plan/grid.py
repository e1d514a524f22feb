"""The grid of the experiment: which sequence meets which sampler, mode and QP.

Made from the settings alone, before any job runs and without reading any video.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.data.objects import without_objects
from vcmflow.data.sequences import SequenceSpec, list_sequences
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.encode.registry import CODECS, QP_RANGES
from vcmflow.plan.settings import Settings
from vcmflow.reconstruct.registry import INTERPOLATORS
from vcmflow.sample.registry import SAMPLERS, Sampler, plan_sampler
from vcmflow.task.registry import DETECTORS, TASKS
from vcmflow.train.registry import TRAINEES
from vcmrender.catalogue import DETECTION_TEST

_SWEPT = re.compile(r"^(?P<sampler>[a-z][a-z0-9_]*)-n(?P<keep_every>[1-9][0-9]*)$")


@dataclass(frozen=True)
class Condition:
    """One coded sequence: a sampler, a mode and the QPs that it is encoded at."""

    sampler: str
    mode: str
    qps: tuple[int, ...]


@dataclass(frozen=True)
class Dataset:
    """A dataset of the grid.

    Attributes:
        name: folder name.
        settings: its entry in ``data.datasets``.
        task: ``detection``, ``segmentation`` or ``none``.
        planned: sequence id -> where its frames and ground truth are, of the whole configuration.
        sequences: those of them that are coded: all but those known to have no object.
        conditions: what every sequence is coded with.
        batch: sequences that share one loaded model.
    """

    name: str
    settings: Mapping[str, Any]
    task: str
    planned: Mapping[str, SequenceSpec]
    sequences: Mapping[str, SequenceSpec]
    conditions: tuple[Condition, ...]
    batch: int = field(default=1)

    @property
    def samplers(self) -> list[str]:
        """Samplers of the conditions, each once, swept ones included, in the order of the grid."""
        return list(dict.fromkeys(condition.sampler for condition in self.conditions))

    def modes(self, sampler: str) -> list[str]:
        """The modes that a sampler is coded in."""
        return [c.mode for c in self.conditions if c.sampler == sampler]

    def qps(self, sampler: str, mode: str) -> tuple[int, ...]:
        """The QPs that a sampler is coded at in a mode."""
        return next(c.qps for c in self.conditions if (c.sampler, c.mode) == (sampler, mode))

    def parts(self) -> dict[str, list[str]]:
        """Sequences in batches that share one loaded model: part id -> sequence ids.

        Ids count the whole configuration, so that a part stays what it is when others lose theirs.
        """
        ids = list(self.planned)
        parts = {
            f"{start // self.batch:03d}": [
                name for name in ids[start : start + self.batch] if name in self.sequences
            ]
            for start in range(0, len(ids), self.batch)
        }
        return {part: names for part, names in parts.items() if names}

    def scenes(self) -> dict[str, list[str]]:
        """Sequence ids by scene, in the order of the sequences."""
        scenes: dict[str, list[str]] = {}
        for name, spec in self.sequences.items():
            scenes.setdefault(spec.scene, []).append(name)
        return scenes


def split_sampler(name: str) -> tuple[str, int | None]:
    """Split a swept name such as ``uniform-n5`` into the sampler and its ``keep_every``."""
    match = _SWEPT.match(name)
    return (match["sampler"], int(match["keep_every"])) if match else (name, None)


def selection_file(preset: str, dataset: str) -> Path:
    """Where `snakemake selection` writes what it found of a dataset."""
    return Path("results") / preset / dataset / "frames" / "selection.csv"


def build_grid(settings: Settings) -> dict[str, Dataset]:
    """The datasets in use with everything that they are coded with.

    Raises:
        VcmflowError: a name that settings refer to does not exist, or a value that contradicts
            another; one line.
    """
    check(settings)
    sample = settings["sample"]
    qps = tuple(settings["encode"]["qps"])
    grid: dict[str, Dataset] = {}
    for name in settings["data"]["use"]:
        dataset = settings["data"]["datasets"][name]
        samplers = dataset.get("samplers") or sample["use"]
        conditions = [
            Condition(sampler, mode, qps) for sampler in samplers for mode in dataset["modes"]
        ]
        sweep = sample.get("sweep")
        if sweep and sweep["dataset"] == name:
            conditions += [
                Condition(f"{sampler}-n{keep_every}", sweep["mode"], (sweep["qp"],))
                for sampler in sweep["samplers"]
                for keep_every in sweep["keep_every"]
                if keep_every != dataset["keep_every"]
            ]
        planned = list_sequences(name, dataset)
        empty = set()
        if dataset.get("require_objects"):
            empty = without_objects(selection_file(settings["preset"], name), planned)
        sequences = {key: spec for key, spec in planned.items() if key not in empty}
        if not sequences:
            raise VcmflowError(f"dataset {name}: no sequence has an object (require_objects)")
        grid[name] = Dataset(
            name=name,
            settings=dataset,
            task=dataset["task"],
            planned=planned,
            sequences=sequences,
            conditions=tuple(conditions),
            batch=settings["task"]["sequences_per_job"],
        )
    return grid


def check(settings: Settings) -> None:
    """Check what a schema cannot: names that refer to each other, and ranges that depend on others.

    Raises:
        VcmflowError: the first problem found, as one line.
    """
    _check_samplers(settings)
    data, sample, encode = settings["data"], settings["sample"], settings["encode"]
    for name in data["use"]:
        _one_of("data.use", name, data["datasets"])
        for sampler in data["datasets"][name].get("samplers") or []:
            _one_of(f"data.datasets.{name}.samplers", sampler, sample["samplers"])
    _one_of("encode.codec", encode["codec"], CODECS)
    low, high = QP_RANGES[encode["codec"]]
    for qp in encode["qps"]:
        if not low <= qp <= high:
            raise VcmflowError(
                f"params.yaml: encode.qps: is {qp}; allowed with {encode['codec']}: {low}..{high}"
            )
    if list(encode["qps"]) != sorted(encode["qps"]):
        raise VcmflowError(f"params.yaml: encode.qps: is {encode['qps']}; has to be ascending")
    _one_of("reconstruct.interpolator", settings["reconstruct"]["interpolator"], INTERPOLATORS)
    for task, registry in TASKS.items():
        _one_of(f"task.{task}.model", settings["task"][task]["model"], registry.models)
    _one_of("track.model", settings["track"]["model"], DETECTORS)
    _check_pretraining(settings)
    for name, embedding in settings["embed"]["embeddings"].items():
        _check_embedding(settings, f"embed.embeddings.{name}", embedding)
    warps = data.get("warps")
    if warps:
        known = [sequence.name for sequence in DETECTION_TEST]
        for name in warps["sequences"]:
            _one_of("data.warps.sequences", name, known)
    for name in settings["figures"]["embeddings"]:
        _one_of("figures.embeddings", name, settings["embed"]["embeddings"])
    _one_of("figures.shown_qp", settings["figures"]["shown_qp"], encode["qps"])


def pretrain_options(settings: Settings, variant: str | None) -> dict[str, Any]:
    """The options of the main training, or of one of its variants laid over them."""
    pretrain = settings["pretrain"]
    return {**pretrain["options"], **(pretrain.get("variants", {})[variant] if variant else {})}


def _check_pretraining(settings: Settings) -> None:
    for variant in (None, *settings["pretrain"].get("variants", {})):
        key = f"pretrain.variants.{variant}" if variant else "pretrain.options"
        try:
            build(TRAINEES, "embedding", "trainee", pretrain_options(settings, variant))
        except VcmflowError as error:
            raise VcmflowError(f"params.yaml: {key}: {error}") from None


def _check_embedding(settings: Settings, key: str, embedding: Mapping[str, Any]) -> None:
    _one_of(f"{key}.embedder", embedding["embedder"], EMBEDDERS)
    variant = embedding.get("pretraining")
    if variant is None:
        return
    if embedding["embedder"] != "learned" or embedding.get("weights"):
        raise VcmflowError(
            f"params.yaml: {key}.pretraining: is {variant!r}; only the embedder 'learned' without "
            "a weights file is trained here"
        )
    _one_of(f"{key}.pretraining", variant, settings["pretrain"].get("variants", {}))


def _check_samplers(settings: Settings) -> None:
    sample = settings["sample"]
    for name in sample["use"]:
        _one_of("sample.use", name, sample["samplers"])
    for name in sample["samplers"]:
        sampler_instance(settings, name)
    for key in ("anchor", "test", "standard"):
        _one_of(f"tables.{key}", settings["tables"][key], sample["samplers"])
    sweep = sample.get("sweep")
    if sweep:
        _one_of("sample.sweep.dataset", sweep["dataset"], settings["data"]["datasets"])
        for name in sweep["samplers"]:
            _one_of("sample.sweep.samplers", name, sample["samplers"])


def sampler_instance(settings: Settings, name: str) -> Sampler:
    """A named sampler (swept or not), its options checked and completed with the defaults.

    Raises:
        VcmflowError: an unknown method, embedding or option.
    """
    plain = split_sampler(name)[0]
    entry = dict(settings["sample"]["samplers"][plain])
    _one_of(f"sample.samplers.{plain}.method", entry["method"], SAMPLERS)
    if "embedding" in entry:
        embeddings = settings["embed"]["embeddings"]
        _one_of(f"sample.samplers.{plain}.embedding", entry["embedding"], embeddings)
        entry["embedding"] = embeddings[entry["embedding"]]["embedder"]
    try:
        return plan_sampler(plain, entry)
    except VcmflowError as error:
        raise VcmflowError(f"params.yaml: sample.samplers: {error}") from None


def _one_of(key: str, value: object, allowed: Mapping[Any, object] | Sequence[object]) -> None:
    if value not in allowed:
        names = ", ".join(str(name) for name in allowed) or "none is defined"
        raise VcmflowError(f"params.yaml: {key}: is {value!r}; allowed: {names}")


def weights_files(settings: Settings, grid: Mapping[str, Dataset]) -> Iterator[tuple[str, Path]]:
    """The weights files that the grid reads and does not make: (key in params.yaml, path)."""
    tasks = {dataset.task for dataset in grid.values()} - {"none"}
    for task in sorted(tasks):
        if settings["task"][task].get("weights"):
            yield f"task.{task}.weights", Path(settings["task"][task]["weights"])
    needs = {
        sampler_instance(settings, sampler).needs
        for dataset in grid.values()
        for sampler in dataset.samplers
    }
    if "tracks" in needs and settings["track"].get("weights"):
        yield "track.weights", Path(settings["track"]["weights"])
    if settings["reconstruct"].get("weights"):
        yield "reconstruct.weights", Path(settings["reconstruct"]["weights"])
    used = {
        settings["sample"]["samplers"][split_sampler(sampler)[0]].get("embedding")
        for dataset in grid.values()
        for sampler in dataset.samplers
    }
    for name, embedding in settings["embed"]["embeddings"].items():
        if embedding.get("weights") and name in {*used, *settings["figures"]["embeddings"]}:
            yield f"embed.embeddings.{name}.weights", Path(embedding["weights"])


def weights_table(path: Path) -> dict[str, str]:
    """The published weights that can be fetched: file name -> name of its row in the table."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["name"] for row in csv.DictReader(file)}
