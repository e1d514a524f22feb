"""``vcmflow stage fidelity``: PSNR and SSIM of reconstructions of one sequence."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from vcmflow.core.decision import Decision, read_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import Row, write_csv
from vcmflow.core.video import read_video
from vcmflow.fidelity.measure import Fidelity, measure

COLUMNS = ("sequence", "point", "frame", "kept", "mse", "psnr", "ssim")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--original", type=Path, required=True, help="the original video")
    parser.add_argument("--decision", type=Path, required=True, help="which frames were kept")
    parser.add_argument("--recons", nargs="+", type=Path, required=True, help="rebuilt videos")
    parser.add_argument(
        "--points", nargs="+", required=True, metavar="POINT", help="the codec's, one per video"
    )
    parser.add_argument("--out", type=Path, required=True, help=",".join(COLUMNS))


def run(args: argparse.Namespace) -> None:
    """Measure all videos in one pass and write one row per video and frame."""
    if len(args.points) != len(args.recons):
        raise VcmflowError(f"--points has {len(args.points)} values for {len(args.recons)} videos")
    decision = read_decision(args.decision)
    recons = [read_video(path) for path in args.recons]
    try:
        frames = list(measure(read_video(args.original), recons))
    except VcmflowError as error:
        raise VcmflowError(f"sequence {decision.sequence}: {error}") from None
    if len(frames) != decision.n:
        raise VcmflowError(
            f"{args.original}: has {len(frames)} frames, {decision.n} according to {args.decision}"
        )
    write_csv(args.out, COLUMNS, _rows(decision, args.points, frames))


def _rows(
    decision: Decision, points: Sequence[str], frames: Sequence[Sequence[Fidelity]]
) -> Iterator[Row]:
    kept = frozenset(decision.frames)
    for number, point in enumerate(points):
        for frame, values in enumerate(frames):
            yield {
                "sequence": decision.sequence,
                "point": point,
                "frame": str(frame),
                "kept": str(int(frame in kept)),
                "mse": f"{values[number].mse:.6f}",
                "psnr": f"{values[number].psnr:.4f}",
                "ssim": f"{values[number].ssim:.6f}",
            }
