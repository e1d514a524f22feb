"""``python -m vcmflow reconstruct``: decode bitstreams and interpolate the dropped frames."""

from __future__ import annotations

import argparse
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.decision import read_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.gaps import read_gaps
from vcmflow.core.options import parse_options
from vcmflow.core.registry import build, lookup
from vcmflow.core.video import write_video
from vcmflow.encode.decode import decode_stream
from vcmflow.reconstruct.interpolator import Interpolator
from vcmflow.reconstruct.rebuild import rebuild
from vcmflow.reconstruct.registry import INTERPOLATORS


@dataclass(frozen=True)
class Shape:
    """What the receiver knows beside the stream: gaps between the frames, size, frame rate."""

    gaps: list[int]
    width: int
    height: int
    fps: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--streams", nargs="+", type=Path, required=True, help=".266, .265 or .264 bitstreams"
    )
    placing = parser.add_mutually_exclusive_group(required=True)
    placing.add_argument("--decision", type=Path, help="the sampling decision behind the streams")
    placing.add_argument(
        "--gaps", type=Path, help="or only the metadata bytes that are sent beside the streams"
    )
    parser.add_argument("--sequence", type=Path, help="sequence.json: size (and frame rate)")
    parser.add_argument("--width", type=int, help="width of the frames, if no --sequence")
    parser.add_argument("--height", type=int, help="height of the frames, if no --sequence")
    parser.add_argument(
        "--fps", type=float, help="frame rate, if neither --decision nor --sequence"
    )
    parser.add_argument(
        "--interpolator", default="flow", help=f"one of: {', '.join(sorted(INTERPOLATORS))}"
    )
    parser.add_argument("--weights", type=Path, help="weights file of a learned interpolator")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the interpolator, e.g. preset=fast; repeatable",
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="threads of decoder and network; same result"
    )
    parser.add_argument(
        "--out", nargs="+", type=Path, required=True, help="one lossless video per stream"
    )


def run(args: argparse.Namespace) -> None:
    """Reconstruct every stream with one interpolator."""
    if len(args.out) != len(args.streams):
        raise VcmflowError(f"--out has {len(args.out)} files for {len(args.streams)} streams")
    if args.threads < 1:
        raise VcmflowError(f"--threads is {args.threads}; allowed: 1 or more")
    shape = _shape(args)
    interpolator = _interpolator(args)
    for stream, out in zip(args.streams, args.out, strict=True):
        decoded = decode_stream(
            stream, shape.width, shape.height, len(shape.gaps) + 1, threads=args.threads
        )
        write_video(out, rebuild(decoded, shape.gaps, interpolator), shape.fps)


def _interpolator(args: argparse.Namespace) -> Interpolator:
    builder = lookup(INTERPOLATORS, args.interpolator, "interpolator")
    parameters = inspect.signature(builder).parameters
    given: dict[str, Any] = {}
    if "weights" in parameters:
        given["weights"] = args.weights
    elif args.weights is not None:
        raise VcmflowError(f"--weights: interpolator {args.interpolator!r} takes none")
    if "threads" in parameters:
        given["threads"] = args.threads
    options = parse_options(args.option)
    interpolator: Interpolator = build(
        INTERPOLATORS, args.interpolator, "interpolator", options, **given
    )
    return interpolator


def _shape(args: argparse.Namespace) -> Shape:
    width, height, fps = args.width, args.height, args.fps
    if args.sequence is not None:
        if width is not None or height is not None:
            raise VcmflowError(
                "--sequence already says --width and --height; give one or the other"
            )
        content = read_json(args.sequence)
        try:
            width, height = int(content["width"]), int(content["height"])
            fps = float(content["fps"]) if fps is None else fps
        except (KeyError, TypeError, ValueError):
            raise VcmflowError(f"{args.sequence}: needs width, height and fps (numbers)") from None
    if width is None or height is None:
        raise VcmflowError("the frames' size is missing; give --sequence, or --width and --height")
    if min(width, height) < 1:
        raise VcmflowError(f"the frames' size is {width}x{height}; both must be above 0")
    if args.decision is not None:
        decision = read_decision(args.decision)
        return Shape(decision.gaps, width, height, decision.fps if fps is None else fps)
    if fps is None:
        raise VcmflowError("the frame rate is missing; give --fps or --sequence")
    return Shape(read_gaps(args.gaps), width, height, fps)
