"""``python -m vcmflow track``: detect and track objects through a batch of videos."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_options
from vcmflow.core.tracks import write_tracks
from vcmflow.core.video import open_source
from vcmflow.task.registry import DETECTORS
from vcmflow.task.run import load_detector
from vcmflow.track.deepsort import track_video
from vcmflow.track.settings import TrackerSettings, add_tracker_arguments, tracker_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    defaults = TrackerSettings()
    parser.add_argument("--model", required=True, help=f"one of: {', '.join(sorted(DETECTORS))}")
    parser.add_argument("--weights", type=Path, help="weights file of the detector")
    parser.add_argument(
        "--videos", nargs="+", type=Path, required=True, help="video files, or folders of pictures"
    )
    parser.add_argument(
        "--out", nargs="+", type=Path, required=True, metavar="JSON", help="one per video"
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the detector; repeatable",
    )
    add_tracker_arguments(parser, defaults)
    parser.add_argument("--batch-size", type=int, default=8, help="frames at once (default 8)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto (default cpu)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU (default 1)")


def run(args: argparse.Namespace) -> None:
    """Track through each video with one loaded detector, and write one file per video."""
    settings = tracker_settings(args)
    if len(args.out) != len(args.videos):
        raise VcmflowError(f"--out has {len(args.out)} files for {len(args.videos)} videos")
    for video in args.videos:
        if not video.exists():
            raise VcmflowError(f"{video}: no such video")
    if args.batch_size < 1:
        raise VcmflowError(f"batch size {args.batch_size}; allowed: 1 or more")
    options = parse_options(args.option)
    from vcmflow.core.device import choose_device, steady

    steady(args.threads)
    detector = load_detector(
        "detection", args.model, args.weights, choose_device(args.device), options
    )
    for video, out in zip(args.videos, args.out, strict=True):
        tracks = track_video(open_source(video), detector, settings, args.batch_size)
        write_tracks(
            out, tracks, detector=args.model, tracker="deepsort", settings=asdict(settings)
        )
        objects = len({track.id for frame in tracks for track in frame})
        print(f"{video}: {len(tracks)} frames, {objects} objects", file=sys.stderr, flush=True)
