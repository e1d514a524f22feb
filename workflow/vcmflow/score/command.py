"""``vcmflow score``: score one sequence, or pool the scores of a dataset into tables."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vcmflow.core.decision import Decision, read_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.gaps import read_gaps
from vcmflow.core.rows import write_csv
from vcmflow.core.runs import read_runs
from vcmflow.score.inputs import (
    Found,
    found,
    read_fidelity,
    read_sequence,
    read_stream_bytes,
    read_truth,
)
from vcmflow.score.pool import SEQUENCE_COLUMNS, pool, scene_columns
from vcmflow.score.pseudo import THRESHOLD
from vcmflow.score.sequence import (
    Coded,
    Condition,
    read_score,
    score_sequence,
    write_score,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two steps and their flags."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="step")
    one = steps.add_parser("sequence", help="score one sequence under all its conditions")
    one.add_argument("--sequence", type=Path, required=True, help="its sequence.json")
    one.add_argument("--truth", type=Path, help="its COCO ground truth, truth.json")
    one.add_argument(
        "--decisions", type=Path, nargs="+", default=[], help="sampling decisions, one per sampler"
    )
    one.add_argument(
        "--gaps", type=Path, nargs="+", default=[], help="metadata files, in the same order"
    )
    one.add_argument(
        "--encodes", type=Path, nargs="+", default=[], help="encode.csv tables, of any samplers"
    )
    one.add_argument(
        "--encodes-of", nargs="+", default=[], metavar="SAMPLER", help="the sampler of each of them"
    )
    one.add_argument(
        "--fidelity", type=Path, nargs="+", default=[], help="fidelity tables, one per sampler"
    )
    one.add_argument(
        "--tasks",
        type=Path,
        nargs="+",
        default=[],
        help="task results; those of other sequences in the files are passed over",
    )
    one.add_argument(
        "--absent",
        choices=("skip", "davis"),
        default="skip",
        help="segmentation, frames that do not show an object: skip them, or count 1 as DAVIS does",
    )
    one.add_argument(
        "--pseudo-threshold",
        type=float,
        default=THRESHOLD,
        help="smallest score that becomes pseudo ground truth, where there are no annotations "
        f"(default {THRESHOLD})",
    )
    one.add_argument("--out", type=Path, required=True, help="scores of the sequence (.json)")

    all_ = steps.add_parser("pool", help="tables per sequence, per scene and for the dataset")
    all_.add_argument(
        "--scores", type=Path, nargs="+", required=True, help="scores of a dataset's sequences"
    )
    all_.add_argument(
        "--require-objects",
        action="store_true",
        help="leave sequences without an object that counts out",
    )
    all_.add_argument("--sequences-out", type=Path, required=True, help="one row per sequence")
    all_.add_argument("--scenes-out", type=Path, required=True, help="one row per scene")
    all_.add_argument(
        "--dataset-out", type=Path, required=True, help="the same for all scenes pooled"
    )


def run(args: argparse.Namespace) -> None:
    """Run one of the two steps."""
    if args.step == "sequence":
        run_sequence(args)
    else:
        run_pool(args)


def run_sequence(args: argparse.Namespace) -> None:
    """Score one sequence."""
    sequence = read_sequence(args.sequence)
    truth = None if args.truth is None else read_truth(args.truth, sequence)
    _same_length("--gaps", args.gaps, "--decisions", args.decisions)
    _same_length("--encodes-of", args.encodes_of, "--encodes", args.encodes)
    decisions: dict[str, tuple[Decision, int]] = {}
    for path, gaps_path in zip(args.decisions, args.gaps, strict=True):
        decision = read_decision(path)
        if (decision.sequence, decision.n) != (sequence.id, sequence.frames):
            raise VcmflowError(
                f"{path}: is of {decision.sequence} with {decision.n} frames, not of "
                f"{sequence.id} with {sequence.frames}"
            )
        if read_gaps(gaps_path) != decision.gaps:
            raise VcmflowError(f"{gaps_path}: does not hold the gaps of {path}")
        decisions[decision.sampler] = (decision, gaps_path.stat().st_size)
    fidelity = read_fidelity(args.fidelity, sequence)
    coded: dict[Condition, Coded] = {}
    for sampler, path in zip(args.encodes_of, args.encodes, strict=True):
        if sampler not in decisions:
            raise VcmflowError(f"{path}: no decision of sampler {sampler!r} was given")
        decision, metadata_bytes = decisions[sampler]
        for (mode, qp), stream_bytes in read_stream_bytes(path, decision.m).items():
            condition = Condition(sampler, mode, qp)
            if condition in coded:
                raise VcmflowError(f"{path}: condition {condition} was given before")
            if (sampler, mode, qp) not in fidelity:
                raise VcmflowError(f"{sequence.id}: no fidelity for condition {condition}")
            measured = fidelity[sampler, mode, qp]
            if measured.kept != decision.m:
                raise VcmflowError(
                    f"{sequence.id}, {condition}: fidelity has {measured.kept} kept frames, the "
                    f"decision {decision.m}"
                )
            coded[condition] = Coded(
                decision.m, _expected(decision), stream_bytes, metadata_bytes, measured
            )
    results: dict[Condition, list[Found]] = {}
    for path in args.tasks:
        for run, entries in read_runs(path).items():
            if run.sequence != sequence.id:
                continue
            condition = Condition(run.sampler, run.mode, run.qp)
            if condition in results:
                raise VcmflowError(f"{path}: results of {run} were given before")
            results[condition] = found(path, entries, sequence.frames)
    score = score_sequence(sequence, truth, coded, results, args.absent, args.pseudo_threshold)
    write_score(args.out, score)


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
    write_csv(args.sequences_out, SEQUENCE_COLUMNS, pooled.sequences)
    write_csv(args.scenes_out, scene_columns(pooled.classes), pooled.scenes)
    write_csv(args.dataset_out, scene_columns(pooled.classes), pooled.dataset)


def _expected(decision: Decision) -> int:
    return decision.n if decision.method == "all" else decision.m_requested


def _same_length(flag: str, values: list[object], other: str, others: list[object]) -> None:
    if len(values) != len(others):
        raise VcmflowError(
            f"{flag} has {len(values)} entries and {other} {len(others)}; give one for each"
        )
