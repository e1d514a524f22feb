"""``vcmflow stage encode``: encode the kept frames of one sequence at several points."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vcmflow.core.decision import read_decision
from vcmflow.core.encoding import (
    CodedPoint,
    Encoding,
    Shape,
    point_text,
    write_encoding,
)
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import sha256, whole_file
from vcmflow.core.needs import read_needs, rows_of
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import build, find
from vcmflow.core.video import Frame, read_frames
from vcmflow.encode.codec import Codec, Learned, Video
from vcmflow.encode.period import in_time
from vcmflow.encode.point import encode_point
from vcmflow.encode.registry import CODECS, check_points


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--frames", type=Path, required=True, help="the original video")
    parser.add_argument("--decision", type=Path, required=True, help="which frames are kept")
    parser.add_argument(
        "--codec",
        default="vvenc",
        metavar="INSTANCE",
        help=f"one of: {', '.join(sorted(CODECS))}; with options: '{{codec: x265, preset: fast}}'",
    )
    parser.add_argument(
        "--points", nargs="+", type=float, required=True, help="QPs, or what the codec's ladder has"
    )
    parser.add_argument(
        "--need",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="something else that the codec needs; repeatable",
    )
    parser.add_argument(
        "--intra-in",
        choices=("time", "pictures"),
        default="time",
        help="the intra period counts frames of the original video, or coded pictures",
    )
    parser.add_argument("--weights", type=Path, help="weights file of a learned codec")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda, for a learned codec")
    parser.add_argument(
        "--threads", type=int, default=1, help="encoder threads; do not change the streams"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the streams and encode.json"
    )


def run(args: argparse.Namespace) -> None:
    """Encode, then write the streams and, last, what they are."""
    name, options = parse_instance(args.codec, "codec")
    entry = find(CODECS, name, "codec")
    check_points(name, args.points)
    if args.weights is not None and not args.weights.is_file():
        raise VcmflowError(f"--weights {args.weights}: no such file")
    offered = {"weights": args.weights, "device": args.device, "threads": args.threads}
    codec: Codec = build(CODECS, name, "codec", options, offered=offered)
    needs = read_needs(args.need, entry.needs, f"codec {name!r}")
    decision = read_decision(args.decision)
    if args.intra_in == "time":
        options = in_time(name, options, decision.m, decision.n)
        codec = build(CODECS, name, "codec", options, offered=offered)
    needs = rows_of(needs, decision.frames, decision.n, f"codec {name!r}")

    def read() -> Iterator[Frame]:
        return read_frames(args.frames, decision.frames, decision.n)

    height, width = next(read()).shape[:2]
    shape = Shape(width, height, decision.m, decision.fps)
    points: dict[str, CodedPoint] = {}
    with tempfile.TemporaryDirectory(prefix="vcmflow-") as scratch:
        sent = Path(scratch, "sent")
        sent.mkdir()
        video = Video(shape, read, Path(scratch))
        for point in args.points:
            coded, report = encode_point(name, codec, video, needs, point, sent)
            points[point_text(point)] = coded
        for written in sorted(sent.iterdir()):
            with whole_file(args.out / written.name) as whole:
                shutil.copyfile(written, whole)
    weights = sha256(args.weights) if args.weights else None
    cost = codec.cost(shape) if isinstance(codec, Learned) else None
    write_encoding(
        args.out / "encode.json",
        Encoding({"codec": name, **options}, shape, report.encoder, points, weights, cost),
    )
