"""``vcmflow stage complexity``: what ``manifold`` and ``tracking`` cost (Table 7)."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from vcmflow.core.embedding import load_embedder
from vcmflow.core.files import write_json
from vcmflow.core.machine import processor
from vcmflow.core.models import check_count, check_files
from vcmflow.core.tracking import add_detector_arguments, load_detector, parse_tracker
from vcmflow.core.video import open_source
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.task.registry import DETECTORS
from vcmflow.track.registry import TRACKERS

_CONVENTION = "1 GMAC is 1e9 multiply-accumulates, half as many as floating point operations"
_PAPER_SIZE = 224  # px, the input for which the paper's 1.82 GMACs hold


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--embedding",
        required=True,
        metavar="INSTANCE",
        help=f"'{{embedder: name, …}}' or a name; one of: {', '.join(EMBEDDERS)}",
    )
    parser.add_argument("--embedding-weights", type=Path, help="its weights file")
    add_detector_arguments(parser, DETECTORS, TRACKERS)
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
    check_files([args.video], {})
    check_count(args, "keep_every", "batch_size", "repeat", "threads")
    new_tracker = parse_tracker(args, TRACKERS)
    # Networks from here on.
    from vcmflow.complexity.count import detector_cost, embedder_cost, gmacs_at
    from vcmflow.complexity.measure import Run, manifold_speed, tracking_speed

    how = Run(args.video, args.keep_every, args.batch_size, args.repeat, args.threads)
    embedder = load_embedder(EMBEDDERS, args.embedding, args.embedding_weights, args.device)
    detector = load_detector(args, DETECTORS)
    frames = open_source(args.video)
    first = next(frames)
    count = 1 + sum(1 for _ in frames)
    manifold = manifold_speed(embedder, how)
    print(f"manifold: {manifold.frames_per_second} frames/s", file=sys.stderr, flush=True)
    tracking = tracking_speed(detector, new_tracker, how)
    print(f"tracking: {tracking.frames_per_second} frames/s", file=sys.stderr, flush=True)
    write_json(
        args.out,
        {
            "convention": _CONVENTION,
            "video": {"frames": count, "width": first.shape[1], "height": first.shape[0]},
            "manifold": {
                "embedding": args.embedding,
                **asdict(embedder_cost(embedder, first)),
                "gmacs_at_224": gmacs_at(embedder, _PAPER_SIZE),
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
