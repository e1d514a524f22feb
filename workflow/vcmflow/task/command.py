"""``vcmflow task``: run a detector or a segmenter on videos."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from vcmflow.errors import VcmflowError
from vcmflow.options import parse_options
from vcmflow.task.device import DEVICES, choose_device, steady
from vcmflow.task.registry import TASKS
from vcmflow.task.results import write_results
from vcmflow.task.run import detect_video, load_detector
from vcmflow.video import read_video


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--task", required=True, choices=sorted(TASKS), help="what to find")
    parser.add_argument("--model", required=True, help="registered detector or segmenter")
    parser.add_argument("--weights", required=True, type=Path, help="weights file of that model")
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
    parser.add_argument(
        "--out", nargs="+", required=True, type=Path, help="COCO results list of each video (.json)"
    )


def run(args: argparse.Namespace) -> None:
    """Load the model once and write one results list per video."""
    if len(args.videos) != len(args.out):
        raise VcmflowError(
            f"--videos has {len(args.videos)} entries and --out {len(args.out)}; give one each"
        )
    for video in args.videos:
        if not video.is_file():
            raise VcmflowError(f"{video}: no such file")
    steady(args.threads)
    detector = load_detector(
        args.task,
        args.model,
        args.weights,
        choose_device(args.device),
        parse_options(args.option),
    )
    begun = time.monotonic()
    for index, (video, out) in enumerate(zip(args.videos, args.out, strict=True), start=1):
        results = list(detect_video(detector, read_video(video), args.batch_size))
        write_results(out, results)
        passed = time.monotonic() - begun
        left = passed / index * (len(args.videos) - index)
        print(
            f"{args.model}: video {index}/{len(args.videos)}, {len(results)} detections, "
            f"{passed:.0f} s, {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
