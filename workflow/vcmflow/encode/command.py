"""``python -m vcmflow encode``: encode the kept frames of one sequence at several QPs."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from vcmflow.core.decision import Decision, read_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file, write_json
from vcmflow.core.options import parse_options
from vcmflow.core.registry import build
from vcmflow.core.video import read_frames
from vcmflow.encode import colour
from vcmflow.encode.codec import Codec, Mode, as_mode
from vcmflow.encode.registry import CODECS, QP_RANGES, SUFFIXES
from vcmflow.encode.sequence import Encoding, encode_sequence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--frames", type=Path, required=True, help="the original video")
    parser.add_argument("--decision", type=Path, required=True, help="which frames are kept")
    parser.add_argument("--codec", default="vvenc", help=f"one of: {', '.join(sorted(CODECS))}")
    parser.add_argument("--mode", default="ra", help="ra (random access) or ai (all-intra)")
    parser.add_argument("--qp", nargs="+", type=int, required=True, help="constant QPs")
    parser.add_argument("--preset", default="faster", help="the encoder's speed preset")
    parser.add_argument(
        "--intra-period", type=int, default=32, metavar="N", help="in coded pictures; with ra only"
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the codec, e.g. gop_size=16 or picture_hash=true; repeatable",
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="encoder threads; do not change the streams"
    )
    parser.add_argument(
        "--streams-out", nargs="+", type=Path, required=True, help="one bitstream per QP"
    )
    parser.add_argument(
        "--csv-out", type=Path, required=True, help="qp,frames,stream_bytes,codec,mode"
    )
    parser.add_argument(
        "--json-out", type=Path, required=True, help="encoder version and exact settings"
    )


def run(args: argparse.Namespace) -> None:
    """Encode, then write the sizes and the settings."""
    codec = _codec(args)
    mode = as_mode(args.mode)
    _check_outputs(args)
    decision = read_decision(args.decision)
    encoding = encode_sequence(
        read_frames(args.frames, decision.frames, decision.n),
        decision.fps,
        codec,
        mode,
        list(zip(args.qp, args.streams_out, strict=True)),
    )
    _write_sizes(args.csv_out, args.codec, mode, decision.m, encoding)
    _write_settings(args, decision, mode, encoding)


def _codec(args: argparse.Namespace) -> Codec:
    if args.threads < 1:
        raise VcmflowError(f"--threads is {args.threads}; allowed: 1 or more")
    if args.intra_period < 1:
        raise VcmflowError(f"--intra-period is {args.intra_period}; allowed: 1 or more")
    codec: Codec = build(
        CODECS,
        args.codec,
        "codec",
        parse_options(args.option),
        preset=args.preset,
        intra_period=args.intra_period,
        threads=args.threads,
    )
    return codec


def _check_outputs(args: argparse.Namespace) -> None:
    low, high = QP_RANGES[args.codec]
    for qp in args.qp:
        if not low <= qp <= high:
            raise VcmflowError(f"--qp {qp}: allowed with {args.codec}: {low}..{high}")
    if len(set(args.qp)) != len(args.qp):
        raise VcmflowError(f"--qp has a value twice: {' '.join(map(str, args.qp))}")
    if len(args.streams_out) != len(args.qp):
        raise VcmflowError(
            f"--streams-out has {len(args.streams_out)} files for {len(args.qp)} QPs"
        )
    for path in args.streams_out:
        if path.suffix != SUFFIXES[args.codec]:
            raise VcmflowError(
                f"--streams-out {path}: streams of {args.codec} end in {SUFFIXES[args.codec]}"
            )


def _write_sizes(path: Path, codec: str, mode: Mode, frames: int, encoding: Encoding) -> None:
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["qp", "frames", "stream_bytes", "codec", "mode"])
        for qp, size in encoding.stream_bytes.items():
            writer.writerow([qp, frames, size, codec, mode])


def _write_settings(
    args: argparse.Namespace, decision: Decision, mode: Mode, encoding: Encoding
) -> None:
    coded_width, coded_height = colour.coded_size(encoding.width, encoding.height)
    write_json(
        args.json_out,
        {
            "sequence": decision.sequence,
            "sampler": decision.sampler,
            "codec": args.codec,
            "mode": mode,
            **encoding.encoder,
            "preset": args.preset,
            "intra_period": args.intra_period if mode == "ra" else 1,
            "fps": decision.fps,
            "frames": decision.m,
            "width": encoding.width,
            "height": encoding.height,
            "coded_width": coded_width,
            "coded_height": coded_height,
            "colour": colour.DESCRIPTION,
            "arguments": {str(qp): given for qp, given in encoding.arguments.items()},
        },
    )
