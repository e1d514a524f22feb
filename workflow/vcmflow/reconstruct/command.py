"""``vcmflow stage reconstruct``: decode what was sent and make the dropped frames."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from vcmflow.core.decision import read_decision
from vcmflow.core.encoding import check_weights, read_encoding, received
from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import write_features
from vcmflow.core.files import write_json
from vcmflow.core.gaps import read_gaps
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import build, find
from vcmflow.core.video import write_video
from vcmflow.encode.registry import CODECS
from vcmflow.reconstruct.rebuild import rebuild
from vcmflow.reconstruct.registry import RECONSTRUCTORS

T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--encoded", type=Path, required=True, help="encode.json, with the streams beside it"
    )
    parser.add_argument("--points", nargs="+", required=True, help="those of encode.json to decode")
    placing = parser.add_mutually_exclusive_group(required=True)
    placing.add_argument("--decision", type=Path, help="the sampling decision behind the streams")
    placing.add_argument(
        "--gaps", type=Path, help="or only the metadata bytes that are sent beside the streams"
    )
    parser.add_argument(
        "--reconstructor",
        default="flow",
        metavar="INSTANCE",
        help=f"one of: {', '.join(sorted(RECONSTRUCTORS))}; with options: "
        "'{reconstructor: flow, preset: fast}'",
    )
    parser.add_argument("--weights", type=Path, help="weights file of a learned reconstructor")
    parser.add_argument("--codec-weights", type=Path, help="weights file of a learned codec")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda, for learned ones")
    parser.add_argument(
        "--threads", type=int, default=1, help="threads of decoder and network; same result"
    )
    parser.add_argument(
        "--out",
        nargs="+",
        type=Path,
        required=True,
        help="per point, a lossless video (.mkv), or features (.npz) if the codec gives those",
    )
    parser.add_argument("--times-out", type=Path, help="JSON: seconds of decoding and making")


def run(args: argparse.Namespace) -> None:
    """Reconstruct every point with one reconstructor."""
    encoding = read_encoding(args.encoded)
    if len(args.out) != len(args.points):
        raise VcmflowError(f"--out has {len(args.out)} files for {len(args.points)} points")
    codec_options = dict(encoding.codec)
    codec_name = codec_options.pop("codec")
    name, options = parse_instance(args.reconstructor, "reconstructor")
    entry = find(RECONSTRUCTORS, name, "reconstructor")
    gives = find(CODECS, codec_name, "codec").gives
    if gives not in entry.takes:
        raise VcmflowError(
            f"reconstructor {name!r} takes no {gives}, which codec {codec_name!r} gives; "
            f"allowed: {', '.join(n for n, e in RECONSTRUCTORS.items() if gives in e.takes)}"
        )
    _check_outputs(args.out, ".mkv" if gives == "frames" else ".npz")
    check_weights(args.encoded, encoding.weights, args.codec_weights)
    machine = {"device": args.device, "threads": args.threads}
    offered = machine | {"weights": args.codec_weights}
    codec = build(CODECS, codec_name, "codec", codec_options, offered=offered)
    offered = machine | {"weights": args.weights}
    reconstructor = build(RECONSTRUCTORS, name, "reconstructor", options, offered=offered)
    gaps = read_gaps(args.gaps) if args.gaps else read_decision(args.decision).gaps
    # The receiver counts on its own metadata.
    shape = replace(encoding.shape, pictures=len(gaps) + 1)
    times = {}
    for point, out in zip(args.points, args.out, strict=True):
        decoded = Timed[Any](codec.decode(received(args.encoded, encoding, point), shape))
        frames = Timed(rebuild(decoded, gaps, reconstructor))
        if gives == "frames":
            write_video(out, frames, shape.fps)
        else:
            write_features(out, frames)
        times[point] = {
            "decode_seconds": round(decoded.seconds, 4),
            "reconstruct_seconds": round(frames.seconds - decoded.seconds, 4),
        }
    if args.times_out:
        write_json(args.times_out, {"points": times})


class Timed(Generic[T]):
    """Items as they come, and the seconds that they were waited for."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self.seconds = 0.0

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        start = time.perf_counter()
        try:
            return next(self._items)
        finally:
            self.seconds += time.perf_counter() - start


def _check_outputs(paths: list[Path], suffix: str) -> None:
    for path in paths:
        if path.suffix != suffix:
            raise VcmflowError(f"--out {path}: what this codec gives is written as {suffix}")
