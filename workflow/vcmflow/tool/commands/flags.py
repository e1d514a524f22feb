"""Flags that several commands of the tool have, and what they make."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.encode.registry import CODECS
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.sample.registry import SAMPLERS
from vcmflow.tool.method import Method, named_method


def add_method(parser: argparse.ArgumentParser, tracking: bool = True) -> None:
    """Declare what chooses and codes; ``tracking``: the detector behind tracks is no other's."""
    group = parser.add_argument_group(
        "method", "instances: a name, or '{codec: x265, preset: fast}' with options"
    )
    group.add_argument(
        "--method", metavar="NAME", help="a method of params.yaml here, or of the package's own"
    )
    group.add_argument("--params", type=Path, metavar="YAML", help="that params.yaml")
    group.add_argument("--sampler", metavar="NAME", help=", ".join(sorted(SAMPLERS)))
    group.add_argument("--embedding", metavar="NAME", help="for manifold: grey, learned, …")
    group.add_argument("--weights", type=Path, metavar="FILE", help="of the embedding")
    if tracking:
        group.add_argument(
            "--detector", metavar="NAME", help="for tracking: onnx, faster_rcnn_mini, …"
        )
        group.add_argument("--detector-weights", type=Path, metavar="FILE", help="of that detector")
    group.add_argument("--map", metavar="NAME", help="for codecs by importance: texture, plis, …")
    group.add_argument("--map-weights", type=Path, metavar="FILE", help="of that map's network")
    group.add_argument("--codec", metavar="NAME", help=", ".join(sorted(CODECS)))
    group.add_argument("--codec-weights", type=Path, metavar="FILE", help="of a learned codec")
    add_reconstructor(group)


def add_reconstructor(parser: argparse._ActionsContainer) -> None:
    """Declare what rebuilds."""
    parser.add_argument(
        *("--interpolator", "--reconstructor"),
        metavar="NAME",
        help=", ".join(sorted(RECONSTRUCTORS)),
    )
    parser.add_argument(
        "--interpolator-weights", type=Path, metavar="FILE", help="of a learned one"
    )


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Declare where it runs."""
    parser.add_argument(
        "--device", metavar="NAME", default="auto", help="auto, cpu or cuda, for networks"
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="of encoders, decoders and networks"
    )


def add_judge(parser: argparse.ArgumentParser, required: bool) -> None:
    """Declare the detector whose accuracy counts."""
    parser.add_argument(
        "--detector",
        metavar="NAME",
        required=required,
        help="onnx, …; with options '{detector: onnx, description: my.yaml}'",
    )
    parser.add_argument("--detector-weights", type=Path, metavar="FILE", help="its weights file")
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="COCO",
        help="ground truth whose images are 0, 1, …; default: what it finds on the original",
    )


def method_of(args: argparse.Namespace) -> Method:
    """The method that :func:`add_method` describes."""
    if args.params is not None and args.method is None:
        raise VcmflowError("--params needs --method")
    method = named_method(args.method, args.params) if args.method else Method()
    given = {
        "sampler": args.sampler,
        "codec": args.codec,
        "codec_weights": args.codec_weights,
        "reconstructor": args.interpolator,
        "reconstructor_weights": args.interpolator_weights,
    }
    method = replace(method, **{key: value for key, value in given.items() if value is not None})
    looking = {
        "embedding": args.embedding,
        "weights": args.weights,
        "detector": args.detector,
        "detector_weights": args.detector_weights,
        "map": args.map,
        "map_weights": args.map_weights,
        "device": args.device,
        "threads": args.threads,
    }
    own = {key: value for key, value in looking.items() if value is not None}
    return replace(method, looking=replace(method.looking, **own))


def check_output(source: Path, target: Path | None) -> None:
    """Refuse to write over what is read.

    Raises:
        VcmflowError: both are one file.
    """
    if target is not None and target.exists() and target.samefile(source):
        raise VcmflowError(f"{target}: is the input itself; give another name")
