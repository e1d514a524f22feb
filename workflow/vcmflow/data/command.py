"""``vcmflow stage import``: one sequence of any dataset into the common form."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_instance
from vcmflow.data.ids import ID_PATTERN
from vcmflow.data.importer import import_sequence
from vcmflow.data.registry import LOADERS
from vcmflow.data.sequences import make_id, make_loader
from vcmflow.data.types import SequenceSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the command; `SequenceSpec.arguments` makes those that name the sequence."""
    add = parser.add_argument
    add(
        "--loader",
        required=True,
        help=f"layout of the dataset: {', '.join(sorted(LOADERS))}; or with options, "
        "'{loader: davis, year: 2016}'",
    )
    add("--path", required=True, type=Path, help="root folder of the dataset")
    add("--sequence", required=True, help="exact name in the dataset (--sequence=-x with a dash)")
    add("--camera", help="camera, for datasets with several")
    add("--id", help="id of the sequence (default: made from its name, camera and first frame)")
    add("--dataset", default="", help="name of the dataset, for sequence.json")
    add("--scene", help="scene, for sequence.json (default: the id)")
    add("--first", type=int, default=0, help="first frame, counted from 0 (default: 0)")
    add("--frames", type=int, help="exact number of frames (default: all)")
    add("--at-most", type=int, help="no more frames than this")
    add("--max-length", type=int, help="refuse a sequence with more frames than this")
    add("--fps", type=float, help="frames per second (default: what the dataset says)")
    add(
        "--height", type=int, help="working height in px, the width follows (default: the source's)"
    )
    add("--frames-out", required=True, type=Path, help="video to write, FFV1 (.mkv)")
    add("--truth-out", required=True, type=Path, help="ground truth to write, COCO JSON")
    add("--info-out", required=True, type=Path, help="description to write, JSON")


def run(args: argparse.Namespace) -> None:
    """Import the sequence and say in one line what became of it."""
    spec = spec_of(args)
    report = import_sequence(spec, args.frames_out, args.truth_out, args.info_out)
    line = f"{spec.id}: {report.frames} frames {report.width}x{report.height}"
    if spec.annotations != "none":
        line += ", " + ", ".join(f"{count} {name}" for name, count in report.counts().items())
    print(line, file=sys.stderr, flush=True)


def spec_of(args: argparse.Namespace) -> SequenceSpec:
    """The sequence that the flags name.

    Raises:
        VcmflowError: a flag's value is out of range.
    """
    lowest = {"first": 0, "frames": 1, "at_most": 1, "max_length": 1, "height": 16}
    for name, low in lowest.items():
        value = getattr(args, name)
        if value is not None and value < low:
            raise VcmflowError(f"--{name.replace('_', '-')} is {value}; has to be at least {low}")
    if args.fps is not None and not 0 < args.fps < math.inf:
        raise VcmflowError(f"--fps is {args.fps}; has to be above 0")
    suffix = f"-f{args.first}" if args.first else ""
    identifier = args.id or make_id(args.sequence, args.camera) + suffix
    for flag, value in (("--id", identifier), ("--scene", args.scene)):
        if value is not None and not ID_PATTERN.fullmatch(value):
            raise VcmflowError(f"{flag} is {value!r}; allowed: {ID_PATTERN.pattern}")
    loader, options = parse_instance(args.loader, "loader")
    return SequenceSpec(
        id=identifier,
        dataset=args.dataset,
        loader=loader,
        path=args.path,
        sequence=args.sequence,
        camera=args.camera,
        scene=args.scene or identifier,
        annotations=make_loader(loader, options).annotations,
        first=args.first,
        frames=args.frames,
        at_most=args.at_most,
        max_length=args.max_length,
        fps=args.fps,
        height=args.height,
        options=options,
    )
