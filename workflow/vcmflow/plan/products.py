"""Which tables and figures the grid can fill, from which files, and what they are told.

A product is left out where the grid has not what it compares. What a product is told is as narrow
as it can be, so that another choice makes only those anew that it concerns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcmflow.core.encoding import point_text
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import hint
from vcmflow.figures.registry import FIGURES
from vcmflow.plan.code import version
from vcmflow.plan.grid import Dataset, Method, ladder, sampler_of
from vcmflow.plan.jobs import Plan
from vcmflow.plan.trajectories import Probes
from vcmflow.sample.registry import SAMPLERS
from vcmflow.score.registry import reads
from vcmflow.tables.registry import TABLES

REFERENCES = {
    "3": "data/reference/table3_random_access.csv",
    "4": "data/reference/table4_all_intra.csv",
    "5": "data/reference/table5_detection_by_size.csv",
    "6": "data/reference/table6_segmentation_by_size.csv",
    "7": "data/reference/table7_complexity.csv",
}
STAGES = (
    *("train", "data", "embed", "importance", "track", "sample"),
    *("encode", "reconstruct", "task", "score"),
)


@dataclass(frozen=True)
class Product:
    """A table or a figure.

    Attributes:
        name: of its files.
        plugin: its entry in the registry.
        datasets: what it is made of.
        files: flag -> files that it is told.
        words: what else it is told.
        others: files that it depends on without being told.
    """

    name: str
    plugin: str
    datasets: tuple[str, ...]
    files: Mapping[str, Sequence[str]]
    words: Sequence[str] = ()
    others: Sequence[str] = field(default=())

    @property
    def caption(self) -> str:
        """The caption that it shares with others of its kind."""
        return f"table{self.plugin}" if self.plugin.isdigit() else self.plugin

    @property
    def inputs(self) -> list[str]:
        """All files that it depends on, but for code."""
        return [*(file for files in self.files.values() for file in files), *self.others]

    @property
    def flags(self) -> list[str]:
        """What it is told, as words of a command line."""
        given = [word for flag, files in self.files.items() if files for word in (flag, *files)]
        return [*given, *self.words]


class Products:
    """The tables and figures of a plan.

    Args:
        plan: the experiment.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.settings, self.grid = plan.settings, plan.grid
        self.probes = Probes(plan)
        self.variants = self.probes.variants
        used = [row.embedding for row in self.variants.values()]
        self.trainings = plan.trainings(used)
        self.detection = self._first_with("detection", self.settings.tables.detection)
        self.segmentation = self._first_with("segmentation", self.settings.tables.segmentation)

    # what they have in common

    def _first_with(self, kind: str, named: str | None) -> Dataset | None:
        """The dataset that tables and figures of a kind are made of."""
        there = [dataset for dataset in self.grid.values() if dataset.with_kind(kind)]
        return next((d for d in there if d.name == named), next(iter(there), None))

    def note(self, names: Iterable[str]) -> str:
        """What a product was measured on, for its caption."""
        parts = []
        for name in names:
            dataset = self.grid[name]
            entry = dataset.settings
            kind = "synthetic data" if entry.synthetic else "real data"
            if entry.require_objects:
                kind += ", sequences with objects only"
            parts.append(f"{entry.title or name} ({kind}{self._pseudo(dataset)})")
        return "; ".join(parts)

    @staticmethod
    def _pseudo(dataset: Dataset) -> str:
        """Whether any accuracy is against what the task itself finds."""
        there = {spec.annotations for spec in dataset.sequences.values()}
        wanted = {reads(kind) for kind in dataset.kinds.values()}
        return ", pseudo ground truth" if wanted and not wanted <= there else ""

    def titles(self, datasets: Iterable[Dataset]) -> list[str]:
        """The words for methods and instances, as a flag."""
        words: dict[str, Any] = {}
        for dataset in datasets:
            for method in dataset.methods.values():
                codec = self.settings.encode.codecs[method.codec]
                words[method.codec] = {
                    "title": codec.title or method.codec,
                    "short": codec.short or method.codec,
                    "point": codec.point,
                }
                own = self.settings.methods.get(method.name)
                if own is not None and own.title:
                    words[method.name] = own.title
                rebuild = self.settings.reconstruct.reconstructors[method.reconstructor]
                if rebuild.title:
                    words[method.reconstructor] = rebuild.title
                sampler = sampler_of(self.settings, method.sampler)
                if sampler.title:
                    words[method.sampler] = sampler.title
        return ["--titles", json.dumps(words, sort_keys=True)] if words else []

    def scores(self, *datasets: Dataset) -> dict[str, list[str]]:
        """The tables of scores of datasets."""
        return {"--scores": [f"{self.plan.results}/{d.name}/score/scores.csv" for d in datasets]}

    def _members(self, dataset: Dataset, *roles: str) -> dict[str, list[str]] | None:
        """Role -> its methods, one per codec that all roles have; None where a role has none."""
        names = {role: getattr(self.settings.tables, role) for role in roles}
        if not all(name in dataset.methods for name in names.values()):
            return None
        found = {role: [name] for role, name in names.items()}
        if self.settings.tables.all_intra is not None:
            others = {
                role: dataset.counterpart(name, self.settings.tables.all_intra)
                for role, name in names.items()
            }
            if all(others.values()):
                for role, other in others.items():
                    if other is not None and other not in found[role]:
                        found[role].append(other)
        return found

    def tables_made(self, *names: str) -> list[str]:
        """Those of the named tables that the grid can fill, as CSV."""
        there = [table.name for table in self.tables() if table.name in names]
        return [f"{self.plan.results}/tables/{name}.csv" for name in there]

    # tables

    def tables(self) -> list[Product]:
        """The tables that the grid can fill."""
        every = (
            *(self._difference("3", 0), self._difference("4", 1)),
            *(self._by_size("5", "detection"), self._by_size("6", "segmentation")),
            *(self._costs(), *self._against_all(), *self._losses(), self._frontier_table()),
            *self._bounds(),
            *self._tracks(),
            *(self._compare_table(), self._importance_table(), self._ablation()),
            *(self._accuracy(), self._sanity()),
        )
        return [product for product in every if product is not None]

    def _table(
        self,
        table: str,
        datasets: Sequence[Dataset],
        words: Sequence[str],
        suffix: str = "",
        **files: Sequence[str],
    ) -> Product:
        told: dict[str, Sequence[str]] = dict(self.scores(*datasets))
        told |= {f"--{flag}": paths for flag, paths in files.items()}
        more = [*words, *self.titles(datasets)]
        if table in REFERENCES and self.settings.tables.paper_values:
            told["--reference"] = [REFERENCES[table]]
            more.append("--paper-values")
        name = f"table{table}" if table.isdigit() else f"{table}{suffix}"
        return Product(name, table, tuple(d.name for d in datasets), told, more)

    @property
    def _fit(self) -> list[str]:
        return ["--fit", self.settings.score.interpolation]

    def _difference(self, table: str, which: int) -> Product | None:
        members = self.detection and self._members(self.detection, "anchor", "test")
        if not self.detection or not members or len(members["anchor"]) <= which:
            return None
        words = ["--anchor", members["anchor"][which], "--test", members["test"][which]]
        return self._table(
            table, [self.detection], [*words, *self._task(self.detection, "detection"), *self._fit]
        )

    @staticmethod
    def _task(dataset: Dataset, kind: str) -> list[str]:
        return ["--task", dataset.with_kind(kind)[0]]

    def _by_size(self, table: str, kind: str) -> Product | None:
        dataset = self.detection if kind == "detection" else self.segmentation
        members = dataset and self._members(dataset, "test", "standard")
        if not dataset or not members:
            return None
        words = ["--test", members["test"][0], "--standard", members["standard"][0]]
        return self._table(table, [dataset], [*words, *self._task(dataset, kind)])

    def _costs(self) -> Product | None:
        dataset = self.detection
        members = dataset and self._members(dataset, "anchor", "test", "standard")
        if not dataset or not members:
            return None
        words = [word for role, names in members.items() for word in (f"--{role}", *names)]
        return self._table(
            "7",
            [dataset],
            [*words, *self._task(dataset, "detection"), *self._fit],
            complexity=[self.complexity],
        )

    @property
    def complexity(self) -> str:
        """What choosing frames costs."""
        return f"{self.plan.results}/complexity/complexity.json"

    def _against_all(self) -> list[Product]:
        """One table per dataset, task and codec, named after the task where it is not the first."""
        whole = self.settings.tables.whole
        found = []
        for dataset in self.grid.values():
            if whole is None or whole not in dataset.methods:
                continue
            codecs = dict.fromkeys(method.codec for method in dataset.methods.values())
            anchors = [dataset.counterpart(whole, codec) for codec in codecs]
            for anchor in dict.fromkeys(name for name in anchors if name):
                own = dataset.methods[anchor]
                if not any(
                    (method.codec, method.reconstructor, method.points)
                    == (own.codec, own.reconstructor, own.points)
                    for method in dataset.methods.values()
                    if method.chain != own.chain
                ):
                    continue
                for task in dataset.tasks:
                    words = ["--anchor", anchor, "--task", task, *self._fit]
                    more = [task] if task != dataset.tasks[0] else []
                    name = "_".join(["", dataset.name, anchor, *more])
                    found.append(self._table("against_all", [dataset], words, name))
        return found

    def _losses(self) -> list[Product]:
        """One table per dataset and task with samplers that were coded without loss, too."""
        whole = self.settings.tables.whole
        found = []
        for dataset in self.grid.values():
            codecs = dict.fromkeys(method.codec for method in dataset.methods.values())
            lossless = [name for name in codecs if self.plan.codec(name).lossless]
            if whole is None or whole not in dataset.methods or not lossless:
                continue
            for task in dataset.tasks:
                words = ["--anchor", whole, "--task", task, "--lossless", *lossless]
                more = [task] if task != dataset.tasks[0] else []
                name = "_".join(["", dataset.name, *more])
                found.append(self._table("losses", [dataset], words, name))
        return found

    def _bounds(self) -> list[Product]:
        """One table per dataset and task by which choices are tried."""
        found = []
        for dataset in self.grid.values():
            samplers = [sampler_of(self.settings, name) for name in dataset.samplers]
            for task in dict.fromkeys(sampler.choices for sampler in samplers if sampler.choices):
                folder = f"{self.plan.results}/{dataset.name}/bounds"
                files = [f"{folder}/{sequence}/{task}.csv" for sequence in dataset.sequences]
                found.append(
                    Product(
                        f"bounds_{dataset.name}_{task}",
                        "bounds",
                        (dataset.name,),
                        {"--choices": files},
                        self.titles([dataset]),
                    )
                )
        return found

    def _tracks(self) -> list[Product]:
        """One table per dataset with tracks and boxes of objects to hold them against."""
        found = []
        for dataset in self.grid.values():
            samplers = [sampler_of(self.settings, name).sampler for name in dataset.samplers]
            boxed = all(spec.annotations == "boxes" for spec in dataset.sequences.values())
            if not boxed or not any("tracks" in SAMPLERS[name].needs for name in samplers):
                continue
            folder = f"{self.plan.results}/{dataset.name}"
            files = {
                "--tracks": [f"{folder}/track/{name}.json" for name in dataset.sequences],
                "--truths": [f"{folder}/frames/{name}/truth.json" for name in dataset.sequences],
            }
            name = f"tracks_{dataset.name}"
            found.append(Product(name, "tracks", (dataset.name,), files))
        return found

    def _frontier(self) -> Dataset | None:
        """The dataset of the frontier: the one that is swept, with all frames in it."""
        sweep, whole = self.settings.sample.sweep, self.settings.tables.whole
        dataset = self.grid.get(sweep.dataset) if sweep else None
        return dataset if dataset and dataset.tasks and whole in dataset.methods else None

    def _frontier_table(self) -> Product | None:
        dataset, whole = self._frontier(), self.settings.tables.whole
        if dataset is None or whole is None:
            return None
        return self._table("frontier", [dataset], ["--anchor", whole, "--task", dataset.tasks[0]])

    def _frontier_figure(self) -> Product | None:
        dataset, whole = self._frontier(), self.settings.tables.whole
        if dataset is None or whole is None:
            return None
        words = [*self._curves(dataset), "--whole", whole, "--task", dataset.tasks[0]]
        words += self.titles([dataset])
        return Product("frontier", "frontier", (dataset.name,), self.scores(dataset), words)

    def _compared(self) -> list[Dataset]:
        anchor = self.settings.tables.compare
        return [d for d in self.grid.values() if d.tasks and anchor in d.methods]

    def _compare_table(self) -> Product | None:
        anchor, datasets = self.settings.tables.compare, self._compared()
        if anchor is None or not datasets:
            return None
        return self._table("compare", datasets, ["--anchor", anchor, *self._fit])

    def _importance_pairs(self, dataset: Dataset) -> list[tuple[Method, Method]]:
        """Methods whose codec takes a map, each with the one that differs in having none.

        The anchor may take one, too, at strength 0.
        """
        anchor = self.settings.tables.importance
        pairs = []
        for method in dataset.methods.values():
            drawn = self.settings.encode.codecs[method.codec].importance
            other = dataset.counterpart(method.name, anchor) if anchor and drawn else None
            if other and other != method.name and method.swept is None:
                pairs.append((method, dataset.methods[other]))
        return pairs

    def _importance_table(self) -> Product | None:
        datasets = [d for d in self.grid.values() if d.tasks and self._importance_pairs(d)]
        if not datasets:
            return None
        anchors = (other.name for d in datasets for _, other in self._importance_pairs(d))
        words = ["--anchor", *dict.fromkeys(anchors), *self._fit]
        return self._table("importance", datasets, words)

    def _ablation(self) -> Product | None:
        dataset, names = self.detection, self.settings.tables
        if not dataset or len(self.variants) < 2 or names.anchor not in dataset.methods:
            return None
        files = [f"{self.plan.results}/trajectory/{name}.csv" for name in self.variants]
        words = ["--anchor", names.anchor, "--test", names.test]
        return self._table(
            "ablation",
            [dataset],
            [*words, *self._task(dataset, "detection"), *self._fit],
            trajectories=files,
        )

    def _accuracy(self) -> Product | None:
        datasets = [dataset for dataset in self.grid.values() if dataset.tasks]
        return self._table("accuracy", datasets, []) if datasets else None

    def _sanity(self) -> Product:
        limits = {
            "--min-map": self.settings.tables.min_map,
            "--min-jaccard": self.settings.tables.min_jaccard,
        }
        words = [f"{flag}={value}" for flag, value in limits.items() if value is not None]
        methods = [method for dataset in self.grid.values() for method in dataset.methods.values()]
        codecs = dict.fromkeys(method.codec for method in methods)
        rising = [name for name in codecs if self.plan.codec(name).rising]
        words += ["--rising", *rising] if rising else []
        lossless = [name for name in codecs if self.plan.codec(name).lossless]
        words += ["--lossless", *lossless] if lossless else []
        return self._table("sanity", list(self.grid.values()), words)

    # figures

    def figures(self) -> list[Product]:
        """The figures that the grid can fill."""
        found = [
            self._per_scene("fig4", 0),
            self._per_scene("fig5", 1),
            self._shown("fig6", self.detection, "detection"),
            self._shown("fig7", self.segmentation, "segmentation"),
            self._embeddings(),
        ]
        for dataset in self.grid.values():
            found.append(self._timeline(dataset))
            of_dataset = (dataset.name,)
            titles = self.titles([dataset])
            found.append(
                Product(f"rd_{dataset.name}", "rd", of_dataset, self.scores(dataset), titles)
            )
            if dataset.tasks:
                name = f"rate_scores_{dataset.name}"
                found.append(Product(name, "rate_scores", of_dataset, self.scores(dataset), titles))
        found += [self._compare_figure(), self._importance_figure(), self._features_figure()]
        found.append(self._frontier_figure())
        found += [self._accuracy_m(), self._training(), self._time()]
        return [product for product in found if product is not None]

    def _per_scene(self, figure: str, which: int) -> Product | None:
        dataset = self.detection
        members = dataset and self._members(dataset, "anchor")
        if not dataset or not members or len(members["anchor"]) <= which:
            return None
        anchor = dataset.methods[members["anchor"][which]]
        names = [
            method.name
            for method in dataset.methods.values()
            if method.swept is None
            and (method.codec, method.reconstructor) == (anchor.codec, anchor.reconstructor)
        ]
        words = ["--methods", *names, *self._task(dataset, "detection"), *self.titles([dataset])]
        return Product(figure, figure, (dataset.name,), self.scores(dataset), words)

    def _shown(self, figure: str, dataset: Dataset | None, kind: str) -> Product | None:
        """One frame of a sequence from every method of the tables."""
        if dataset is None:
            return None
        tables = self.settings.tables
        names = dict.fromkeys((tables.anchor, tables.standard, tables.test))
        methods = [dataset.methods[name] for name in names if name in dataset.methods]
        point = next(
            text
            for text in ladder(self.settings, self.settings.methods[tables.anchor].codec)
            if float(text) == self.settings.figures.shown_point
        )
        if not methods or not all(point in method.points for method in methods):
            return None
        key = f"{kind}_sequence"
        named = getattr(self.settings.figures, key)
        sequence = self._choose(key, [named] if named else [], dataset.sequences)[0]
        files = self._frame_files(dataset, kind, sequence, methods, point)
        words = ["--sequence", sequence, "--points", point, "--methods", *(m.name for m in methods)]
        return Product(figure, figure, (dataset.name,), files, [*words, *self.titles([dataset])])

    def _frame_files(
        self, dataset: Dataset, kind: str, sequence: str, methods: Sequence[Method], point: str
    ) -> dict[str, list[str]]:
        """What one frame of a sequence is shown from, as methods deliver it at a point."""
        folder = f"{self.plan.results}/{dataset.name}"
        task, part = dataset.with_kind(kind)[0], dataset.part_of(sequence)
        return {
            "--original": [f"{folder}/frames/{sequence}/frames.mkv"],
            "--source-results": [f"{folder}/task/{task}/source/{part}.json"],
            "--truth": [f"{folder}/frames/{sequence}/truth.json"],
            **self.scores(dataset),
            "--recons": [f"{folder}/shown/{sequence}/{m.chain}/{point}.mkv" for m in methods],
            "--results": [f"{folder}/task/{task}/{m.chain}/{part}.json" for m in methods],
            "--decisions": [f"{folder}/sample/{sequence}/{m.sampler}.json" for m in methods],
        }

    def _importance_figure(self) -> Product | None:
        """One frame, its importance, the QPs that it was coded with, and what is found in it."""
        dataset = self.detection
        if dataset is None:
            return None
        pairs = self._importance_pairs(dataset)
        shown = [point_text(self.settings.figures.shown_point)]
        for method, anchor in pairs:
            sampler = sampler_of(self.settings, method.sampler).sampler
            if not SAMPLERS[sampler].keeps_all or not {*shown} <= {*method.points} & {
                *anchor.points
            }:
                continue
            records = self.plan.records(method.codec, shown)
            if not records:
                continue
            named = self.settings.figures.detection_sequence
            there = dataset.sequences
            sequence = self._choose("detection_sequence", [named] if named else [], there)[0]
            folder = f"{self.plan.results}/{dataset.name}"
            drawn = self.settings.encode.codecs[method.codec].importance
            maps = [
                f"{folder}/importance/{sequence}/{drawn}{end}" for end in (".pixels.npy", ".npy")
            ]
            maps.append(f"{folder}/encode/{sequence}/{method.stream}/{records[0]}")
            files = self._frame_files(dataset, "detection", sequence, [anchor, method], *shown)
            words = ["--sequence", sequence, "--points", *shown]
            words += ["--methods", anchor.name, method.name, *self.titles([dataset])]
            files["--maps"] = maps
            return Product("importance", "importance", (dataset.name,), files, words)
        return None

    def _features_figure(self) -> Product | None:
        """Maps before and after a codec of features, and its bits, where it keeps records."""
        for dataset in self.grid.values():
            for method in dataset.methods.values():
                records = self.plan.codec(method.codec).records
                if not {"maps", "bits"} <= set(records):
                    continue
                named = self.settings.figures.detection_sequence
                given = [named] if named and named in dataset.sequences else []
                sequence = self._choose("detection_sequence", given, dataset.sequences)[0]
                ends = list(dict.fromkeys((method.points[0], method.points[-1])))
                folder = f"{self.plan.results}/{dataset.name}/encode"
                files = self.scores(dataset) | {
                    "--maps": [
                        f"{folder}/{sequence}/{method.stream}/{point}{records['maps']}"
                        for point in ends
                    ],
                    "--bits": [
                        f"{folder}/{name}/{method.stream}/{point}{records['bits']}"
                        for name in dataset.sequences
                        for point in method.points
                    ],
                }
                words = ["--methods", method.name, "--sequence", sequence, "--points", *ends]
                words += self.titles([dataset])
                return Product("features", "features", (dataset.name,), files, words)
        return None

    @staticmethod
    def _choose(key: str, names: Sequence[str], there: Iterable[str], least: int = 1) -> list[str]:
        """Sequences that a figure's setting names, which have to be there; else the first ones."""
        ids = list(there)
        for name in names:
            if name not in ids:
                more = ", …" if len(ids) > 5 else ""
                raise VcmflowError(
                    f"params.yaml: figures.{key}: no sequence has the id {name!r}; there are "
                    f"{', '.join(ids[:5])}{more}{hint(name, ids)}"
                )
        return list(names) or ids[:least]

    def _embeddings(self) -> Product:
        """Three sequences under two or more embeddings."""
        shown, warps = self.settings.figures, self.settings.data.warps
        first = next(iter(self.grid.values()))
        dataset = (self.detection if warps else self.segmentation) or self.detection or first
        there = warps.sequences if warps else list(dataset.sequences)
        named = shown.embedding_sequences or []
        sequences = self._choose("embedding_sequences", named, there, 3)
        files = [
            self.probes.warped(sequence, name)
            if warps
            else f"{self.plan.results}/{dataset.name}/embed/{sequence}/{name}.npy"
            for name in shown.embeddings
            for sequence in sequences
        ]
        words = ["--names", *sequences, "--labels", *shown.embeddings]
        return Product("fig8", "fig8", (dataset.name,), {"--embeddings": files}, words)

    def _timeline(self, dataset: Dataset) -> Product:
        """Decisions, and the embedding behind the proposed method."""
        folder = f"{self.plan.results}/{dataset.name}"
        methods = [m for m in dataset.methods.values() if m.swept is None]
        samplers = list(dict.fromkeys(method.sampler for method in methods))
        files = {
            "--decisions": [
                f"{folder}/sample/{sequence}/{sampler}.json"
                for sequence in dataset.sequences
                for sampler in samplers
            ]
        }
        words = []
        test = dataset.methods.get(self.settings.tables.test)
        embedding = sampler_of(self.settings, test.sampler).embedding if test else None
        if embedding:
            files["--embeddings"] = [
                f"{folder}/embed/{sequence}/{embedding}.npy" for sequence in dataset.sequences
            ]
            words = ["--names", *dataset.sequences]
        return Product(f"timeline_{dataset.name}", "timeline", (dataset.name,), files, words)

    def _compare_figure(self) -> Product | None:
        datasets = self._compared()
        if self.settings.tables.compare is None or not datasets:
            return None
        names = tuple(d.name for d in datasets)
        return Product("compare", "compare", names, self.scores(*datasets), self.titles(datasets))

    def _accuracy_m(self) -> Product | None:
        sweep = self.settings.sample.sweep
        dataset = self.grid.get(sweep.dataset) if sweep else None
        if sweep is None or dataset is None or not dataset.tasks:
            return None
        words = self.sweep_words()
        whole = self._whole(dataset, self.settings.methods[sweep.methods[0]].codec)
        words += ["--whole", whole.name] if whole else []
        words += ["--task", dataset.tasks[0], *self.titles([dataset])]
        return Product("accuracy_m", "accuracy_m", (dataset.name,), self.scores(dataset), words)

    def sweep_words(self) -> list[str]:
        """The methods of each curve of accuracy against m, and the points of its panels."""
        sweep = self.settings.sample.sweep
        if sweep is None or sweep.dataset not in self.grid:
            return []
        points = sweep.points or [self.settings.figures.shown_point]
        words = [point_text(point) for point in points]
        return [*self._curves(self.grid[sweep.dataset]), "--points", *words]

    def _curves(self, dataset: Dataset) -> list[str]:
        """The methods of each curve of the sweep, as a flag."""
        sweep = self.settings.sample.sweep
        if sweep is None:
            return []
        curves = {
            name: [
                member
                for member in (name, *(f"{name}-n{share}" for share in sweep.keep_every))
                if member in dataset.methods
            ]
            for name in sweep.methods
        }
        return ["--curves", json.dumps(curves)]

    def _whole(self, dataset: Dataset, codec: str) -> Method | None:
        """The method that keeps every frame, with a codec."""
        for method in dataset.methods.values():
            sampler = sampler_of(self.settings, method.sampler).sampler
            if method.codec == codec and SAMPLERS[sampler].keeps_all:
                return method
        return None

    def _training(self) -> Product | None:
        if not self.trainings:
            return None
        logs = [self.plan.training_file(name, "log.csv") for name in self.trainings]
        words = ["--names", *self.trainings] if len(self.trainings) > 1 else []
        return Product("training", "training", (), {"--logs": logs}, words)

    def _time(self) -> Product:
        found = self.benchmarks()
        folders = dict.fromkeys((stage, self._folder(path)) for stage, path in found)
        words = ["--benchmarks", *(folder for _, folder in folders)]
        words += ["--names", *(stage for stage, _ in folders)]
        files = [path for _, path in found]
        return Product("time", "time", tuple(self.grid), {}, words, files)

    def _folder(self, benchmark: str) -> str:
        """`.../benchmarks/<dataset>/<rule>` of a benchmark; itself where it has no dataset."""
        return str(Path(*Path(benchmark).parts[: len(Path(self.plan.results).parts) + 3]))

    def benchmarks(self) -> list[tuple[str, str]]:
        """(stage, benchmark file) of every job whose time the figure of times adds up."""
        root = f"{self.plan.results}/benchmarks"
        found = [("train", f"{root}/train/{name}.tsv") for name in self.trainings]
        for name, dataset in self.grid.items():
            folder = f"{root}/{name}"
            for sequence in dataset.sequences:
                place = sequence if dataset.batch == 1 else dataset.part_of(sequence)
                found.append(("data", f"{folder}/import_sequence/{sequence}.tsv"))
                found.append(("score", f"{folder}/score_sequence/{sequence}.tsv"))
                for sampler, codec in dataset.codings():
                    found.append(("encode", f"{folder}/encode/{sequence}/{sampler}/{codec}.tsv"))
                    drawn = self.settings.encode.codecs[codec].importance
                    if drawn:
                        found.append(("importance", f"{folder}/importance/{sequence}/{drawn}.tsv"))
                for chain in dataset.chains():
                    found.append(("reconstruct", f"{folder}/reconstruct/{sequence}/{chain}.tsv"))
                for sampler in dataset.samplers:
                    found.append(("sample", f"{folder}/sample/{sequence}/{sampler}.tsv"))
                    instance = sampler_of(self.settings, sampler)
                    for need in SAMPLERS[instance.sampler].needs:
                        if need == "embedding":
                            file = f"{folder}/embed/{place}/{instance.embedding}.tsv"
                            found.append(("embed", file))
                        if need == "tracks":
                            found.append(("track", f"{folder}/track/{place}.tsv"))
            for task in dataset.tasks:
                for part in dataset.parts():
                    for place in ("source", *dataset.chains()):
                        found.append(("task", f"{folder}/task/{task}/{place}/{part}.tsv"))
        return sorted(dict.fromkeys(found), key=lambda entry: STAGES.index(entry[0]))


def table_code(table: Product) -> str:
    """Version of the modules that a table depends on."""
    return version("vcmflow.tables.command", TABLES[table.plugin])


def figure_code(figure: Product) -> str:
    """Version of the modules that a figure depends on."""
    return version("vcmflow.figures.command", FIGURES[figure.plugin])
