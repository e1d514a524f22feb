"""``python -m vcmflow complexity``: what ``manifold`` and ``tracking`` cost (Table 7)."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import write_json
from vcmflow.core.machine import processor
from vcmflow.core.options import parse_options
from vcmflow.core.video import open_source
from vcmflow.embed.command import build_embedder
from vcmflow.embed.registry import EMBEDDINGS
from vcmflow.task.registry import DETECTORS
from vcmflow.task.run import load_detector
from vcmflow.track.settings import TrackerSettings, add_tracker_arguments, tracker_settings

_CONVENTION = "1 GFLOP is 1e9 multiply-accumulates, as in the paper (1.82 for ResNet-18 at 224x224)"
_PAPER_SIZE = 224  # px, the input for which the paper's 1.82 GFLOPs hold


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--embedding", required=True, help=f"one of: {', '.join(EMBEDDINGS)}")
    parser.add_argument("--embedding-weights", type=Path, help="its weights file")
    parser.add_argument("--embedding-option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--detector", required=True, help=f"one of: {', '.join(DETECTORS)}")
    parser.add_argument("--detector-weights", type=Path, help="its weights file")
    parser.add_argument("--detector-option", action="append", default=[], metavar="KEY=VALUE")
    add_tracker_arguments(parser, TrackerSettings())
    parser.add_argument(
        "--video", type=Path, required=True, help="video file or folder of pictures to measure on"
    )
    parser.add_argument("--keep-every", type=int, default=3, metavar="K", help="m = n // K + 1")
    parser.add_argument("--batch-size", type=int, default=8, help="frames at once (default 8)")
    parser.add_argument("--repeat", type=int, default=3, help="timings, the best counts")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto (default cpu)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU (default 1)")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")


def run(args: argparse.Namespace) -> None:
    """Count, measure, and write both; what was measured stands apart from what is exact."""
    if not args.video.exists():
        raise VcmflowError(f"{args.video}: no such video")
    # Networks from here on.
    from vcmflow.complexity.count import detector_cost, embedder_cost, gflops_at
    from vcmflow.complexity.measure import Run, manifold_speed, tracking_speed
    from vcmflow.core.device import choose_device

    how = Run(args.video, args.keep_every, args.batch_size, args.repeat, args.threads)
    settings = tracker_settings(args)
    embedder = build_embedder(
        args.embedding,
        args.embedding_weights,
        args.device,
        parse_options(args.embedding_option),
    )
    detector = load_detector(
        "detection",
        args.detector,
        args.detector_weights,
        choose_device(args.device),
        parse_options(args.detector_option),
    )
    frames = open_source(args.video)
    first = next(frames)
    count = 1 + sum(1 for _ in frames)
    manifold = manifold_speed(embedder, how)
    print(f"manifold: {manifold.frames_per_second} frames/s", file=sys.stderr, flush=True)
    tracking = tracking_speed(detector, settings, how)
    print(f"tracking: {tracking.frames_per_second} frames/s", file=sys.stderr, flush=True)
    write_json(
        args.out,
        {
            "convention": _CONVENTION,
            "video": {"frames": count, "width": first.shape[1], "height": first.shape[0]},
            "manifold": {
                "embedding": args.embedding,
                **asdict(embedder_cost(embedder, first)),
                "gflops_at_224": gflops_at(embedder, _PAPER_SIZE),
            },
            "tracking": {"detector": args.detector, **asdict(detector_cost(detector, first))},
            "measured": {
                "processor": processor(),
                "device": args.device,
                "threads": args.threads,
                "batch_size": args.batch_size,
                "manifold": asdict(manifold),
                "tracking": asdict(tracking),
                "manifold_over_tracking": round(
                    manifold.frames_per_second / tracking.frames_per_second, 3
                ),
            },
        },
    )
