"""What a dry run says of a plan's cost: download, disk, and hours of GPU and of CPU cores.

Made from the jobs that Snakemake plans and from costs.csv: seconds and bytes per megapixel, frame,
picture or job, each with its basis (``benchmarks/costs.py`` measures them again). No data are read:
sizes of frames that are not there yet are those that the datasets publish. Nothing of this decides
anything; it is an estimate.
"""

from __future__ import annotations

import csv
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcmflow.config.models import Training
from vcmflow.core.errors import VcmflowError
from vcmflow.data.catalogue import Entry, entry_for, read_catalogue, total_volume
from vcmflow.data.types import SequenceSpec
from vcmflow.plan.grid import Dataset, sampler_of
from vcmflow.plan.grid import keep_every as share_of
from vcmflow.plan.jobs import Coding, Plan
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.sample.registry import SAMPLERS

COSTS = Path(__file__).with_name("costs.csv")
# fmt: off
COLUMNS = (
    "work", "model", "unit", "cpu_seconds", "gpu_seconds", "without_gpu_seconds", "bytes", "basis",
    "source",
)
# fmt: on
UNITS = ("job", "frame", "megapixel", "picture")
# From the surest on: timed by benchmarks/costs.py; stated by the authors of the software or data;
# counted operations over the speed of a named GPU; none of these.
BASES = ("measured", "published", "derived", "guessed")
# Rules whose jobs load PyTorch before they start; reconstruct with a network, too.
NETWORK_RULES = frozenset(
    {
        *("embed", "embed_warps", "trajectory", "importance_map", "track", "train"),
        *("task", "task_source", "complexity", "try_choices"),
        "fetch_weights",  # which are tried
    }
)
# Width and height in px as the datasets publish them.
OSDAR23_SIZE, OSDAR23_HIGHRES_SIZE, DAVIS_SIZE = (2464, 1600), (4112, 2504), (854, 480)
# Videos of an entry of data/datasets.csv, for pretraining.
VIDEOS = {"kinetics400-train": 240_258, "kinetics400-val": 19_881}

Planned = tuple[str, Mapping[str, str]]
Work = Iterator[tuple[str, str, dict[str, float]]]


@dataclass(frozen=True)
class Cost:
    """One row of costs.csv: of one unit of a kind of work with a model ('' for any).

    The rows of one work and model add up.

    Attributes:
        unit: one of `UNITS`.
        cpu_seconds: seconds of one CPU core.
        gpu_seconds: seconds of one GPU.
        bytes: written to disk, to stay there.
        without_gpu_seconds: seconds of one CPU core instead of ``gpu_seconds``, without a GPU.
        basis: one of `BASES`.
    """

    unit: str
    cpu_seconds: float
    gpu_seconds: float
    bytes: float
    without_gpu_seconds: float = 0.0
    basis: str = "guessed"


@dataclass
class Estimate:
    """What the planned jobs cost.

    Attributes:
        jobs: how many there are.
        download: bytes to fetch.
        unsized: downloads of unknown size.
        results: bytes that the jobs leave on disk, without downloads.
        largest: bytes of the largest download; an archive lies beside its content while it is
            unpacked.
        temporary: bytes of the reconstructed videos of the largest single task job.
        cpu_seconds: of one core.
        gpu_seconds: of one GPU.
        without_gpu_seconds: of one core, more than ``cpu_seconds``, instead of ``gpu_seconds``.
        by_work: kind of work -> (CPU seconds, GPU seconds).
        by_basis: where the numbers come from -> (CPU seconds, GPU seconds).
        unknown: kinds of work, or datasets, that the estimate leaves out.
    """

    jobs: int = 0
    download: int = 0
    unsized: int = 0
    largest: int = 0
    results: float = 0.0
    temporary: float = 0.0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    without_gpu_seconds: float = 0.0
    by_work: dict[str, tuple[float, float]] = field(default_factory=dict)
    by_basis: dict[str, tuple[float, float]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def lines(self) -> list[str]:
        """The estimate as text, one statement a line."""
        unsized = f", and {self.unsized} of unknown size" if self.unsized else ""
        text = [
            f"Estimate for {self.jobs} jobs, from workflow/vcmflow/plan/costs.csv, no measurement "
            "of this machine:",
            f"  download   {_size(self.download)}{unsized}",
            f"  disk       {_size(self.download + self.results)}: downloads, frames and streams; "
            f"and for a while {_size(self.largest)} for an archive beside its content, "
            f"{_size(self.temporary)} for the raw video of each task job under way",
            f"  CPU        {_hours(self.cpu_seconds)} of one core{self._bases(0)}",
            f"  GPU        {_hours(self.gpu_seconds)} of one GPU{self._bases(1)}",
        ]
        if self.without_gpu_seconds:
            text.append(
                f"  no GPU     {_hours(self.without_gpu_seconds)} of one core more, in its place"
            )
        most = sorted(self.by_work.items(), key=lambda item: -sum(item[1]))[:6]
        shares = (
            f"{work} {_hours(cpu)} CPU" + (f" + {_hours(gpu)} GPU" if gpu else "")
            for work, (cpu, gpu) in most
        )
        text.append(f"  mostly     {', '.join(shares)}")
        if self.unknown:
            text.append(f"  left out   {', '.join(sorted(self.unknown))}")
        return text

    def _bases(self, which: int) -> str:
        """How much of the CPU (0) or GPU (1) time rests on what."""
        parts = [
            f"{_hours(self.by_basis[basis][which])} {basis}"
            for basis in BASES
            if self.by_basis.get(basis, (0.0, 0.0))[which]
        ]
        return f": {', '.join(parts)}" if parts else ""


def read_costs(path: Path = COSTS) -> dict[tuple[str, str], list[Cost]]:
    """(kind of work, model) -> costs.

    Raises:
        VcmflowError: a row is wrong; names the line.
    """
    found: dict[tuple[str, str], list[Cost]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise VcmflowError(f"{path}: columns have to be {', '.join(COLUMNS)}")
            for row in reader:
                cost = _cost(f"{path}: line {reader.line_num}", row)
                found[row["work"], row["model"]].append(cost)
    except (csv.Error, UnicodeDecodeError) as error:
        raise VcmflowError(f"{path}: not a CSV file in UTF-8 ({error})") from None
    return found


def _cost(where: str, row: Mapping[str, str]) -> Cost:
    try:
        cpu, gpu, without, size = (float(row[key]) for key in COLUMNS[3:7])
    except (TypeError, ValueError):
        raise VcmflowError(f"{where}: a number is missing") from None
    for key, allowed in (("unit", UNITS), ("basis", BASES)):
        if row[key] not in allowed:
            raise VcmflowError(f"{where}: {key} is {row[key]!r}; allowed: {', '.join(allowed)}")
    if not all(0 <= value < math.inf for value in (cpu, gpu, without, size)):
        raise VcmflowError(f"{where}: a number is below 0 or not finite")
    return Cost(row["unit"], cpu, gpu, size, without, row["basis"])


class Rules:
    """What the rules are that the plan makes one of per codec, reconstructor or batch.

    Args:
        plan: the experiment.
    """

    def __init__(self, plan: Plan) -> None:
        self._codings = {f"encode_{coding.name}": coding for coding in plan.encodings()}
        self._codings |= {f"reconstruct_{one.name}": one for one in plan.reconstructions()}
        self._batches = {
            f"{stage}{batch.name}": (stage, {"dataset": batch.dataset, "part": batch.place})
            for batch in plan.batches()
            if batch.name
            for stage in ("embed", "track")
        }

    def of(
        self, rule: str, wildcards: Mapping[str, str]
    ) -> tuple[str, Mapping[str, str], Coding | None]:
        """The rule without its batch, wildcards with it, and what it codes or rebuilds."""
        stage, constant = self._batches.get(rule, (rule, {}))
        return stage, {**wildcards, **constant}, self._codings.get(rule)


def estimate(
    jobs: Iterable[Planned],
    plan: Plan,
    catalogue: Mapping[str, Entry],
    weights: Mapping[str, Entry],
    costs: Mapping[tuple[str, str], Sequence[Cost]],
    data: Path = Path("data"),
) -> Estimate:
    """Add up what jobs cost.

    Args:
        jobs: (rule, wildcards) of every job to run.
        plan: the experiment.
        catalogue: downloads by name.
        weights: published weights by file name.
        costs: as `read_costs` returns them.
        data: the folder that the catalogue's folders are below; what is there is not fetched.
    """
    total = Estimate()
    fetched: list[Entry] = []
    rules = Rules(plan)
    for name, given in jobs:
        rule, wildcards, coding = rules.of(name, given)
        total.jobs += 1
        if rule == "download":
            entry = catalogue[wildcards["entry"]]
            if not (data / (entry.folder or "")).is_dir():
                fetched.append(entry)
        elif rule == "fetch_weights":
            fetched.append(weights[wildcards["file"]])
        network = has_network(rule, plan, coding)
        _add(total, costs, "job", "network" if network else "", {"job": 1.0})
        for work, model, amounts in work_of(rule, wildcards, plan, coding, catalogue, total):
            _add(total, costs, work, model, amounts)
    # Reconstructions are stored as the frames are.
    stored = (row.bytes for row in costs.get(("frames", ""), ()) if row.unit == "megapixel")
    total.temporary *= sum(stored)
    total.download, total.unsized = total_volume(fetched)
    total.largest = max(
        (entry.volume or 0 for entry in fetched if entry.format != "tar-list"), default=0
    )
    return total


def has_network(rule: str, plan: Plan, coding: Coding | None) -> bool:
    """Whether a job of a rule loads PyTorch."""
    if coding is None:
        return rule in NETWORK_RULES
    codec = plan.codec(coding.codec)
    if codec.gpu or codec.network or not coding.reconstructor:
        return codec.gpu or codec.network
    return RECONSTRUCTORS[_reconstructor(plan, coding)].gpu


def _reconstructor(plan: Plan, coding: Coding) -> str:
    return plan.settings.reconstruct.reconstructors[coding.reconstructor].reconstructor


def print_estimate(workflow: Any, plan: Plan, weights: Path) -> None:
    """Say on standard error what the jobs of a dry run cost; called when they are known.

    Args:
        workflow: Snakemake's.
        plan: the experiment.
        weights: the table of published weights.
    """
    if not workflow.dryrun or getattr(workflow, "dag", None) is None:
        return
    planned = workflow.dag.needrun_jobs(exclude_finished=False)
    jobs = [(job.rule.name, dict(job.wildcards_dict)) for job in planned]
    published = {entry.file: entry for entry in read_catalogue(weights).values()}
    found = estimate(jobs, plan, plan.catalogue, published, read_costs())
    print("", *found.lines(), sep="\n", file=sys.stderr)


def frame_size(
    dataset: Dataset, spec: SequenceSpec, rendered: tuple[int, int]
) -> tuple[int, int] | None:
    """Width and height in px at which a sequence is worked on; None where only the data know."""
    if dataset.settings.network_input is not None:
        width = height = dataset.settings.network_input.crop
    elif dataset.settings.source == "render":
        width, height = rendered
        width = height if spec.loader == "classes" else width
    elif spec.loader == "osdar23":
        highres = spec.camera is not None and "highres" in spec.camera
        width, height = OSDAR23_HIGHRES_SIZE if highres else OSDAR23_SIZE
    elif spec.loader == "davis" and dataset.settings.resolution in (None, "480p"):
        width, height = DAVIS_SIZE
    else:
        return None
    if spec.height is not None:
        width, height = max(1, round(width * spec.height / height)), spec.height
    return width, height


def _add(
    total: Estimate,
    costs: Mapping[tuple[str, str], Sequence[Cost]],
    work: str,
    model: str,
    amounts: Mapping[str, float],
) -> None:
    rows = costs.get((work, model)) or costs.get((work, ""))
    if rows is None:
        total.unknown.add(f"{work} with {model}")
        return
    for row in rows:
        amount = amounts.get(row.unit, 0.0)
        for shares, key in ((total.by_work, work), (total.by_basis, row.basis)):
            cpu, gpu = shares.get(key, (0.0, 0.0))
            shares[key] = (cpu + amount * row.cpu_seconds, gpu + amount * row.gpu_seconds)
        total.cpu_seconds += amount * row.cpu_seconds
        total.gpu_seconds += amount * row.gpu_seconds
        total.without_gpu_seconds += amount * row.without_gpu_seconds
        total.results += amount * row.bytes


def seconds_of(rows: Iterable[Cost], amounts: Mapping[str, float], *, gpu: bool) -> float:
    """Seconds that an amount of work takes with one core and, where there is one, a GPU."""
    return sum(
        amounts.get(row.unit, 0.0)
        * (row.cpu_seconds + (row.gpu_seconds if gpu else row.without_gpu_seconds))
        for row in rows
    )


def work_of(
    rule: str,
    wildcards: Mapping[str, str],
    plan: Plan,
    coding: Coding | None,
    catalogue: Mapping[str, Entry],
    total: Estimate,
) -> Work:
    """(kind of work, model, amounts by unit) of a job."""
    if rule == "train":
        training = plan.settings.train.trainings[wildcards["training"]]
        if training.trainee == "embedding":
            pictures = _pretraining_pictures(training, catalogue, total)
            yield "pretrain", "", {"picture": pictures}
        return
    dataset = plan.grid.get(wildcards.get("dataset", ""))
    if dataset is None:
        return
    if "part" in wildcards:
        ids = dataset.parts()[wildcards["part"]]
    else:
        ids = [wildcards["sequence"]] if "sequence" in wildcards else []
    rendered = (plan.settings.data.width, plan.settings.data.height)
    temporary = 0.0
    for identifier in ids:
        spec = dataset.planned[identifier]
        size = frame_size(dataset, spec, rendered)
        n = spec.frames or spec.length
        if n is None or size is None:
            total.unknown.add(f"dataset {dataset.name}, where sizes or lengths are not known")
            continue
        area = size[0] * size[1] / 1e6
        yield from _sequence_work(rule, wildcards, plan, coding, dataset, n, area)
        if rule == "task":
            temporary += _runs(dataset, wildcards) * n * area
    total.temporary = max(total.temporary, temporary)


def _sequence_work(
    rule: str,
    wildcards: Mapping[str, str],
    plan: Plan,
    coding: Coding | None,
    dataset: Dataset,
    n: int,
    area: float,
) -> Work:
    def amounts(frames: float) -> dict[str, float]:
        return {"frame": frames, "megapixel": frames * area}

    settings = plan.settings
    if rule == "import_sequence":
        yield "frames", "", amounts(n)
    elif rule == "embed":
        yield "embed", settings.embed.embeddings[wildcards["embedding"]].embedder, amounts(n)
    elif rule == "importance_map":
        yield "importance", settings.importance.maps[wildcards["importance"]].map, amounts(n)
    elif rule == "track":
        yield "track", settings.track.detector.detector, amounts(n)
    elif rule == "task_source":
        yield "task", settings.task.tasks[wildcards["task"]].model, amounts(n)
    elif rule == "task":
        model = settings.task.tasks[wildcards["task"]].model
        yield "task", model, amounts(n * _runs(dataset, wildcards))
    elif coding is not None:
        m = _kept(plan, dataset, wildcards["sampler"], n)
        points = len(coding.points)
        if not coding.reconstructor:
            codec = settings.encode.codecs[coding.codec]
            words = (codec.codec, *(codec.options.get(key) for key in ("preset", "structure")))
            yield "encode", " ".join(str(word) for word in words if word), amounts(m * points)
        else:
            yield "decode", "", amounts(n * points)
            if n > m:
                yield "interpolate", _reconstructor(plan, coding), amounts((n - m) * points)
            if plan.gives_frames(coding.codec):
                yield "fidelity", "", amounts(n * points)


def _runs(dataset: Dataset, wildcards: Mapping[str, str]) -> int:
    chain = (wildcards[key] for key in ("sampler", "codec", "reconstructor"))
    return len(dataset.points(*chain))


def _kept(plan: Plan, dataset: Dataset, sampler: str, n: int) -> int:
    if SAMPLERS[sampler_of(plan.settings, sampler).sampler].keeps_all:
        return n
    return min(n, n // share_of(plan.settings, dataset, sampler) + 1)


def _pretraining_pictures(
    training: Training, catalogue: Mapping[str, Entry], total: Estimate
) -> float:
    """Pictures that a training sees; its counts default as in vcmflow.train.embedding."""
    options = training.options
    pairs, negatives = options.get("pairs", 64), options.get("negatives", 128)
    steps = options.get("steps")
    if steps is None:
        folder = Path(training.videos or "")
        entry = entry_for(catalogue, folder)
        videos = VIDEOS.get(entry.name) if entry else None
        if videos is None:
            total.unknown.add(f"pretraining on {folder}")
            return 0.0
        steps = options.get("epochs", 100) * videos / pairs
    return float(steps * (2 * pairs + negatives))


def _size(value: float) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value / 1e3:.3g} kB" if value else "nothing"


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return (
        f"{hours:.0f} h"
        if hours >= 10
        else f"{hours:.1f} h"
        if hours >= 0.1
        else f"{hours * 60:.0f} min"
    )
