"""The sequence table: one CSV row per imported sequence, whatever the dataset.

``vcmflow stage sequences`` writes it from the descriptions that the import wrote. Columns:
data/README.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.rows import Row, write_csv
from vcmflow.core.sequence import read_sequence
from vcmflow.data.objects import write_selection

COLUMNS = (
    "id",
    "dataset",
    "scene",
    "camera",
    "fps",
    "frames",
    "width",
    "height",
    "annotations",
    "objects",
    "frames_path",
    "truth_path",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    add = parser.add_argument
    add("--info", required=True, nargs="+", type=Path, help="sequence.json files")
    add("--frames", required=True, nargs="+", type=Path, help="frames.mkv files, in that order")
    add("--truth", required=True, nargs="+", type=Path, help="truth.json files, in that order")
    add("--out", type=Path, help="table to write (.csv)")
    add("--selection-out", type=Path, help="number of objects per sequence, for later plans (.csv)")
    add(
        "--settings",
        nargs="+",
        default=[],
        metavar="DIGEST",
        help="for --selection-out: of each sequence's settings",
    )


def run(args: argparse.Namespace) -> None:
    """Write the table of the given sequences, or their selection."""
    if not len(args.info) == len(args.frames) == len(args.truth):
        raise VcmflowError(
            f"--info, --frames and --truth name {len(args.info)}, {len(args.frames)} and "
            f"{len(args.truth)} files; have to be equally many"
        )
    if args.out is None and args.selection_out is None:
        raise VcmflowError("nothing to write; give --out, --selection-out, or both")
    if args.selection_out is not None and len(args.settings) != len(args.info):
        raise VcmflowError(
            f"--settings has {len(args.settings)} entries and --info {len(args.info)}; give one "
            "for each"
        )
    rows = [
        row_of(info, frames, truth)
        for info, frames, truth in zip(args.info, args.frames, args.truth, strict=True)
    ]
    known = Counter((row["dataset"], row["id"]) for row in rows)
    (dataset, name), count = known.most_common(1)[0]
    if count > 1:
        raise VcmflowError(f"--info: two sequences of {dataset!r} have the id {name!r}")
    if args.out is not None:
        write_csv(args.out, COLUMNS, rows)
    if args.selection_out is not None:
        counted = zip(rows, args.settings, strict=True)
        write_selection(args.selection_out, [(r["id"], int(r["objects"]), d) for r, d in counted])


def row_of(info: Path, frames: Path, truth: Path) -> Row:
    """The row of an imported sequence; ``objects`` are those that count, over all frames.

    Args:
        info: its sequence.json.
        frames: its frames, whose path goes into the table.
        truth: its truth.json.

    Raises:
        VcmflowError: a file is missing or lacks a key.
    """
    sequence, labels = read_sequence(info), read_json(truth)
    try:
        counted = sum(not (a["iscrowd"] or a["ignore"]) for a in labels["annotations"])
    except (KeyError, TypeError):
        raise VcmflowError(f"{truth}: not a ground truth as the import writes it") from None
    values = {
        **asdict(sequence),
        "camera": sequence.camera or "",
        "objects": counted,
        "frames_path": frames,
        "truth_path": truth,
    }
    return {name: str(values[name]) for name in COLUMNS}
