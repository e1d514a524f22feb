"""``python -m vcmflow fidelity``: PSNR and SSIM of reconstructions of one sequence."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

from vcmflow.core.decision import Decision, read_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.core.video import read_video
from vcmflow.fidelity.measure import Fidelity, measure

COLUMNS = ("sequence", "sampler", "mode", "qp", "frame", "kept", "mse", "psnr", "ssim")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--original", type=Path, required=True, help="the original video")
    parser.add_argument("--decision", type=Path, required=True, help="which frames were kept")
    parser.add_argument("--sequence-id", required=True, help="value of the column sequence")
    parser.add_argument("--sampler", required=True, help="value of the column sampler")
    parser.add_argument("--recon", nargs="+", type=Path, required=True, help="reconstructed videos")
    parser.add_argument("--mode", nargs="+", required=True, help="ra or ai, one per video")
    parser.add_argument("--qp", nargs="+", type=int, required=True, help="one per video")
    parser.add_argument("--out", type=Path, required=True, help=",".join(COLUMNS))


def run(args: argparse.Namespace) -> None:
    """Measure all videos in one pass and write one row per video and frame."""
    for flag, values in (("--mode", args.mode), ("--qp", args.qp)):
        if len(values) != len(args.recon):
            raise VcmflowError(f"{flag} has {len(values)} values for {len(args.recon)} videos")
    decision = read_decision(args.decision)
    recons = [read_video(path) for path in args.recon]
    try:
        rows = list(measure(read_video(args.original), recons))
    except VcmflowError as error:
        raise VcmflowError(f"sequence {args.sequence_id}, {args.sampler}: {error}") from None
    if len(rows) != decision.n:
        raise VcmflowError(
            f"{args.original}: has {len(rows)} frames, {decision.n} according to {args.decision}"
        )
    _write(args, decision, rows)


def _write(
    args: argparse.Namespace, decision: Decision, rows: Sequence[Sequence[Fidelity]]
) -> None:
    kept = frozenset(decision.frames)
    with (
        whole_file(args.out) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, (mode, qp) in enumerate(zip(args.mode, args.qp, strict=True)):
            for frame, row in enumerate(rows):
                value = row[number]
                writer.writerow(
                    [
                        *(args.sequence_id, args.sampler, mode, qp, frame, int(frame in kept)),
                        *(f"{value.mse:.6f}", f"{value.psnr:.4f}", f"{value.ssim:.6f}"),
                    ]
                )
