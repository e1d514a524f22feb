"""``vcmflow stage track``: detect and track objects through a batch of videos."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vcmflow.core.models import check_count, check_files
from vcmflow.core.tracking import add_detector_arguments, load_detector, parse_tracker, track_video
from vcmflow.core.tracks import write_tracks
from vcmflow.core.video import open_source
from vcmflow.task.registry import DETECTORS
from vcmflow.track.registry import TRACKERS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_detector_arguments(parser, DETECTORS, TRACKERS)
    parser.add_argument(
        "--videos", nargs="+", type=Path, required=True, help="video files, or folders of pictures"
    )
    parser.add_argument(
        "--out", nargs="+", type=Path, required=True, metavar="JSON", help="one per video"
    )
    parser.add_argument("--batch-size", type=int, default=8, help="frames at once (default 8)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto (default cpu)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU (default 1)")


def run(args: argparse.Namespace) -> None:
    """Track through each video with one loaded detector, and write one file per video."""
    check_files(args.videos, {"--out": args.out})
    check_count(args, "batch_size")
    new_tracker = parse_tracker(args, TRACKERS)
    detector = load_detector(args, DETECTORS)
    for video, out in zip(args.videos, args.out, strict=True):
        tracks = track_video(open_source(video), detector, new_tracker(), args.batch_size)
        write_tracks(out, tracks, detector=args.detector, tracker=args.tracker)
        objects = len({track.id for frame in tracks for track in frame})
        print(f"{video}: {len(tracks)} frames, {objects} objects", file=sys.stderr, flush=True)
