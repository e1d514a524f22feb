"""Everything that is measured of one sequence under all methods and tasks, and the file for it.

The file (``score/<sequence>.json``) holds what pooling needs: the numbers of each condition, and
per task the evidence of its evaluators (``score.registry``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, whole_file
from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import Method, limits
from vcmflow.core.sequence import Sequence, parse_sequence
from vcmflow.score.inputs import Numbers


@dataclass(frozen=True)
class Condition:
    """How a sequence was coded; the uncompressed frames are method "source" without a point."""

    method: str
    point: str = ""

    def __str__(self) -> str:
        return f"{self.method}/{self.point}" if self.point else self.method


UNCOMPRESSED = Condition(SOURCE)


@dataclass(frozen=True)
class Task:
    """A task of a run: the kind of its results, and whether its ground truth is ``pseudo``."""

    kind: str
    status: str


@dataclass(frozen=True)
class Measured:
    """What is known of a sequence under one condition.

    Attributes:
        numbers: metric -> value, of the whole sequence; none for the uncompressed frames.
        evidence: task -> evaluator -> what it measured.
    """

    numbers: Numbers = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class SequenceScore:
    """One sequence with all its conditions, in the order of the methods and their points."""

    sequence: Sequence
    tasks: Mapping[str, Task]
    methods: Mapping[str, Method]
    conditions: Mapping[Condition, Measured]


def write_score(path: Path, score: SequenceScore) -> None:
    """Write a sequence's scores as JSON, one condition per line."""
    head = {
        "sequence": asdict(score.sequence),
        "tasks": {name: asdict(task) for name, task in score.tasks.items()},
        "methods": [asdict(method) for method in score.methods.values()],
    }
    lines = [
        json.dumps(asdict(key) | asdict(part), separators=(",", ":"), allow_nan=False)
        for key, part in score.conditions.items()
    ]
    text = json.dumps(head, ensure_ascii=False, allow_nan=False)[:-1]
    body = ",\n".join(lines)
    with whole_file(path) as temporary:
        temporary.write_text(f'{text},\n"conditions": [\n{body}\n]}}\n', "utf-8")


def read_score(path: Path) -> SequenceScore:
    """Read what :func:`write_score` wrote.

    Raises:
        VcmflowError: it is missing or something else, a number cannot be, or a condition is there
            twice or lacks a task.
    """
    content: Any = read_json(path)
    try:
        methods = [Method(**entry) for entry in content["methods"]]
        score = SequenceScore(
            parse_sequence(content["sequence"], path),
            {name: Task(**entry) for name, entry in content["tasks"].items()},
            {method.name: method for method in methods},
            {
                Condition(entry["method"], entry["point"]): Measured(
                    {str(name): float(value) for name, value in entry["numbers"].items()},
                    dict(entry["evidence"]),
                )
                for entry in content["conditions"]
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VcmflowError(f"{path}: not the scores of a sequence ({error!r})") from None
    if len(score.conditions) != len(content["conditions"]):
        raise VcmflowError(f"{path}: a condition stands there twice")
    for key, measured in score.conditions.items():
        _check(f"{path}: condition {key}", score, key, measured)
        others = (part for other, part in score.conditions.items() if other.method == key.method)
        if any(part.evidence.keys() != measured.evidence.keys() for part in others):
            raise VcmflowError(f"{path}: condition {key}: other tasks than at other points")
    return score


def _check(where: str, score: SequenceScore, key: Condition, measured: Measured) -> None:
    if key != UNCOMPRESSED and key.method not in score.methods:
        raise VcmflowError(f"{where}: no method has that name")
    # A task is not applicable to a method whose features it cannot go on from.
    there, tasks = set(measured.evidence), set(score.tasks)
    if not there <= tasks or (key == UNCOMPRESSED and there != tasks) or (tasks and not there):
        raise VcmflowError(f"{where}: has not the tasks {', '.join(score.tasks) or 'none'}")
    for name, value in measured.numbers.items():
        low, high = limits(name)
        if not low <= value <= high:
            raise VcmflowError(f"{where}: {name} is {value}; allowed: {low:g}..{high:g}")
