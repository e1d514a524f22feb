"""The grid of the experiment: which sequence meets which method, operating point and task.

Made from the settings alone, before any job runs and without reading any video.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vcmflow.config.models import Dataset as DatasetSettings
from vcmflow.config.models import Method as MethodSettings
from vcmflow.config.models import Sampler, Settings
from vcmflow.core.encoding import point_text
from vcmflow.core.errors import VcmflowError
from vcmflow.data.objects import without_objects
from vcmflow.data.sequences import list_sequences
from vcmflow.data.types import SequenceSpec
from vcmflow.encode.registry import CODECS
from vcmflow.task.registry import TASKS

SOURCE = "source"  # the name of the uncompressed frames where methods are named


@dataclass(frozen=True)
class Method:
    """A chain of instances at the operating points that it is coded at.

    Attributes:
        name: as ``methods`` in params.yaml has it; ``<name>-n<keep_every>`` for a swept one.
        sampler: instance of ``sample.samplers``, or ``<name>-n<keep_every>`` of one.
        codec: instance of ``encode.codecs``.
        reconstructor: instance of ``reconstruct.reconstructors``.
        points: operating points as file names have them, ascending.
        swept: how many frames make one kept frame, for a swept one; None for the others.
    """

    name: str
    sampler: str
    codec: str
    reconstructor: str
    points: tuple[str, ...]
    swept: int | None = None

    @property
    def chain(self) -> str:
        """Where what comes out of the method lies below a folder."""
        return f"{self.sampler}/{self.codec}/{self.reconstructor}"

    @property
    def stream(self) -> str:
        """Where what is sent lies below a folder."""
        return f"{self.sampler}/{self.codec}"


@dataclass(frozen=True)
class Dataset:
    """A dataset of the grid.

    Attributes:
        name: folder name.
        settings: its entry in ``data.datasets``.
        kinds: task -> what is asked (``detection``, ``segmentation``, ...).
        planned: sequence id -> where its frames and ground truth are, of the whole configuration.
        sequences: those of them that are coded: all but those known to have no object.
        methods: what every sequence is coded with, by name, swept ones last.
        batch: sequences that share one loaded model.
    """

    name: str
    settings: DatasetSettings
    kinds: Mapping[str, str]
    planned: Mapping[str, SequenceSpec]
    sequences: Mapping[str, SequenceSpec]
    methods: Mapping[str, Method]
    batch: int = 1

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks that run on the dataset."""
        return list(self.kinds)

    @property
    def samplers(self) -> list[str]:
        """Samplers of the methods, each once, swept ones included."""
        return list(dict.fromkeys(method.sampler for method in self.methods.values()))

    def with_kind(self, kind: str) -> list[str]:
        """The tasks of one kind."""
        return [task for task, found in self.kinds.items() if found == kind]

    def chains(self) -> dict[str, Method]:
        """Chain -> a method that has it; methods that differ in name alone are one."""
        return {method.chain: method for method in self.methods.values()}

    def codings(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """(sampler, codec) -> the points that any of the methods with both asks for."""
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        for method in self.methods.values():
            key = method.sampler, method.codec
            points = {*found.get(key, ()), *method.points}
            found[key] = tuple(sorted(points, key=float))
        return found

    def points(self, sampler: str, codec: str, reconstructor: str) -> tuple[str, ...]:
        """The points at which a chain is asked for."""
        same = [
            method.points
            for method in self.methods.values()
            if method.chain == f"{sampler}/{codec}/{reconstructor}"
        ]
        return tuple(sorted({point for points in same for point in points}, key=float))

    def counterpart(self, method: str, codec: str) -> str | None:
        """The method that differs from another in its codec alone; None where there is none."""
        if method not in self.methods:
            return None
        own = self.methods[method]
        return next(
            (
                other.name
                for other in self.methods.values()
                if other.chain == f"{own.sampler}/{codec}/{own.reconstructor}"
            ),
            None,
        )

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

    def part_of(self, sequence: str) -> str:
        """The batch that a sequence is in."""
        return next(part for part, ids in self.parts().items() if sequence in ids)

    def scenes(self) -> dict[str, list[str]]:
        """Sequence ids by scene, in the order of the sequences."""
        scenes: dict[str, list[str]] = {}
        for name, spec in self.sequences.items():
            scenes.setdefault(spec.scene, []).append(name)
        return scenes


def applicable(settings: Settings, task: str, codec: str) -> bool:
    """Whether a task's model can look at what a codec gives: frames, or features of a space.

    A transfer may take them to a space of the model's.
    """
    instance = settings.task.tasks[task]
    model, entry = TASKS[instance.kind][instance.model], CODECS[settings.encode.codecs[codec].codec]
    if entry.gives == "frames":
        return model.reads != "features"
    return model.reads == "features" or entry.space in {*model.spaces, *(instance.transfers or {})}


def ladder(settings: Settings, codec: str) -> tuple[str, ...]:
    """The operating points of a codec instance, ascending."""
    own = settings.encode.codecs[codec].ladder
    return tuple(point_text(point) for point in (own or settings.encode.ladder))


def sampler_of(settings: Settings, name: str) -> Sampler:
    """A sampler instance; a swept one carries its own ``keep_every``."""
    if name in settings.sample.samplers:
        return settings.sample.samplers[name]
    return swept_samplers(settings)[name]


def swept_samplers(settings: Settings) -> dict[str, Sampler]:
    """The sampler instances that the sweep adds, by name."""
    sweep = settings.sample.sweep
    if sweep is None:
        return {}
    found = {}
    for method in sweep.methods:
        name = settings.methods[method].sampler
        for keep_every in sweep.keep_every:
            sampler = settings.sample.samplers[name].model_copy(update={"keep_every": keep_every})
            found[f"{name}-n{keep_every}"] = sampler
    return found


def keep_every(settings: Settings, dataset: Dataset, sampler: str) -> int:
    """How many frames make one kept frame."""
    return sampler_of(settings, sampler).keep_every or dataset.settings.keep_every


def selection_file(preset: str, dataset: str) -> Path:
    """Where `snakemake selection` writes what it found of a dataset."""
    return Path("results") / preset / dataset / "frames" / "selection.csv"


def build_grid(settings: Settings) -> dict[str, Dataset]:
    """The datasets in use with everything that they are coded with.

    The settings have to be checked (``vcmflow.plan.check``).

    Raises:
        VcmflowError: sequences that cannot be planned; one line.
    """
    grid: dict[str, Dataset] = {}
    for name in settings.data.use:
        entry = settings.data.datasets[name]
        planned = list_sequences(name, entry.model_dump(exclude_unset=True))
        _check_first_masks(settings, name, entry, planned)
        empty = set()
        if entry.require_objects:
            empty = without_objects(selection_file(settings.preset, name), planned)
        sequences = {key: spec for key, spec in planned.items() if key not in empty}
        if not sequences:
            raise VcmflowError(f"dataset {name}: no sequence has an object (require_objects)")
        grid[name] = Dataset(
            name=name,
            settings=entry,
            kinds={task: settings.task.tasks[task].kind for task in entry.tasks},
            planned=planned,
            sequences=sequences,
            methods={method.name: method for method in _methods(settings, name, entry)},
            batch=settings.task.sequences_per_job,
        )
    return grid


def _check_first_masks(
    settings: Settings, name: str, entry: DatasetSettings, planned: Mapping[str, SequenceSpec]
) -> None:
    """Check that there are masks for tasks that go on from those of the first frame."""
    known = {spec.annotations for spec in planned.values()}
    for task in entry.tasks:
        instance = settings.task.tasks[task]
        if TASKS[instance.kind][instance.model].first_masks and known != {"masks"}:
            raise VcmflowError(
                f"params.yaml: data.datasets.{name}.tasks: model {instance.model!r} of task "
                f"{task!r} follows the masks of the first frame, and the dataset has "
                f"{', '.join(sorted(known))}; leave the task out of it"
            )


def _methods(settings: Settings, dataset: str, entry: DatasetSettings) -> Iterable[Method]:
    for name in entry.methods:
        chain = settings.methods[name]
        if _left_out(settings, chain):
            continue
        yield _method(name, chain, chain.sampler, ladder(settings, chain.codec))
    sweep = settings.sample.sweep
    if sweep is None or sweep.dataset != dataset:
        return
    for name in sweep.methods:
        chain = settings.methods[name]
        given = sweep.points or settings.encode.codecs[chain.codec].ladder or settings.encode.ladder
        points = tuple(point_text(point) for point in given)
        for share in sweep.keep_every:
            if share != entry.keep_every:
                sampler = f"{chain.sampler}-n{share}"
                yield _method(f"{name}-n{share}", chain, sampler, points, share)


def _left_out(settings: Settings, chain: MethodSettings) -> bool:
    """Whether a part of the chain is optional, and its weights are not there."""
    parts = (
        settings.encode.codecs[chain.codec],
        settings.reconstruct.reconstructors[chain.reconstructor],
    )
    return any(
        part.optional and part.weights is not None and not Path(part.weights).is_file()
        for part in parts
    )


def _method(
    name: str,
    chain: MethodSettings,
    sampler: str,
    points: tuple[str, ...],
    swept: int | None = None,
) -> Method:
    return Method(name, sampler, chain.codec, chain.reconstructor, points, swept)


def used_embeddings(settings: Settings, grid: Mapping[str, Dataset]) -> list[str]:
    """The embeddings that samplers, codecs and Fig. 8 ask for."""
    names: list[str | None] = []
    for dataset in grid.values():
        for method in dataset.methods.values():
            names.append(sampler_of(settings, method.sampler).embedding)
            names.append(settings.encode.codecs[method.codec].embedding)
    return list(dict.fromkeys(name for name in [*names, *settings.figures.embeddings] if name))


def used_maps(settings: Settings, grid: Mapping[str, Dataset]) -> list[str]:
    """The importance maps that codecs ask for."""
    names = (
        settings.encode.codecs[method.codec].importance
        for dataset in grid.values()
        for method in dataset.methods.values()
    )
    return list(dict.fromkeys(name for name in names if name))
