"""``vcmflow stage weights``: find, check and, if asked, fetch the weights of the networks.

A file counts once it has the size and checksum of the table, where the table has them, and loads
into the network that uses it. It does not matter how it came to its place.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcmflow.core import registry
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.core.options import parse_options
from vcmflow.data.catalogue import Entry, find_entry, read_catalogue
from vcmflow.data.fetch import check_file
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.task.registry import TASKS

TABLE = Path("data/weights.csv")
FOLDER = Path("data/weights")

# PyTorch's convention: name-<first digits of the sha256>.pth
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.")


def check_weights(weights: Entry, folder: Path) -> str:
    """Check a weights file and say in one line what is known of it.

    Raises:
        VcmflowError: it is missing, is not the file of the table, or does not fit its network.
    """
    path = folder / weights.file
    if not path.exists():
        raise VcmflowError(
            f"{path}: no such file; get {weights.name} from {weights.url} "
            f"(licence: {weights.licence}) and put it there, or try --fetch"
        )
    digest = check_file(path, weights.sha256, weights.size)
    known = "as in the table" if weights.sha256 else "the table has none"
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


def fetch_weights(weights: Entry, path: Path, table: Path) -> None:
    """Copy a weights file out of the installed package that carries it, or else download it.

    Raises:
        VcmflowError: it cannot be fetched, or is not the file of the table.
    """
    carried = _carried(weights.package)
    if carried is not None:
        with whole_file(path) as temporary:
            shutil.copyfile(carried, temporary)
        return
    from vcmflow.data.download import SEEN, obtain

    obtain(weights, path, seen=table.with_name(SEEN))


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
    registries: dict[str, Mapping[str, registry.Entry]] = {
        **TASKS,
        "interpolation": RECONSTRUCTORS,
        "embedding": EMBEDDERS,
    }
    if kind not in registries:
        raise VcmflowError(f"used_by: {used_by!r} begins with none of {', '.join(registries)}")
    what = f"model for {kind}"
    return registry.build(
        registries[kind], name, what, settings, offered={"device": "cpu"}, weights=path
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add = parser.add_argument
    add("--name", nargs="+", help="rows of the table; default: those whose files are there")
    add("--folder", type=Path, default=FOLDER, help=f"where the files are (default: {FOLDER})")
    add("--table", type=Path, default=TABLE, help=f"table of weights (default: {TABLE})")
    add("--fetch", action="store_true", help="fetch what is missing")


def run(args: argparse.Namespace) -> None:
    """Check the weights files that are named, or all that are there."""
    table = read_catalogue(args.table)
    if args.name:
        found = [find_entry(args.table, name) for name in args.name]
    else:
        found = [weights for weights in table.values() if (args.folder / weights.file).is_file()]
        if not found:
            raise VcmflowError(f"{args.folder}: holds none of the files of {args.table}")
    for weights in found:
        path = args.folder / weights.file
        if args.fetch and not path.exists():
            print(weights.terms(), file=sys.stderr, flush=True)
            fetch_weights(weights, path, args.table)
        print(check_weights(weights, args.folder), file=sys.stderr, flush=True)
