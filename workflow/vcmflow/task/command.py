"""``vcmflow task``: run a detector or a segmenter on videos."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from vcmflow.core.detections import Result, write_results
from vcmflow.core.device import DEVICES, choose_device, steady
from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_options
from vcmflow.core.runs import SOURCE, Run, write_runs
from vcmflow.core.video import read_video
from vcmflow.task.registry import TASKS
from vcmflow.task.run import detect_video, load_detector


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--task", required=True, choices=sorted(TASKS), help="what to find")
    parser.add_argument("--model", required=True, help="registered detector or segmenter")
    parser.add_argument("--weights", type=Path, help="weights file of that model")
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="setting of the model"
    )
    parser.add_argument("--device", default="auto", choices=DEVICES, help="where the model runs")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument(
        "--batch-size", type=int, default=10, help="frames at a time; does not change the result"
    )
    parser.add_argument(
        "--videos", nargs="+", required=True, type=Path, help="videos to run on, one after another"
    )
    out = parser.add_mutually_exclusive_group(required=True)
    out.add_argument("--out", nargs="+", type=Path, help="COCO results list of each video (.json)")
    out.add_argument(
        "--runs-out", type=Path, help="results of all videos in one file (vcmflow.core.runs)"
    )
    runs = parser.add_argument_group("with --runs-out: what the videos are, one value each")
    runs.add_argument("--sequence-ids", nargs="+", default=[], metavar="ID")
    runs.add_argument("--sampler", default=SOURCE, help="of all videos (default: %(default)s)")
    runs.add_argument("--modes", nargs="+", default=[], metavar="MODE", help="not with source")
    runs.add_argument("--qps", nargs="+", default=[], type=int, metavar="QP", help="likewise")


def run(args: argparse.Namespace) -> None:
    """Load the model once, run it on one video after another, write what it found."""
    for video in args.videos:
        if not video.is_file():
            raise VcmflowError(f"{video}: no such file")
    if args.out:
        _same_length("--out", args.out, args.videos)
        for out, results in zip(args.out, _results(args), strict=True):
            write_results(out, results)
    else:
        keys = runs_of(args)
        write_runs(args.runs_out, args.task, args.model, zip(keys, _results(args), strict=True))


def runs_of(args: argparse.Namespace) -> list[Run]:
    """What the videos are.

    Raises:
        VcmflowError: the lists differ in length from the videos', or a run comes twice.
    """
    _same_length("--sequence-ids", args.sequence_ids, args.videos)
    if args.sampler == SOURCE:
        keys = [Run(sequence, SOURCE) for sequence in args.sequence_ids]
    else:
        _same_length("--modes", args.modes, args.videos)
        _same_length("--qps", args.qps, args.videos)
        keys = [
            Run(sequence, args.sampler, mode, qp)
            for sequence, mode, qp in zip(args.sequence_ids, args.modes, args.qps, strict=True)
        ]
    for key in keys:
        if keys.count(key) > 1:
            raise VcmflowError(f"the run {key} is given twice")
    return keys


def _same_length(flag: str, values: Sequence[object], videos: Sequence[object]) -> None:
    if len(values) != len(videos):
        raise VcmflowError(
            f"--videos has {len(videos)} entries and {flag} {len(values)}; give one each"
        )


def _results(args: argparse.Namespace) -> Iterator[list[Result]]:
    steady(args.threads)
    detector = load_detector(
        args.task,
        args.model,
        args.weights,
        choose_device(args.device),
        parse_options(args.option),
    )
    begun = time.monotonic()
    for index, video in enumerate(args.videos, start=1):
        results = list(detect_video(detector, read_video(video), args.batch_size))
        passed = time.monotonic() - begun
        left = passed / index * (len(args.videos) - index)
        print(
            f"{args.model}: video {index}/{len(args.videos)}, {len(results)} detections, "
            f"{passed:.0f} s, {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
        yield results
