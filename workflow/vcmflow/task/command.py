"""``vcmflow stage task``: run a model of a vision task on videos."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vcmflow.core.detections import Result, write_results
from vcmflow.core.device import DEVICES
from vcmflow.core.errors import VcmflowError
from vcmflow.core.models import check_files, load_model
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import find, load
from vcmflow.core.runs import Run, write_runs
from vcmflow.task.registry import TASKS, TRANSFER, ModelEntry
from vcmflow.task.run import run_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--kind", required=True, choices=sorted(TASKS), help="of task")
    parser.add_argument(
        "--model",
        required=True,
        metavar="INSTANCE",
        help="'{model: name, option: value, …}' or a name of: "
        + "; ".join(f"{kind}: {', '.join(sorted(TASKS[kind]))}" for kind in sorted(TASKS)),
    )
    parser.add_argument("--weights", type=Path, help="weights file of that model")
    parser.add_argument(
        "--transfer",
        type=Path,
        help="weights file of an FST, for features that the model cannot go on from",
    )
    parser.add_argument("--device", default="auto", choices=DEVICES, help="where the model runs")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument(
        "--batch-size", type=int, default=10, help="frames at a time; does not change the result"
    )
    parser.add_argument(
        "--videos",
        nargs="+",
        required=True,
        type=Path,
        help="what to run on, one after another: videos, or .npz of features",
    )
    parser.add_argument(
        "--truths",
        nargs="*",
        default=[],
        type=Path,
        help="ground truth of each video (truth.json), for models that follow the masks of the "
        "first frame",
    )
    out = parser.add_mutually_exclusive_group(required=True)
    out.add_argument("--out", nargs="+", type=Path, help="COCO results list of each video (.json)")
    out.add_argument(
        "--runs-out", type=Path, help="results of all videos in one file (vcmflow.core.runs)"
    )
    runs = parser.add_argument_group("with --runs-out: what the videos are, one value each")
    runs.add_argument("--sequence-ids", nargs="+", default=[], metavar="ID")
    runs.add_argument(
        "--points",
        nargs="*",
        default=[],
        metavar="POINT",
        help="of the codec; none: uncompressed frames",
    )


def run(args: argparse.Namespace) -> None:
    """Load the model once, run it on one video after another, write what it found."""
    check_files(args.videos, {"--out": args.out})
    if args.out:
        for out, results in zip(args.out, _results(args), strict=True):
            write_results(out, results)
        return
    points = args.points if any(args.points) else [""] * len(args.videos)
    check_files(args.videos, {"--sequence-ids": args.sequence_ids, "--points": points})
    keys = [Run(*key) for key in zip(args.sequence_ids, points, strict=True)]
    for key in keys:
        if keys.count(key) > 1:
            raise VcmflowError(f"the run {key} is given twice")
    name, _ = parse_instance(args.model, "model")
    write_runs(args.runs_out, args.kind, name, zip(keys, _results(args), strict=True))


def _results(args: argparse.Namespace) -> Iterator[list[Result]]:
    models = TASKS[args.kind]
    name, _ = parse_instance(args.model, "model")
    entry = find(models, name, "model")
    truths: list[Path | None] = [None] * len(args.videos)
    if entry.first_masks:
        check_files(args.videos, {"--truths": args.truths})
        truths = list(args.truths)
    model = load_model(models, "model", args.model, args.weights, args.device, args.threads)
    transfer = _transfer(args, entry) if args.transfer else None
    begun = time.monotonic()
    for index, (video, truth) in enumerate(zip(args.videos, truths, strict=True), start=1):
        results = run_model(
            model, entry.reads, video, args.batch_size, transfer=transfer, truth=truth
        )
        passed = time.monotonic() - begun
        left = passed / index * (len(args.videos) - index)
        print(
            f"{name}: video {index}/{len(args.videos)}, {len(results)} results, "
            f"{passed:.0f} s, {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
        yield results


def _transfer(args: argparse.Namespace, entry: ModelEntry) -> Any:
    import torch

    # The model has chosen its device: of several GPUs, one is the current one now.
    device = "cuda" if args.device != "cpu" and torch.cuda.is_available() else "cpu"
    transfer = load(TRANSFER.builder)(args.transfer, device)
    if transfer.target not in entry.spaces:
        raise VcmflowError(
            f"--transfer {args.transfer}: gives features {transfer.target!r}, the model goes on "
            f"from {' or '.join(entry.spaces) or 'none'}"
        )
    return transfer
