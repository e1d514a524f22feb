"""``vcmflow compress``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vcmflow.tool.commands.flags import add_machine, add_method, check_output, method_of
from vcmflow.tool.compress import SECONDS, Summary, compress
from vcmflow.tool.progress import Bar
from vcmflow.tool.source import open_timed

EXAMPLES = """\
vcmflow compress in.mp4 out.vcm --keep 1/3 --qp 37
vcmflow compress in.mp4 out.vcm --keep 1 --qp 42 --codec '{codec: x265, preset: medium}'
vcmflow compress frames/ out.vcm --fps 10 --keep 1/4 --sampler manifold
vcmflow compress in.mp4 out.vcm --method uniform_av1 --qp 45"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("input", type=Path, help="a video, or a folder of pictures")
    parser.add_argument("output", type=Path, help="the container to write, .vcm")
    parser.add_argument("--keep", default="1", metavar="SHARE", help="of the frames (default 1)")
    parser.add_argument(
        *("--qp", "--point"), type=float, default=37, help="of the codec (default 37)"
    )
    parser.add_argument("--fps", type=float, help="of pictures (default 25); overrides a video's")
    parser.add_argument(
        "--segment", type=float, default=SECONDS, metavar="S", help="seconds, at most (default 10)"
    )
    add_method(parser)
    parser.add_argument(
        "--workers", type=int, metavar="N", help="segments coded at a time (default 2)"
    )
    add_machine(parser)


def run(args: argparse.Namespace) -> None:
    """Compress, and say what came of it."""
    source = open_timed(args.input, args.fps)
    check_output(args.input, args.output)
    bar = Bar(source.count)
    try:
        summary = compress(
            source,
            args.output,
            keep=args.keep,
            point=args.qp,
            method=method_of(args),
            seconds=args.segment,
            device=args.device,
            workers=args.workers,
            threads=args.threads,
            progress=bar,
        )
    finally:
        bar.close()
    print(describe(summary))
    if source.audio:
        print(f"{args.input}: its sound is left out", file=sys.stderr)


def describe(summary: Summary) -> str:
    """The statistics, a line each."""
    streams = ", ".join(f"{role} {size:,}" for role, size in summary.stream_bytes.items())
    return "\n".join(
        [
            f"frames     {summary.kept} of {summary.frames} kept, {summary.segments} segment(s)",
            f"bytes      {summary.bytes:,}: {streams}, everything else {summary.overhead:,}",
            f"rate       {summary.kbps:.1f} kbit/s over {summary.video_seconds:.2f} s",
            f"speed      {summary.frames / summary.seconds:.1f} frames/s, "
            f"{summary.video_seconds / summary.seconds:.2f} x real time",
        ]
    )
