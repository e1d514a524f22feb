"""The results of many runs of one model in one file, ``task/<sampler>/<part>.json``.

JSON: ``{"task", "model", "runs": [{"sequence", "sampler", "mode", "qp", "results"}]}``, where
``results`` is an ordinary COCO results list (see ``results``), empty where nothing was found. The
uncompressed frames are sampler "source" with an empty mode and qp -1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, whole_file

SOURCE = "source"


@dataclass(frozen=True, order=True)
class Run:
    """Which frames a model ran on: a sequence, and how it was coded (mode "" and qp -1: not)."""

    sequence: str
    sampler: str
    mode: str = ""
    qp: int = -1

    def __str__(self) -> str:
        coded = f"/{self.mode}/qp{self.qp}" if self.mode else ""
        return f"{self.sequence}/{self.sampler}{coded}"


def write_runs(
    path: Path, task: str, model: str, runs: Iterable[tuple[Run, list[dict[str, Any]]]]
) -> None:
    """Write runs in the order given, one detection per line, whole or not at all."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(f'{{"task":{json.dumps(task)},"model":{json.dumps(model)},"runs":[')
        for index, (run, results) in enumerate(runs):
            head = json.dumps(asdict(run), ensure_ascii=False)[:-1]
            lines = ",\n".join(
                json.dumps(result, separators=(",", ":"), allow_nan=False) for result in results
            )
            file.write(f'{"," if index else ""}\n{head}, "results":[\n{lines}\n]}}')
        file.write("\n]}\n")


def read_runs(path: Path) -> Mapping[Run, list[dict[str, Any]]]:
    """Read runs.

    Raises:
        VcmflowError: the file is missing or broken, or a run stands in it twice.
    """
    content = read_json(path)
    runs: dict[Run, list[dict[str, Any]]] = {}
    try:
        for entry in content["runs"]:
            run = Run(
                str(entry["sequence"]), str(entry["sampler"]), str(entry["mode"]), int(entry["qp"])
            )
            if run in runs:
                raise VcmflowError(f"{path}: the run {run} stands there twice")
            results = entry["results"]
            if not isinstance(results, list):
                raise TypeError
            runs[run] = results
    except (TypeError, KeyError, ValueError):
        raise VcmflowError(
            f"{path}: not a file of task results (runs with sequence, sampler, mode, qp, results)"
        ) from None
    return runs


def read_run(path: Path, run: Run) -> list[dict[str, Any]]:
    """Read the results of one run.

    Raises:
        VcmflowError: see `read_runs`, or the run is not in the file.
    """
    runs = read_runs(path)
    if run not in runs:
        raise VcmflowError(f"{path}: no results of {run}")
    return runs[run]
