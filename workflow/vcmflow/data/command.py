"""``python -m vcmflow import``: one sequence of any dataset into the common form."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_options
from vcmflow.data.ids import ID_PATTERN, to_id
from vcmflow.data.importer import import_sequence
from vcmflow.data.registry import LOADERS
from vcmflow.data.sequences import find_loader
from vcmflow.data.types import DETECTION_CATEGORIES, TASKS, LabelRules, SequenceSpec

GROUND_TRUTHS = ("annotations", "pseudo", "none")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the command; `SequenceSpec.arguments` makes those that name the sequence."""
    add = parser.add_argument
    add("--loader", required=True, help=f"layout of the dataset: {', '.join(sorted(LOADERS))}")
    add("--path", required=True, type=Path, help="root folder of the dataset")
    add("--sequence", required=True, help="exact name in the dataset (--sequence=-x with a dash)")
    add("--camera", help="camera, for datasets with several")
    add("--id", help="id of the sequence (default: made from its name, camera and first frame)")
    add("--dataset", default="", help="name of the dataset, for sequence.json")
    add("--scene", help="scene, for sequence.json (default: the id)")
    add("--task", default="none", choices=TASKS, help="kind of ground truth (default: none)")
    add(
        "--ground-truth",
        choices=GROUND_TRUTHS,
        help="where the ground truth comes from (default: annotations; none for task none)",
    )
    add("--first", type=int, default=0, help="first frame, counted from 0 (default: 0)")
    add("--frames", type=int, help="exact number of frames (default: all)")
    add("--at-most", type=int, help="no more frames than this")
    add("--max-length", type=int, help="refuse a sequence with more frames than this")
    add("--fps", type=float, help="frames per second (default: what the dataset says)")
    add(
        "--height", type=int, help="working height in px, the width follows (default: the source's)"
    )
    for flag, words in (
        ("--class", "a label that counts as a class"),
        ("--crowd", "a label that is a crowd of a class"),
        ("--ignore", "a label that is neither hit nor miss for a class"),
    ):
        add(
            flag,
            action="append",
            default=[],
            metavar="LABEL[:KIND]=CLASS",
            help=f"{words} ({', '.join(DETECTION_CATEGORIES)}); repeatable",
        )
    # Without any of the three, the loader's own table holds.
    add("--occlusion-max", type=float, help="ignore objects hidden at least this much, percent")
    add("--min-size", type=float, default=0.0, help="ignore boxes with a smaller sqrt(area), px")
    add(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="the loader's own settings: davis year, resolution, gaps; folder annotations, gaps; "
        "osdar23 gaps; repeatable",
    )
    add("--frames-out", required=True, type=Path, help="video to write, FFV1 (.mkv)")
    add("--truth-out", required=True, type=Path, help="ground truth to write, COCO JSON")
    add("--info-out", required=True, type=Path, help="description to write, JSON")


def run(args: argparse.Namespace) -> None:
    """Import the sequence and say in one line what became of it."""
    spec = spec_of(args)
    report = import_sequence(spec, args.frames_out, args.truth_out, args.info_out)
    line = f"{spec.id}: {report.frames} frames {report.width}x{report.height}"
    if spec.task != "none" and spec.ground_truth == "annotations":
        line += ", " + ", ".join(f"{count} {name}" for name, count in report.counts().items())
    print(line, file=sys.stderr, flush=True)


def spec_of(args: argparse.Namespace) -> SequenceSpec:
    """The sequence that the flags name.

    Raises:
        VcmflowError: a flag's value is out of range.
    """
    for name, low in (
        ("first", 0),
        ("frames", 1),
        ("at_most", 1),
        ("max_length", 1),
        ("height", 16),
    ):
        value = getattr(args, name)
        if value is not None and value < low:
            raise VcmflowError(f"--{name.replace('_', '-')} is {value}; has to be at least {low}")
    if args.fps is not None and not 0 < args.fps < float("inf"):
        raise VcmflowError(f"--fps is {args.fps}; has to be above 0")
    identifier = args.id or _identifier(args.sequence, args.camera, args.first)
    for flag, value in (("--id", identifier), ("--scene", args.scene)):
        if value is not None and not ID_PATTERN.fullmatch(value):
            raise VcmflowError(f"{flag} is {value!r}; allowed: {ID_PATTERN.pattern}")
    options = parse_options(args.option)
    annotated = args.loader != "folder" or options.get("annotations") is not None
    ground_truth = args.ground_truth or ("annotations" if annotated else "pseudo")
    return SequenceSpec(
        id=identifier,
        dataset=args.dataset,
        loader=args.loader,
        path=args.path,
        sequence=args.sequence,
        camera=args.camera,
        scene=args.scene or identifier,
        task=args.task,
        ground_truth="none" if args.task == "none" else ground_truth,
        first=args.first,
        frames=args.frames,
        at_most=args.at_most,
        max_length=args.max_length,
        fps=args.fps,
        height=args.height,
        labels=_labels(args),
        options=options,
    )


def _labels(args: argparse.Namespace) -> LabelRules:
    given = LabelRules(
        classes=_table("--class", getattr(args, "class")),
        crowd=_table("--crowd", args.crowd),
        ignore=_table("--ignore", args.ignore),
        occlusion_max=args.occlusion_max,
        min_size=args.min_size,
    )
    if given.classes or given.crowd or given.ignore:
        return given
    default = find_loader(args.loader).labels
    occlusion = default.occlusion_max if args.occlusion_max is None else args.occlusion_max
    return replace(default, occlusion_max=occlusion, min_size=args.min_size)


def _identifier(sequence: str, camera: str | None, first: int) -> str:
    parts = [to_id(sequence)]
    if camera:
        parts.append(to_id(camera))
    if first:
        parts.append(f"f{first}")
    return "-".join(parts)


def _table(flag: str, pairs: Sequence[str]) -> dict[str, str]:
    table: dict[str, str] = {}
    for pair in pairs:
        label, equals, category = pair.rpartition("=")
        if not equals or not label or category not in DETECTION_CATEGORIES:
            raise VcmflowError(
                f"{flag} {pair!r} is not label=class; classes: {', '.join(DETECTION_CATEGORIES)}"
            )
        if label in table:
            raise VcmflowError(f"{flag} {label!r} is given twice")
        table[label] = category
    return table
