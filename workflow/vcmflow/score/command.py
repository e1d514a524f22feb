"""``vcmflow stage score``: score one sequence, or pool the scores of a dataset into one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build, find
from vcmflow.core.runs import Run, read_runs
from vcmflow.core.scores import PSEUDO, Method, write_scores
from vcmflow.core.sequence import Sequence as Video
from vcmflow.core.sequence import read_sequence
from vcmflow.score.inputs import Numbers, read_fidelity, read_sent, read_side, read_times
from vcmflow.score.pool import pool
from vcmflow.score.registry import EVALUATORS, evaluators_of, reads
from vcmflow.score.sequence import (
    UNCOMPRESSED,
    Condition,
    Measured,
    SequenceScore,
    Task,
    read_score,
    write_score,
)


@dataclass(frozen=True)
class Planned:
    """A method, and the operating points at which a sequence was coded by it."""

    method: Method
    points: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two steps and their flags."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="step")
    one = steps.add_parser("sequence", help="score one sequence under all methods and tasks")
    one.add_argument("--sequence", type=Path, required=True, help="its sequence.json")
    one.add_argument("--truth", type=Path, help="its COCO ground truth, truth.json")
    one.add_argument(
        "--methods",
        default="[]",
        metavar="JSON",
        help="list of {name, sampler, codec, reconstructor, points: [text, ...]}",
    )
    for flag, text in (
        ("decisions", "sampling decision of each method, in their order"),
        ("gaps", "metadata file of each method"),
        ("encodes", "encode.json of each method; several may share a file"),
    ):
        _files(one, flag, text)
    for flag, text in (
        ("fidelity", "tables of fidelity, of methods that rebuild frames"),
        ("times", "times.json beside the reconstructions"),
    ):
        _files(one, flag, text)
        one.add_argument(
            f"--{flag}-of", nargs="*", default=[], metavar="METHOD", help="the method of each"
        )
    one.add_argument(
        "--tasks",
        default="{}",
        metavar="JSON",
        help="task -> its kind",
    )
    one.add_argument(
        "--evaluators", default="{}", metavar="JSON", help="evaluator -> its options, if any"
    )
    _files(one, "results", "task results; those of other sequences are passed over")
    one.add_argument(
        "--results-of",
        nargs="*",
        default=[],
        metavar="TASK/METHOD",
        help=f"of each: its task and method, {UNCOMPRESSED} for the uncompressed frames",
    )
    one.add_argument(
        "--not-applicable",
        nargs="*",
        default=[],
        metavar="TASK/METHOD",
        help="pairs without results: what the method gives is nothing that the task can look at",
    )
    one.add_argument("--out", type=Path, required=True, help="scores of the sequence (.json)")

    every = steps.add_parser("pool", help="one table of scores of a dataset")
    every.add_argument(
        "--scores", type=Path, nargs="+", required=True, help="scores of a dataset's sequences"
    )
    every.add_argument(
        "--require-objects",
        action="store_true",
        help="leave sequences without an object that counts out",
    )
    every.add_argument("--scores-out", type=Path, required=True, help="the table (.csv)")


def _files(parser: argparse.ArgumentParser, flag: str, text: str) -> None:
    parser.add_argument(f"--{flag}", type=Path, nargs="*", default=[], metavar="FILE", help=text)


def run(args: argparse.Namespace) -> None:
    """Run one of the two steps."""
    if args.step == "sequence":
        write_score(args.out, score_sequence(args))
    else:
        run_pool(args)


def score_sequence(args: argparse.Namespace) -> SequenceScore:
    """Score one sequence.

    Raises:
        VcmflowError: a file is broken, or something was not given, or given twice.
    """
    video = read_sequence(args.sequence)
    planned = parse_methods(args.methods)
    kinds = parse_tasks(args.tasks)
    options = parse_evaluators(args.evaluators)
    coded = _coded(args, video, planned)
    results = _results(args, video, kinds, [*coded])
    evidence: dict[Condition, dict[str, Any]] = {key: {} for key in (UNCOMPRESSED, *coded)}
    tasks = {}
    for name, kind in kinds.items():
        pseudo = video.annotations != reads(kind)
        tasks[name] = Task(kind, PSEUDO if pseudo else "")
        given = {
            "sequence": video,
            "truth": args.truth,
            "source": results[name, UNCOMPRESSED][1] if pseudo else None,
        }
        evaluators = {
            plugin: build(EVALUATORS, plugin, "evaluator", options.get(plugin, {}), **given)
            for plugin in evaluators_of(kind)
        }
        for key in evidence:
            if f"{name}/{key.method}" in args.not_applicable:
                continue
            path, found = results[name, key]
            where = f"{path}: {Run(video.id, key.point)}"
            evidence[key][name] = {
                plugin: evaluator.measure(found, where) for plugin, evaluator in evaluators.items()
            }
    return SequenceScore(
        video,
        tasks,
        {plan.method.name: plan.method for plan in planned},
        {
            key: Measured(coded.get(key, {}), found)
            for key, found in evidence.items()
            if found or key in coded
        },
    )


def parse_methods(text: str) -> list[Planned]:
    """Read ``--methods``.

    Raises:
        VcmflowError: something else than what its help says, or a name twice.
    """
    value = _json("--methods", text)
    try:
        planned = [
            Planned(
                Method(entry["name"], entry["sampler"], entry["codec"], entry["reconstructor"]),
                tuple(str(point) for point in entry["points"]),
            )
            for entry in value
        ]
    except (KeyError, TypeError):
        raise VcmflowError(
            f"--methods {text!r}; wanted: a list of mappings with name, sampler, codec, "
            "reconstructor and points"
        ) from None
    names = [plan.method.name for plan in planned]
    for name in names:
        if names.count(name) > 1 or name == UNCOMPRESSED.method:
            raise VcmflowError(f"--methods: {name!r} is given twice, or is no method's name")
    return planned


def parse_tasks(text: str) -> dict[str, str]:
    """Read ``--tasks``: task -> kind.

    Raises:
        VcmflowError: something else than what its help says, or an unknown kind.
    """
    value = _json("--tasks", text)
    if not isinstance(value, dict):
        raise VcmflowError(f"--tasks {text!r}; wanted: a mapping from tasks to their kinds")
    for kind in value.values():
        evaluators_of(kind)
    return value


def parse_evaluators(text: str) -> dict[str, dict[str, Any]]:
    """Read ``--evaluators``: evaluator -> its options.

    Raises:
        VcmflowError: something else than what its help says, or an unknown evaluator.
    """
    value = _json("--evaluators", text)
    if not isinstance(value, dict) or not all(isinstance(part, dict) for part in value.values()):
        raise VcmflowError(f"--evaluators {text!r}; wanted: a mapping from evaluators to options")
    for name in value:
        find(EVALUATORS, name, "evaluator")
    return value


def _json(flag: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise VcmflowError(f"{flag}: not JSON ({error})") from None


def _coded(
    args: argparse.Namespace, video: Video, planned: Sequence[Planned]
) -> dict[Condition, Numbers]:
    """What was sent under each condition, and what became of it."""
    for flag in ("decisions", "gaps", "encodes"):
        _same_length(f"--{flag}", getattr(args, flag), "--methods", planned)
    names = [plan.method.name for plan in planned]
    given = {flag: _by_name(args, flag, names) for flag in ("fidelity", "times")}
    coded: dict[Condition, Numbers] = {}
    for plan, decision, gaps, encode in zip(
        planned, args.decisions, args.gaps, args.encodes, strict=True
    ):
        name = plan.method.name
        side = read_side(decision, gaps, video)
        parts: list[tuple[Path, Mapping[str, Numbers]]] = [(encode, read_sent(encode, side["m"]))]
        if name in given["fidelity"]:
            path = given["fidelity"][name]
            parts.append((path, read_fidelity(path, video, side["m"])))
        if name in given["times"]:
            parts.append((given["times"][name], read_times(given["times"][name])))
        for point in plan.points:
            numbers = dict(side)
            for path, found in parts:
                if point not in found:
                    raise VcmflowError(
                        f"{path}: nothing of point {point!r} of method {name!r}; there are "
                        f"{', '.join(found) or 'none'}"
                    )
                numbers |= found[point]
            coded[Condition(name, point)] = numbers
    return coded


def _by_name(args: argparse.Namespace, flag: str, names: Sequence[str]) -> dict[str, Path]:
    paths, owners = getattr(args, flag), getattr(args, f"{flag}_of")
    _same_length(f"--{flag}-of", owners, f"--{flag}", paths)
    for name in owners:
        if name not in names:
            raise VcmflowError(f"--{flag}-of {name!r}; allowed: {', '.join(names) or 'none'}")
    return dict(zip(owners, paths, strict=True))


def _results(
    args: argparse.Namespace,
    video: Video,
    tasks: Mapping[str, object],
    conditions: Sequence[Condition],
) -> dict[tuple[str, Condition], tuple[Path, list[Any]]]:
    """(Task, condition) -> the file and what was found, for every task and condition."""
    _same_length("--results-of", args.results_of, "--results", args.results)
    found: dict[tuple[str, Condition], tuple[Path, list[Any]]] = {}
    for owner, path in zip(args.results_of, args.results, strict=True):
        task, _, method = owner.partition("/")
        if task not in tasks:
            raise VcmflowError(
                f"--results-of {owner!r}: no task {task!r}; allowed: {', '.join(tasks) or 'none'}"
            )
        for run_, entries in read_runs(path).items():
            key = Condition(method, run_.point)
            # A file may have more: other sequences, and points of methods that share the chain.
            if run_.sequence != video.id or key not in (UNCOMPRESSED, *conditions):
                continue
            if (task, key) in found:
                raise VcmflowError(f"{path}: results of {task} for {key} were given before")
            found[task, key] = (path, entries)
    for task in tasks:
        for key in (UNCOMPRESSED, *conditions):
            applies = f"{task}/{key.method}" not in args.not_applicable
            if applies != ((task, key) in found) and not applies:
                raise VcmflowError(f"{video.id}: results of {task} for {key}: not applicable")
            if applies and (task, key) not in found:
                raise VcmflowError(f"{video.id}: condition {key} has no results of task {task!r}")
    return found


def run_pool(args: argparse.Namespace) -> None:
    """Pool the scores of a dataset's sequences."""
    pooled = pool((read_score(path) for path in args.scores), args.require_objects)
    if pooled.left_out:
        print(
            f"{len(pooled.left_out)} of {len(args.scores)} sequences have no object and are left "
            f"out: {', '.join(pooled.left_out)}",
            file=sys.stderr,
            flush=True,
        )
    write_scores(args.scores_out, pooled.rows)


def _same_length(flag: str, values: Sequence[object], other: str, others: Sequence[object]) -> None:
    if len(values) != len(others):
        raise VcmflowError(
            f"{flag} has {len(values)} entries and {other} {len(others)}; give one for each"
        )
