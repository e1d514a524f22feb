"""``vcmflow stage importance``: how much every block of every frame matters to machines."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.core.models import check_count, check_files
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import build, find
from vcmflow.core.video import open_source
from vcmflow.importance.maps import Blocks, Pixels, Score, roim, scaled
from vcmflow.importance.registry import MAPS
from vcmflow.importance.sheet import Row, write_sheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--map",
        required=True,
        metavar="INSTANCE",
        help="'{map: name, option: value, …}' or a name; one of: " + ", ".join(sorted(MAPS)),
    )
    parser.add_argument("--weights", type=Path, help="weights file of the map's network")
    parser.add_argument(
        "--videos", nargs="+", type=Path, required=True, help="video files, or folders of pictures"
    )
    parser.add_argument(
        "--truth", nargs="+", type=Path, metavar="JSON", help="ground truth, for the map `boxes`"
    )
    parser.add_argument(
        "--out",
        nargs="+",
        type=Path,
        required=True,
        metavar="NPY",
        help="float32 frames x rows x columns of blocks of 16 px, one per video",
    )
    parser.add_argument(
        "--pixels-out",
        nargs="+",
        type=Path,
        metavar="NPY",
        help="float32 height x width of the middle frame, mean 1",
    )
    parser.add_argument(
        "--sheets-out", nargs="+", type=Path, metavar="PNG", help="a picture of some frames"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto (default cpu)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU (default 1)")


def run(args: argparse.Namespace) -> None:
    """Score the frames of each video, one at a time, and write one array per video."""
    others = {"--out": args.out, "--truth": args.truth, "--pixels-out": args.pixels_out}
    others["--sheets-out"] = args.sheets_out
    check_files(args.videos, others)
    check_count(args, "threads")
    name, options = parse_instance(args.map, "map")
    entry = find(MAPS, name, "map")
    if args.truth is not None and not entry.truth:
        raise VcmflowError(f"map {name!r} takes no --truth")
    offered = {"weights": args.weights, "device": args.device}
    if entry.gpu:
        from vcmflow.core.device import choose_device, set_deterministic

        set_deterministic(args.threads)
        offered["device"] = choose_device(args.device)
    for number, video in enumerate(args.videos):
        offered["truth"] = args.truth[number] if args.truth else None
        score: Score = build(MAPS, name, "map", options, offered=offered)
        begun = time.perf_counter()
        blocks, rows = _map(video, score)
        seconds = (time.perf_counter() - begun) / len(blocks)
        _save(args.out[number], blocks)
        if args.pixels_out is not None:
            middle = next(row for row in rows if row[0] == (len(blocks) - 1) // 2)
            _save(args.pixels_out[number], scaled(middle[2]))
        if args.sheets_out is not None:
            write_sheet(args.sheets_out[number], rows)
        said = f"{len(blocks)} frames, {seconds:.3f} s each"
        print(f"{video}: {said}", file=sys.stderr, flush=True)


def _save(path: Path, values: Pixels | Blocks) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.save(file, values)


def _map(video: Path, score: Score) -> tuple[Blocks, list[Row]]:
    """The blocks of all frames, and the first, middle and last frame for the sheet."""
    count = sum(1 for _ in open_source(video))
    shown = {0, (count - 1) // 2, count - 1}
    found: list[Blocks] = []
    rows: list[Row] = []
    for index, frame in enumerate(open_source(video)):
        try:
            pixels = score(frame, index)
        except VcmflowError as error:
            raise VcmflowError(f"{video}: {error}") from None
        found.append(roim(pixels))
        if index in shown:
            rows.append((index, frame, pixels, found[-1]))
    return np.stack(found), rows
