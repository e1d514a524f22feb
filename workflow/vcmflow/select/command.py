"""``vcmflow stage select``: videos in, sampling decisions out, in one process.

What the workflow does in two cached steps (``embed`` or ``track``, then ``sample``), for videos
that someone has at hand: the frames are decoded, shrunk, embedded and forgotten.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.gaps import write_gaps
from vcmflow.core.machine import processors
from vcmflow.core.models import check_count, check_files
from vcmflow.core.tracking import add_detector_arguments
from vcmflow.core.video import frame_rate, open_source
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.sample.decide import all_options, choose_frames, count_to_keep
from vcmflow.sample.registry import SAMPLERS
from vcmflow.select.look import Looking, check_sampler, load_look
from vcmflow.task.registry import DETECTORS
from vcmflow.track.registry import TRACKERS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--videos", nargs="+", type=Path, required=True, help="video files, or folders of pictures"
    )
    parser.add_argument(
        "--sampler",
        default="manifold",
        metavar="INSTANCE",
        help="'{sampler: name, option: value, …}' or a name; one of: "
        f"{', '.join(sorted(SAMPLERS))} (default manifold)",
    )
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--keep-every", type=int, metavar="K", help="keep m = n // K + 1 frames")
    amount.add_argument("--count", type=int, metavar="M", help="keep m = M frames, 2 <= M <= n")
    parser.add_argument(
        "--decisions-out", nargs="+", type=Path, required=True, metavar="JSON", help="the choices"
    )
    parser.add_argument(
        "--gaps-out", nargs="+", type=Path, metavar="GAPS", help="the metadata bytes"
    )
    parser.add_argument(
        "--fps", type=float, help="frames per second; default: the file's, 25 for pictures"
    )
    look = parser.add_argument_group("manifold")
    look.add_argument(
        "--embedding",
        default="learned",
        metavar="INSTANCE",
        help="'{embedder: name, option: value, …}' or a name; one of: "
        f"{', '.join(sorted(EMBEDDERS))} (default learned)",
    )
    look.add_argument("--weights", type=Path, help="of the embedding, from `vcmflow stage train`")
    add_detector_arguments(parser.add_argument_group("tracking"), DETECTORS, TRACKERS)
    parser.add_argument("--batch-size", type=int, default=16, help="frames at once (default 16)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto (default cpu)")
    cores = processors()
    parser.add_argument(
        "--threads", type=int, default=cores, help=f"of the CPU (default: all, here {cores})"
    )


def run(args: argparse.Namespace) -> None:
    """Choose the frames of each video, and write one decision and one gaps file per video."""
    sampler, given, needs = check_sampler(args.sampler)
    options = all_options(sampler, given)
    check_files(args.videos, {"--decisions-out": args.decisions_out, "--gaps-out": args.gaps_out})
    check_count(args, "batch_size", "threads")
    if args.fps is not None and not 0 < args.fps < float("inf"):
        raise VcmflowError(f"--fps is {args.fps}; allowed: above 0")
    looking = Looking(
        *(args.embedding, args.weights, args.detector, args.detector_weights, args.tracker),
        batch_size=args.batch_size,
        device=args.device,
        threads=args.threads,
    )
    look = load_look(needs, looking, f"sampler {sampler!r}")
    for number, video in enumerate(args.videos):
        start = time.perf_counter()
        n, material = look(open_source(video))
        m = count_to_keep(n, args.keep_every) if args.count is None else args.count
        try:
            frames = choose_frames(sampler, n, m, material, given)
        except VcmflowError as error:
            raise VcmflowError(f"{video}: {error}") from None
        fps = args.fps or frame_rate(video) or 25.0
        decision = Decision(video.stem, sampler, sampler, n, m, tuple(frames), fps, options)
        if args.gaps_out is not None:
            write_gaps(args.gaps_out[number], decision.gaps)
        write_decision(args.decisions_out[number], decision)
        speed = n / (time.perf_counter() - start)
        print(
            f"{video}: {len(frames)} of {n} frames kept, {speed:.0f} frames/s",
            file=sys.stderr,
            flush=True,
        )
