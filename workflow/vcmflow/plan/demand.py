"""Memory and run time that jobs ask a cluster for: measured, scaled by frames and their size."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.plan.estimate import (
    Cost,
    Estimate,
    Rules,
    frame_size,
    has_network,
    read_costs,
    seconds_of,
    work_of,
)
from vcmflow.plan.jobs import Plan

MEMORY = Path(__file__).with_name("memory.csv")
COLUMNS = ("work", "model", "megabytes", "per_megapixel", "basis", "source")
# Other machines are slower, and measurements few: what is asked for beyond them.
SPARE_MEMORY, SPARE_TIME = 1.3, 4.0
LEAST_MINUTES = 10
# What the costs do not know, generously.
MINUTES = {"train": 240, "try_choices": 240, "render_warps": 60, "download": 1440}
# Where frames have a size that only the data know.
UNKNOWN_MEGAPIXELS, UNKNOWN_MINUTES = 1920 * 1080 / 1e6, 60

Ask = Callable[..., int]


@dataclass(frozen=True)
class Memory:
    """Peak of a job's processes, in MB (2^20 bytes): ``megabytes + per_megapixel * size``."""

    megabytes: float
    per_megapixel: float


def read_memory(path: Path = MEMORY) -> dict[tuple[str, str], Memory]:
    """(work, model) -> memory; a model of '' stands for those that are not named.

    Raises:
        VcmflowError: a row is wrong; names the line.
    """
    found = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        for row in reader:
            try:
                values = float(row["megabytes"]), float(row["per_megapixel"])
            except (KeyError, TypeError, ValueError):
                raise VcmflowError(f"{path}: line {reader.line_num}: a number is missing") from None
            found[row["work"], row["model"]] = Memory(*values)
    return found


class Demand:
    """What the jobs of every rule ask for.

    Args:
        plan: the experiment.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._rules = Rules(plan)
        self._costs: Mapping[tuple[str, str], Sequence[Cost]] = read_costs()
        self._memory = read_memory()

    def of(self, rule: str) -> dict[str, Ask]:
        """``mem_mb`` and ``runtime`` (in minutes) of a rule's jobs.

        Both are functions of the wildcards and of the attempt: a job that failed is given twice,
        then three times as much, since what it lacked may have been either.
        """

        def memory(wildcards: Any, attempt: int) -> int:
            return self.megabytes(rule, dict(wildcards.items())) * attempt

        def runtime(wildcards: Any, attempt: int) -> int:
            return self.minutes(rule, dict(wildcards.items())) * attempt

        return {"mem_mb": memory, "runtime": runtime}

    def megabytes(self, rule: str, wildcards: Mapping[str, str]) -> int:
        """Memory of a job in MB, with some to spare."""
        stage, given, coding = self._rules.of(rule, wildcards)
        network = has_network(stage, self._plan, coding)
        works = [("job", "network" if network else "")]
        works += [(work, model) for work, model, _ in self._works(rule, wildcards)]
        rows = (self._memory.get(key) or self._memory.get((key[0], "")) for key in works)
        size = self._megapixels(given)
        peak = max(row.megabytes + row.per_megapixel * size for row in rows if row)
        return math.ceil(SPARE_MEMORY * peak / 100) * 100

    def minutes(self, rule: str, wildcards: Mapping[str, str]) -> int:
        """Run time of a job in minutes, with much to spare; on one core where there is no GPU."""
        total = Estimate()
        works = list(self._works(rule, wildcards, total))
        stage, given, _ = self._rules.of(rule, wildcards)
        dataset = self._plan.grid.get(given.get("dataset", ""))
        if dataset is not None and dataset.settings.source == "render":
            return MINUTES.get(stage, LEAST_MINUTES)  # some ten small frames each
        if total.unknown or not all(self._row(work, model) for work, model, _ in works):
            return UNKNOWN_MINUTES
        if not works:
            return MINUTES.get(rule, LEAST_MINUTES)
        seconds = sum(
            seconds_of(self._row(work, model), amounts, gpu=self._plan.gpus > 0)
            for work, model, amounts in works
        )
        return LEAST_MINUTES + math.ceil(SPARE_TIME * seconds / 60)

    def _row(self, work: str, model: str) -> Sequence[Cost]:
        return self._costs.get((work, model)) or self._costs.get((work, "")) or ()

    def _works(
        self, rule: str, wildcards: Mapping[str, str], total: Estimate | None = None
    ) -> Iterator[tuple[str, str, dict[str, float]]]:
        stage, given, coding = self._rules.of(rule, wildcards)
        catalogue = self._plan.catalogue
        yield from work_of(stage, given, self._plan, coding, catalogue, total or Estimate())

    def _megapixels(self, wildcards: Mapping[str, str]) -> float:
        """Size of the largest frames of a job."""
        rendered = self._plan.settings.data.width, self._plan.settings.data.height
        dataset = self._plan.grid.get(wildcards.get("dataset", ""))
        if dataset is None:
            return rendered[0] * rendered[1] / 1e6
        ids = list(dataset.planned)
        if "part" in wildcards:
            ids = dataset.parts()[wildcards["part"]]
        elif "sequence" in wildcards:
            ids = [wildcards["sequence"]]
        sizes = [frame_size(dataset, dataset.planned[name], rendered) for name in ids]
        return max(size[0] * size[1] / 1e6 if size else UNKNOWN_MEGAPIXELS for size in sizes)
