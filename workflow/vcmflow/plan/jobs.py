"""Which files a job of the workflow reads and what it is told: input functions of the rules.

``wildcards`` are Snakemake's, or anything with the same attributes. Words of a command line come as
lists, so that a rule quotes each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcmflow.config.models import Reconstructor, Settings, Task, WeightedInstance
from vcmflow.core.files import record
from vcmflow.core.needs import need_files
from vcmflow.core.registry import Entry, parameters
from vcmflow.data.catalogue import Entry as Download
from vcmflow.data.catalogue import entry_for
from vcmflow.data.registry import LOADERS
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.encode.registry import CODECS, CodecEntry
from vcmflow.importance.registry import MAPS, NETWORKS, PROXY, MapEntry
from vcmflow.plan.code import version
from vcmflow.plan.grid import Dataset, Method, applicable, keep_every, sampler_of, used_maps
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.sample.registry import SAMPLERS
from vcmflow.score.registry import EvaluatorEntry, evaluators_of
from vcmflow.task.registry import DETECTORS, TASKS, TRANSFER, ModelEntry
from vcmflow.track.registry import TRACKERS
from vcmflow.train.registry import TRAINEES

Words = list[str]


@dataclass(frozen=True)
class Coding:
    """Codings that one rule makes: a codec at some of its points, for some samplers.

    Attributes:
        name: as part of a rule's name.
        codec: instance of ``encode.codecs``.
        reconstructor: instance of ``reconstruct.reconstructors``; empty where none is concerned.
        points: operating points.
        samplers: sampler instances.
    """

    name: str
    codec: str
    reconstructor: str
    points: tuple[str, ...]
    samplers: tuple[str, ...]


@dataclass(frozen=True)
class Batch:
    """Sequences that one job takes with one loaded model; a job of one has them as wildcards.

    Attributes:
        name: as the end of a rule's name.
        dataset: its name, or the wildcard.
        place: how its logs are named, `Dataset.parts`, or the wildcard.
        sequences: ids, or the wildcard.
    """

    name: str
    dataset: str
    place: str
    sequences: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The experiment as files.

    Attributes:
        settings: checked.
        grid: the datasets in use.
        gpus: how many GPUs this machine has.
        catalogue: what can be downloaded.
    """

    settings: Settings
    grid: Mapping[str, Dataset]
    gpus: int = 0
    catalogue: Mapping[str, Download] = field(default_factory=dict)

    @property
    def results(self) -> str:
        """The folder of everything that is computed."""
        return f"results/{self.settings.preset}"

    @property
    def data(self) -> str:
        """The folder of everything that is rendered."""
        return f"data/{self.settings.preset}"

    def folder(self, wildcards: Any) -> str:
        """The folder of a dataset's results."""
        return f"{self.results}/{wildcards.dataset}"

    # data

    def loader_code(self, wildcards: Any) -> str:
        """Version of the modules that an import depends on."""
        loader = self.grid[wildcards.dataset].settings.loader
        return version("vcmflow.data.command", LOADERS[loader])

    def dataset_source(self, wildcards: Any) -> str | list[str]:
        """What an import depends on: checksums of rendered files, a download's stamp, or files."""
        dataset = self.grid[wildcards.dataset]
        inputs = dataset.planned[wildcards.sequence].inputs
        if dataset.settings.source == "render":
            return f"{self.data}/{wildcards.dataset}.sha256"
        entry = entry_for(self.catalogue, inputs[0])
        if dataset.settings.source == "download" and entry is not None:
            return f"data/downloads/{entry.name}"
        # A folder outside the table of downloads, a mount for instance, is used as it is.
        return [str(path) for path in inputs]

    def rendered_words(self, wildcards: Any) -> Words:
        """The length of the sequences of a rendered dataset, where it is not the catalogue's."""
        rendered = self.grid[wildcards.dataset].settings.rendered
        if rendered is None:
            return []
        return ["--frames", str(rendered.frames), "--step", str(rendered.step)]

    def rendered_folder(self, wildcards: Any) -> list[str]:
        """The folder of a rendered dataset, so that it is rendered again if someone removes it."""
        rendered = self.grid[wildcards.dataset].settings.source == "render"
        return [f"{self.data}/{wildcards.dataset}"] if rendered else []

    def imported(self, wildcards: Any, file: str) -> list[str]:
        """A file of every sequence of a dataset, those included that are not coded."""
        sequences = self.grid[wildcards.dataset].planned
        return [f"{self.folder(wildcards)}/frames/{name}/{file}" for name in sequences]

    # train, embed, track

    def batches(self) -> list[Batch]:
        """One entry per rule that looks at original frames with a model."""
        if self.settings.task.sequences_per_job == 1:
            return [Batch("", "{dataset}", "{sequence}", ("{sequence}",))]
        return [
            Batch(f"_{name}_{part}", name, part, tuple(sequences))
            for name, dataset in self.grid.items()
            for part, sequences in dataset.parts().items()
        ]

    def training_file(self, training: str, file: str = "weights.safetensors") -> str:
        """A file that a training leaves behind."""
        return f"{self.results}/train/{training}/{file}"

    def training_code(self, wildcards: Any) -> str:
        """Version of the modules that a training depends on."""
        entry = TRAINEES[self.settings.train.trainings[wildcards.training].trainee]
        return version("vcmflow.train.command", entry, Entry(entry.trainee))

    def training_source(self, wildcards: Any) -> list[str]:
        """What a training depends on: checksums of rendered videos, a download's stamp, files."""
        videos = self.settings.train.trainings[wildcards.training].videos
        if videos is None:
            return []
        if videos == "render":
            return [f"{self.data}/videos.sha256"]
        entry = entry_for(self.catalogue, Path(videos))
        there = Path(videos).exists() or entry is None
        return [videos if there or entry is None else f"data/downloads/{entry.name}"]

    def rendered_videos(self, wildcards: Any) -> list[str]:
        """The folder of rendered videos, where a training learns from it."""
        videos = self.settings.train.trainings[wildcards.training].videos
        return [f"{self.data}/videos"] if videos == "render" else []

    def training_videos(self, wildcards: Any) -> Words:
        """The videos of a training as a flag."""
        videos = self.settings.train.trainings[wildcards.training].videos
        return flag("--videos", self.rendered_videos(wildcards) or ([videos] if videos else []))

    def embedding_weights(self, wildcards: Any) -> list[str]:
        """The weights that an embedding reads, if it reads any."""
        return self.weights_of_embedding(wildcards.embedding)

    def training_initial(self, wildcards: Any) -> list[str]:
        """The weights that a training starts from, if it starts from any."""
        initial = self.settings.train.trainings[wildcards.training].initial_weights
        return [initial] if initial else []

    def weights_of_embedding(self, name: str) -> list[str]:
        """The weights that an embedding reads, if it reads any."""
        return self.weights(self.settings.embed.embeddings[name])

    def weights(self, instance: WeightedInstance) -> list[str]:
        """The weights that an instance reads, if it reads any: those of a training, or a file."""
        if instance.training:
            return [self.training_file(instance.training)]
        return [instance.weights] if instance.weights else []

    def embedding_job(self, wildcards: Any) -> str:
        """An embedding and its options."""
        return self.settings.embed.embeddings[wildcards.embedding].job()

    def embedding_code(self, wildcards: Any) -> str:
        """Version of the modules that an embedding depends on."""
        embedder = self.settings.embed.embeddings[wildcards.embedding].embedder
        return version("vcmflow.embed.command", EMBEDDERS[embedder])

    def trainings(self, embeddings: Sequence[str]) -> list[str]:
        """The trainings that embeddings ask for, each once."""
        names = (self.settings.embed.embeddings[name].training for name in embeddings)
        return list(dict.fromkeys(name for name in names if name))

    def model_trainings(self) -> list[str]:
        """The trainings that codecs, reconstructors, tasks, maps and the tracks need."""
        settings = self.settings
        used: list[WeightedInstance] = []
        for dataset in self.grid.values():
            for method in dataset.methods.values():
                used.append(settings.encode.codecs[method.codec])
                used.append(settings.reconstruct.reconstructors[method.reconstructor])
                if "tracks" in SAMPLERS[sampler_of(settings, method.sampler).sampler].needs:
                    used.append(settings.track.detector)
            used += [settings.task.tasks[task] for task in dataset.tasks]
        used += [settings.importance.maps[name] for name in used_maps(settings, self.grid)]
        return list(dict.fromkeys(one.training for one in used if one.training))

    # importance

    def map_code(self, wildcards: Any) -> str:
        """Version of the modules that an importance map depends on."""
        return version("vcmflow.importance.command", *self.map_entries(wildcards))

    def map_entries(self, wildcards: Any) -> list[Entry]:
        """The plug-ins that an importance map is made of."""
        instance = self.settings.importance.maps[wildcards.importance]
        entries: list[Entry] = [MAPS[instance.map]]
        if "network" in parameters(entries[0].builder):
            entries.append(NETWORKS[instance.options.get("network", PROXY)])
        return entries

    def map_weights(self, wildcards: Any) -> list[str]:
        """The weights that an importance map reads, if it reads any."""
        return self.weights(self.settings.importance.maps[wildcards.importance])

    def map_truth(self, wildcards: Any) -> list[str]:
        """The ground truth, for a map that is made of it."""
        if not self._map_entry(wildcards).truth:
            return []
        return [f"{self.folder(wildcards)}/frames/{wildcards.sequence}/truth.json"]

    def map_job(self, wildcards: Any) -> str:
        """An importance map and its options."""
        return self.settings.importance.maps[wildcards.importance].job()

    def map_device(self, wildcards: Any) -> str:
        """Where an importance map is computed."""
        return "auto" if self._map_entry(wildcards).gpu else "cpu"

    def map_gpus(self, wildcards: Any) -> int:
        """GPUs that an importance map asks for."""
        return min(1, self.gpus) if self._map_entry(wildcards).gpu else 0

    def _map_entry(self, wildcards: Any) -> MapEntry:
        return MAPS[self.settings.importance.maps[wildcards.importance].map]

    # bounds

    def bounds_code(self, wildcards: Any) -> str:
        """Version of the modules that the worth of choices depends on."""
        task = self.settings.task.tasks[wildcards.task]
        entries = *self._task_entries(task), RECONSTRUCTORS[self._bounds.reconstructor]
        evaluators = evaluators_of(task.kind).values()
        return version("vcmflow.bounds.command", *entries, *evaluators)

    @property
    def _bounds(self) -> Reconstructor:
        return self.settings.reconstruct.reconstructors[self.settings.bounds.reconstructor]

    def bounds_job(self) -> str:
        """What rebuilds dropped frames, and its options."""
        return self._bounds.job()

    def bounds_weights(self) -> list[str]:
        """The weights that it reads, if it reads any."""
        return self.weights(self._bounds)

    def bounds_decisions(self, wildcards: Any) -> list[str]:
        """Decisions that are placed among the choices: those of as many frames that need none."""
        dataset = self.grid[wildcards.dataset]
        names = [
            name
            for name in dataset.samplers
            for sampler in [sampler_of(self.settings, name)]
            if sampler.keep_every is None
            and sampler.choices is None
            and not SAMPLERS[sampler.sampler].keeps_all
        ]
        folder = f"{self.folder(wildcards)}/sample/{wildcards.sequence}"
        return [f"{folder}/{name}.json" for name in names]

    # sample

    def sampler_code(self, wildcards: Any) -> str:
        """Version of the modules that a choice depends on."""
        sampler = sampler_of(self.settings, wildcards.sampler).sampler
        return version("vcmflow.sample.command", SAMPLERS[sampler])

    def sampler_needs(self, wildcards: Any) -> dict[str, str]:
        """Need -> file of a sampler."""
        instance = sampler_of(self.settings, wildcards.sampler)
        return self._needs(wildcards, SAMPLERS[instance.sampler], instance)

    def sampler_job(self, wildcards: Any) -> str:
        """A sampler and its options."""
        return sampler_of(self.settings, wildcards.sampler).job()

    def keep_every(self, wildcards: Any) -> int:
        """How many frames make one kept frame."""
        return keep_every(self.settings, self.grid[wildcards.dataset], wildcards.sampler)

    def sampler_need_words(self, wildcards: Any) -> Words:
        """The needs of a sampler as flags."""
        return need_words(self.sampler_needs(wildcards))

    def _needs(self, wildcards: Any, entry: Entry, instance: Any) -> dict[str, str]:
        files = need_files(entry.needs, instance.model_dump())
        return {
            need: f"{self.folder(wildcards)}/{file.replace('{sequence}', wildcards.sequence)}"
            for need, file in files.items()
        }

    # encode, reconstruct

    def encodings(self) -> list[Coding]:
        """One entry per rule that encodes."""
        groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for dataset in self.grid.values():
            for (sampler, codec), points in dataset.codings().items():
                groups.setdefault((codec, points), []).append(sampler)
        return [
            Coding(_rule_name(codec, points, groups), codec, "", points, _once(samplers))
            for (codec, points), samplers in groups.items()
        ]

    def reconstructions(self) -> list[Coding]:
        """One entry per rule that reconstructs."""
        groups: dict[tuple[str, tuple[str, ...]], list[Method]] = {}
        for dataset in self.grid.values():
            for method in dataset.methods.values():
                points = dataset.points(method.sampler, method.codec, method.reconstructor)
                key = f"{method.reconstructor}_{method.codec}", points
                groups.setdefault(key, []).append(method)
        return [
            Coding(
                _rule_name(name, points, groups),
                methods[0].codec,
                methods[0].reconstructor,
                points,
                _once([method.sampler for method in methods]),
            )
            for (name, points), methods in groups.items()
        ]

    def codec(self, name: str) -> CodecEntry:
        """What the registry says of a codec instance."""
        return CODECS[self.settings.encode.codecs[name].codec]

    def streams(self, codec: str, points: Sequence[str]) -> list[str]:
        """Names of the streams that a codec instance writes at some points."""
        suffixes = self.codec(codec).streams.values()
        return [f"{point}{suffix}" for point in points for suffix in suffixes]

    def records(self, codec: str, points: Sequence[str]) -> list[str]:
        """Names of the files that it writes beside them, which are not sent."""
        suffixes = self.codec(codec).records.values()
        return [f"{point}{suffix}" for point in points for suffix in suffixes]

    def codec_needs(self, codec: str, wildcards: Any) -> dict[str, str]:
        """Need -> file of a codec instance."""
        return self._needs(wildcards, self.codec(codec), self.settings.encode.codecs[codec])

    def codec_need_words(self, codec: str, wildcards: Any) -> Words:
        """The needs of a codec instance as flags."""
        return need_words(self.codec_needs(codec, wildcards))

    def chain_weights(self, codec: str, reconstructor: str) -> list[str]:
        """The weights that a reconstruction reads: the codec's and the reconstructor's."""
        instances = (
            self.settings.encode.codecs[codec],
            self.settings.reconstruct.reconstructors[reconstructor],
        )
        return [file for instance in instances for file in self.weights(instance)]

    def chain_weight_words(self, codec: str, reconstructor: str) -> Words:
        """The same as flags."""
        return [
            *flag("--codec-weights", self.weights(self.settings.encode.codecs[codec])),
            *flag(
                "--weights", self.weights(self.settings.reconstruct.reconstructors[reconstructor])
            ),
        ]

    def shown_inputs(self, wildcards: Any) -> dict[str, Any]:
        """What one point of one sequence is decoded from."""
        codec, reconstructor = wildcards.codec, wildcards.reconstructor
        folder = f"{self.folder(wildcards)}/encode/{wildcards.sequence}/{wildcards.sampler}/{codec}"
        return {
            "encoded": f"{folder}/encode.json",
            "streams": [f"{folder}/{file}" for file in self.streams(codec, [wildcards.point])],
            "weights": self.chain_weights(codec, reconstructor),
        }

    def encoder_reports(self) -> list[str]:
        """One encode.json per dataset and codec: one run has one encoder of a kind."""
        first: dict[tuple[str, str], str] = {}
        for name, dataset in self.grid.items():
            folder = f"{self.results}/{name}/encode/{next(iter(dataset.sequences))}"
            for sampler, codec in dataset.codings():
                first.setdefault((name, codec), f"{folder}/{sampler}/{codec}/encode.json")
        return list(first.values())

    def suffix(self, codec: str) -> str:
        """How files of what a codec instance decodes to end."""
        return ".mkv" if self.gives_frames(codec) else ".npz"

    def gives_frames(self, codec: str) -> bool:
        """Whether a codec instance gives frames, which can be compared with the originals."""
        return self.codec(codec).gives == "frames"

    def encode_code(self, codec: str) -> str:
        """Version of the modules that an encode depends on."""
        return version("vcmflow.encode.command", self.codec(codec))

    def reconstruct_code(self, codec: str, reconstructor: str) -> str:
        """Version of the modules that a reconstruction depends on."""
        plugin = self.settings.reconstruct.reconstructors[reconstructor].reconstructor
        stages = ["vcmflow.reconstruct.command"]
        if self.gives_frames(codec):
            stages.append("vcmflow.fidelity.command")
        return version(*stages, self.codec(codec), RECONSTRUCTORS[plugin])

    @staticmethod
    def fidelity_words(wildcards: Any, input: Any, output: Any) -> Words:  # noqa: ARG004
        """What compares the reconstructions with the originals, after them in the same job."""
        if not output.fidelity:
            return []
        return [
            *("--then", "fidelity", "--original", input.original, "--decision", input.decision),
            *("--recons", *output.frames),
            *("--points", *(Path(file).stem for file in output.frames), "--out", output.fidelity),
        ]

    def reconstruct_gpus(self, codec: str, reconstructor: str) -> int:
        """GPUs that a reconstruction asks for."""
        plugin = self.settings.reconstruct.reconstructors[reconstructor].reconstructor
        wanted = self.codec(codec).gpu or RECONSTRUCTORS[plugin].gpu
        return min(1, self.gpus) if wanted else 0

    def encode_gpus(self, codec: str) -> int:
        """GPUs that an encode asks for."""
        return min(1, self.gpus) if self.codec(codec).gpu else 0

    # task

    def points(self, wildcards: Any) -> list[str]:
        """The points of a chain."""
        dataset = self.grid[wildcards.dataset]
        return list(dataset.points(wildcards.sampler, wildcards.codec, wildcards.reconstructor))

    def reconstructed(self, wildcards: Any, sequence: str | None = None) -> list[str]:
        """What a chain gives for a sequence, one file per point."""
        suffix = self.suffix(wildcards.codec)
        folder = f"{self.folder(wildcards)}/reconstruct/{sequence or wildcards.sequence}"
        chain = f"{wildcards.sampler}/{wildcards.codec}/{wildcards.reconstructor}"
        return [f"{folder}/{chain}/{point}{suffix}" for point in self.points(wildcards)]

    def task_inputs(self, wildcards: Any) -> list[str]:
        """What a task job of one chain runs on: all points of every sequence of its part."""
        sequences = self.grid[wildcards.dataset].parts()[wildcards.part]
        return [file for name in sequences for file in self.reconstructed(wildcards, name)]

    def task_records(self, wildcards: Any) -> list[str]:
        """The checksums of what a task job runs on: temporary, too, and wanted as long."""
        return [str(record(Path(file))) for file in self.task_inputs(wildcards)]

    def task_runs(self, wildcards: Any) -> list[tuple[str, str]]:
        """(sequence, point) of each of them."""
        sequences = self.grid[wildcards.dataset].parts()[wildcards.part]
        return [(name, point) for name in sequences for point in self.points(wildcards)]

    def task_source_inputs(self, wildcards: Any) -> list[str]:
        """The uncompressed frames of the sequences of a part."""
        sequences = self.grid[wildcards.dataset].parts()[wildcards.part]
        return [f"{self.folder(wildcards)}/frames/{name}/frames.mkv" for name in sequences]

    def task_truths(self, wildcards: Any) -> list[str]:
        """The ground truth of each video of a task job, for a model that follows first masks."""
        if not self._task_entry(wildcards).first_masks:
            return []
        coded = hasattr(wildcards, "codec")
        runs = self.task_runs(wildcards) if coded else self._part(wildcards)
        return [f"{self.folder(wildcards)}/frames/{name}/truth.json" for name, *_ in runs]

    def task_truth_words(self, wildcards: Any) -> Words:
        """The same as a flag."""
        return flag("--truths", self.task_truths(wildcards))

    def _part(self, wildcards: Any) -> list[tuple[str]]:
        """The sequences of a part, one by one."""
        return [(name,) for name in self.grid[wildcards.dataset].parts()[wildcards.part]]

    def task_code(self, wildcards: Any) -> str:
        """Version of the modules that a task's results depend on."""
        task = self.settings.task.tasks[wildcards.task]
        through = [TRANSFER] if self.task_transfer(wildcards) else []
        return version("vcmflow.task.command", *self._task_entries(task), *through)

    @staticmethod
    def _task_entries(task: Task) -> list[Entry]:
        """A task's model, and the detector and the tracker that are options of it."""
        entry = TASKS[task.kind][task.model]
        inner = parameters(entry.builder) | task.options
        registries: dict[str, Mapping[str, Entry]] = {"detector": DETECTORS, "tracker": TRACKERS}
        return [
            entry,
            *(found[inner[key]] for key, found in registries.items() if inner.get(key) in found),
        ]

    def task_transfer(self, wildcards: Any) -> list[str]:
        """The weights of what takes a codec's features to the model, where that is needed."""
        task, codec = self.settings.task.tasks[wildcards.task], getattr(wildcards, "codec", None)
        space = self.codec(codec).space if codec else ""
        given, own = task.transfers or {}, TASKS[task.kind][task.model].spaces
        return [given[space]] if space in given and space not in own else []

    def task_kind(self, wildcards: Any) -> str:
        """What a task asks."""
        return self.settings.task.tasks[wildcards.task].kind

    def task_job(self, wildcards: Any) -> str:
        """A task's model and its options."""
        return self.settings.task.tasks[wildcards.task].job()

    def task_weights(self, wildcards: Any) -> list[str]:
        """The weights of a task's model."""
        return self.weights(self.settings.task.tasks[wildcards.task])

    def task_device(self, wildcards: Any) -> str:
        """Where a task's model runs."""
        return "auto" if self._task_entry(wildcards).gpu else "cpu"

    def task_gpus(self, wildcards: Any) -> int:
        """GPUs that a task job asks for."""
        return min(1, self.gpus) if self._task_entry(wildcards).gpu else 0

    def _task_entry(self, wildcards: Any) -> ModelEntry:
        task = self.settings.task.tasks[wildcards.task]
        return TASKS[task.kind][task.model]

    def track_code(self) -> str:
        """Version of the modules that tracks depend on."""
        track = self.settings.track
        entries = DETECTORS[track.detector.detector], TRACKERS[track.tracker.tracker]
        return version("vcmflow.track.command", *entries)

    @property
    def track_device(self) -> str:
        """Where the detector of the stage track runs."""
        return "auto" if DETECTORS[self.settings.track.detector.detector].gpu else "cpu"

    @property
    def track_gpus(self) -> int:
        """GPUs that tracking asks for."""
        return min(1, self.gpus) if DETECTORS[self.settings.track.detector.detector].gpu else 0

    # score

    def score_code(self, wildcards: Any) -> str:
        """Version of the modules that the scores of a dataset depend on."""
        return version("vcmflow.score.command", *self._evaluators(wildcards).values())

    def evaluator_words(self, wildcards: Any) -> Words:
        """The options of the evaluators of a dataset's tasks, as a flag."""
        given = self.settings.score.evaluators
        options = {name: given[name] for name in self._evaluators(wildcards) if given.get(name)}
        return flag("--evaluators", [json.dumps(options, sort_keys=True)] if options else [])

    def _evaluators(self, wildcards: Any) -> dict[str, EvaluatorEntry]:
        kinds = dict.fromkeys(self.grid[wildcards.dataset].kinds.values())
        return {name: entry for kind in kinds for name, entry in evaluators_of(kind).items()}

    def per_method(self, wildcards: Any, template: str) -> list[str]:
        """A file for every method of a dataset; ``{chain}``, ``{stream}``, ``{sampler}`` in it."""
        methods = self.grid[wildcards.dataset].methods.values()
        return [self._method_file(wildcards, method, template) for method in methods]

    def per_rebuilding(self, wildcards: Any, template: str) -> list[str]:
        """The same for the methods that rebuild frames."""
        methods = self.rebuilding(wildcards.dataset)
        return [self._method_file(wildcards, method, template) for method in methods]

    def _method_file(self, wildcards: Any, method: Method, template: str) -> str:
        file = template.format(
            sequence=wildcards.sequence,
            chain=method.chain,
            stream=method.stream,
            sampler=method.sampler,
        )
        return f"{self.folder(wildcards)}/{file}"

    def method_list(self, wildcards: Any) -> list[dict[str, Any]]:
        """The methods of a dataset as the stage score is told them, in order."""
        return [
            {
                "name": method.name,
                "sampler": method.sampler,
                "codec": method.codec,
                "reconstructor": method.reconstructor,
                "points": list(method.points),
            }
            for method in self.grid[wildcards.dataset].methods.values()
        ]

    def rebuilding(self, dataset: str) -> list[Method]:
        """The methods of a dataset that rebuild frames."""
        methods = self.grid[dataset].methods.values()
        return [method for method in methods if self.gives_frames(method.codec)]

    def task_results(self, wildcards: Any) -> list[tuple[str, str]]:
        """(task/method, file) of every task result that holds runs of a sequence."""
        dataset = self.grid[wildcards.dataset]
        part = dataset.part_of(wildcards.sequence)
        found = []
        for task in dataset.tasks:
            folder = f"{self.folder(wildcards)}/task/{task}"
            found.append((f"{task}/source", f"{folder}/source/{part}.json"))
            found += [
                (f"{task}/{method.name}", f"{folder}/{method.chain}/{part}.json")
                for method in dataset.methods.values()
                if applicable(self.settings, task, method.codec)
            ]
        return found

    def not_applicable(self, wildcards: Any) -> Words:
        """The pairs of a task and a method whose features it cannot go on from, as a flag."""
        dataset = self.grid[wildcards.dataset]
        pairs = [
            f"{task}/{method.name}"
            for task in dataset.tasks
            for method in dataset.methods.values()
            if not applicable(self.settings, task, method.codec)
        ]
        return flag("--not-applicable", pairs)


def need_words(needs: Mapping[str, str]) -> Words:
    """Needs as flags."""
    return [word for name, file in needs.items() for word in ("--need", f"{name}={file}")]


def flag(name: str, files: Sequence[str]) -> Words:
    """A flag with its files, or nothing where there are none."""
    return [name, *files] if files else []


def _once(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _rule_name(
    name: str, points: tuple[str, ...], groups: Mapping[tuple[str, tuple[str, ...]], Any]
) -> str:
    """A rule is named after its points, too, where another differs in them alone."""
    others: Iterator[tuple[str, ...]] = (at for other, at in groups if other == name)
    most = max(others, key=len)
    return name if points == most else f"{name}_{'_'.join(points).replace('.', '_')}"
