"""The sequence table: one CSV row per imported sequence, whatever the dataset.

``python -m vcmflow sequences`` writes it from the descriptions that the import wrote. Columns:
workflow/schemas/sequences.schema.yaml.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, whole_file
from vcmflow.data.ids import ID_PATTERN
from vcmflow.data.objects import write_selection
from vcmflow.data.types import TASKS

GROUND_TRUTHS = ("annotations", "pseudo", "none")


@dataclass(frozen=True)
class SequenceRow:
    """One row of the table; the fields are its columns, in order.

    Attributes:
        id: sequence id, unique within its dataset.
        dataset: name of the dataset.
        scene: scene, over which scores are pooled.
        camera: camera, or empty.
        fps: frames per second.
        frames: number of frames n.
        width, height: px.
        task: ``detection``, ``segmentation`` or ``none``.
        ground_truth: ``annotations``, ``pseudo`` or ``none``.
        objects: labelled objects that count, over all frames (0 also where the labels come later).
        frames_path: the frames' video.
        truth_path: the ground truth, COCO JSON.
    """

    id: str
    dataset: str
    scene: str
    camera: str
    fps: float
    frames: int
    width: int
    height: int
    task: str
    ground_truth: str
    objects: int
    frames_path: str
    truth_path: str


COLUMNS = tuple(field.name for field in fields(SequenceRow))
_INTEGERS = {"frames": 1, "width": 1, "height": 1, "objects": 0}


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
    if args.out is not None:
        write_table(args.out, rows)
    if args.selection_out is not None:
        counted = zip(rows, args.settings, strict=True)
        write_selection(args.selection_out, [(r.id, r.objects, digest) for r, digest in counted])


def row_of(info: Path, frames: Path, truth: Path) -> SequenceRow:
    """The row of an imported sequence.

    Args:
        info: its sequence.json.
        frames: its frames, whose path goes into the table.
        truth: its truth.json.

    Raises:
        VcmflowError: a file is missing or lacks a key.
    """
    about, labels = read_json(info), read_json(truth)
    try:
        counted = sum(not (a["iscrowd"] or a["ignore"]) for a in labels["annotations"])
        values = {name: about[name] for name in COLUMNS if name in about}
    except (KeyError, TypeError):
        raise VcmflowError(f"{truth}: not a ground truth as the import writes it") from None
    values.update(objects=counted, frames_path=str(frames), truth_path=str(truth))
    values["camera"] = values.get("camera") or ""
    missing = [name for name in COLUMNS if name not in values]
    if missing:
        raise VcmflowError(f"{info}: {missing[0]!r} is missing")
    return _row(str(info), values)


def write_table(path: Path, rows: Iterable[SequenceRow]) -> None:
    """Write a sequence table, whole or not at all.

    Raises:
        VcmflowError: two rows have the same dataset and id.
    """
    listed = list(rows)
    _check_unique(str(path), listed)
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(row) for row in listed)


def read_table(path: Path) -> list[SequenceRow]:
    """Read and check a sequence table.

    Raises:
        VcmflowError: the file is missing, has other columns, or a row is wrong; names the line and
            the column.
    """
    rows = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                found = ", ".join(reader.fieldnames or ()) or "none"
                raise VcmflowError(f"{path}: columns are {found}; have to be {', '.join(COLUMNS)}")
            for values in reader:
                where = f"{path}: line {reader.line_num}"
                if None in values or None in values.values():
                    raise VcmflowError(f"{where}: has more or fewer values than the header")
                rows.append(_row(where, values))
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such table") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise VcmflowError(f"{path}: not a CSV file in UTF-8 ({error})") from None
    _check_unique(str(path), rows)
    return rows


def _row(where: str, values: dict[str, Any]) -> SequenceRow:
    checked = dict(values)
    for name, low in _INTEGERS.items():
        try:
            checked[name] = int(values[name])
        except (TypeError, ValueError):
            checked[name] = -1
        if checked[name] < low:
            raise VcmflowError(
                f"{where}: {name} is {values[name]!r}; has to be a whole number of at least {low}"
            )
    try:
        checked["fps"] = float(values["fps"])
    except (TypeError, ValueError):
        checked["fps"] = math.nan
    if not 0 < checked["fps"] < math.inf:
        raise VcmflowError(f"{where}: fps is {values['fps']!r}; has to be a number above 0")
    for name in ("id", "scene"):
        if not ID_PATTERN.fullmatch(str(values[name])):
            raise VcmflowError(
                f"{where}: {name} is {values[name]!r}; allowed: {ID_PATTERN.pattern}"
            )
    _choice(where, "task", values["task"], TASKS)
    _choice(where, "ground_truth", values["ground_truth"], GROUND_TRUTHS)
    return SequenceRow(**checked)


def _choice(where: str, name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise VcmflowError(f"{where}: {name} is {value!r}; allowed: {', '.join(allowed)}")


def _check_unique(where: str, rows: Sequence[SequenceRow]) -> None:
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if (row.dataset, row.id) in seen:
            raise VcmflowError(f"{where}: two sequences of {row.dataset!r} have the id {row.id!r}")
        seen.add((row.dataset, row.id))
