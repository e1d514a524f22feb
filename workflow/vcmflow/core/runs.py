"""The results of one model on many videos of one method, ``task/<task>/…/<part>.json``.

JSON: ``{"task", "model", "runs": [{"sequence", "point", "results"}]}``, where ``task`` is the kind
of task and ``results`` a list of what was found, empty where nothing was: boxes and masks are an
ordinary COCO results list (``vcmflow.core.detections``). The method stands in the path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, whole_file

SOURCE = "source"  # the method name of the uncompressed frames


@dataclass(frozen=True, order=True)
class Run:
    """Which frames a model ran on: a sequence, and the operating point of its codec.

    Attributes:
        sequence: its id.
        point: as the codec's ladder has it, "22"; empty for the uncompressed frames.
    """

    sequence: str
    point: str = ""

    def __str__(self) -> str:
        return f"{self.sequence} at {self.point}" if self.point else self.sequence


def write_runs(
    path: Path, kind: str, model: str, runs: Iterable[tuple[Run, list[dict[str, Any]]]]
) -> None:
    """Write runs in the order given, one result per line, whole or not at all."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(f'{{"task":{json.dumps(kind)},"model":{json.dumps(model)},"runs":[')
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
            run = Run(entry["sequence"], entry["point"])
            if not isinstance(run.sequence, str) or not isinstance(run.point, str):
                raise TypeError
            if run in runs:
                raise VcmflowError(f"{path}: the run {run} stands there twice")
            results = entry["results"]
            if not isinstance(results, list):
                raise TypeError
            runs[run] = results
    except (TypeError, KeyError, ValueError):
        raise VcmflowError(
            f"{path}: not a file of task results (runs with sequence, point, results)"
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
