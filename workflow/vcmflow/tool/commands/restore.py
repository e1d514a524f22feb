"""``vcmflow restore``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.machine import processors
from vcmflow.tool.commands.flags import add_machine, add_reconstructor, check_output
from vcmflow.tool.container import open_container
from vcmflow.tool.output import check_target, write_pictures, write_restored
from vcmflow.tool.progress import Bar
from vcmflow.tool.restore import Receiver
from vcmflow.tool.source import Timed

EXAMPLES = """\
vcmflow restore out.vcm restored.mp4
vcmflow restore out.vcm restored.mp4 --crf 18 --interpolator blend
vcmflow restore out.vcm --frames pictures/ --only-samples
vcmflow restore out.vcm part.mp4 --from 60 --to 75"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("input", type=Path, help="a container")
    parser.add_argument("output", type=Path, nargs="?", help="the video to write: .mp4, .mov, .mkv")
    parser.add_argument("--frames", type=Path, metavar="FOLDER", help="write pictures, too (PNG)")
    parser.add_argument("--only-samples", action="store_true", help="the kept frames alone")
    parser.add_argument("--from", dest="start", type=float, default=0.0, metavar="S")
    parser.add_argument("--to", dest="end", type=float, default=math.inf, metavar="S")
    parser.add_argument(
        "--crf", type=int, help="0..51, for players; default: lossless, as detectors need it"
    )
    add_reconstructor(parser)
    parser.add_argument("--codec-weights", type=Path, metavar="FILE", help="of a learned codec")
    add_machine(parser)


def run(args: argparse.Namespace) -> None:
    """Restore what is there; a container that is not whole is an error afterwards."""
    if args.output is None and args.frames is None:
        raise VcmflowError("nothing to write: give a video, or --frames FOLDER")
    if args.output is not None:
        check_target(args.output)
    if args.crf is not None and not 0 <= args.crf <= 51:
        raise VcmflowError(f"--crf {args.crf}; allowed: 0..51")
    with open_container(args.input) as reader:
        check_output(args.input, args.output)
        receiver = Receiver(
            *(reader, args.interpolator, args.interpolator_weights, args.codec_weights),
            *(args.device, args.threads or processors()),
        )
        frames: Iterable[Timed] = receiver.frames(
            only_samples=args.only_samples, start=args.start, end=args.end
        )
        bar = Bar(None if args.only_samples else reader.frames)
        frames = _told(frames, bar, float(reader.header.time_base))
        if args.frames is not None:
            frames = write_pictures(args.frames, frames)
        try:
            if args.output is not None:
                count = write_restored(args.output, frames, reader.header, args.crf)
            else:
                count = sum(1 for _ in frames)
        except VcmflowError:
            reader.check()  # where nothing could be read, that is the reason
            raise
        finally:
            bar.close()
        print(f"{count} of {reader.frames} frames written")
        reader.check()


def _told(frames: Iterable[Timed], bar: Bar, unit: float) -> Iterator[Timed]:
    start: float | None = None
    for number, timed in enumerate(frames, start=1):
        start = timed.time * unit if start is None else start
        bar(number, timed.time * unit - start)
        yield timed
