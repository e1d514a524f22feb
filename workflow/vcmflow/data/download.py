"""``vcmflow stage download``: fetch, check and unpack a dataset or a weights file.

Nothing is fetched that is there already: a file is checked against the table, a folder (also one
that is mounted or linked in) against what it is expected to contain. Archives are kept only until
they are unpacked.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import write_json
from vcmflow.data.archives import unpack
from vcmflow.data.catalogue import Entry, find_entry
from vcmflow.data.fetch import Patience, fetch

# In the top of an unpacked folder: where it came from.
MARKER = ".source.json"
_MOST_ARCHIVES = 10_000
# Beside the tables: what files were when they were first fetched.
SEEN = "seen.sha256sums"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    add = parser.add_argument
    add("--name", required=True, help="which row of the table")
    add(
        "--table",
        type=Path,
        default=Path("data/datasets.csv"),
        help="table of downloads (default: data/datasets.csv; for weights data/weights.csv)",
    )
    add("--out", required=True, type=Path, help="the file, or the folder to unpack into")
    add("--timeout", type=float, default=60.0, help="seconds of silence allowed (default: 60)")
    add(
        "--retries", type=int, default=5, help="tries without progress after the first (default: 5)"
    )


def run(args: argparse.Namespace) -> None:
    """Fetch one entry of a table."""
    if args.timeout <= 0 or args.retries < 0:
        raise VcmflowError("--timeout has to be above 0 and --retries at least 0")
    entry = find_entry(args.table, args.name)
    print(entry.terms(), file=sys.stderr, flush=True)
    patience = Patience(timeout=args.timeout, retries=args.retries)
    line = obtain(entry, args.out, patience, args.table.with_name(SEEN))
    print(line, file=sys.stderr, flush=True)


def obtain(
    entry: Entry, out: Path, patience: Patience | None = None, seen: Path | None = None
) -> str:
    """Make sure that an entry is at ``out``, and say in one line how.

    Args:
        entry: what is wanted.
        out: the file to write; for archives the folder to unpack into.
        patience: time-outs and retries.
        seen: digests of earlier downloads (``fetch``).

    Raises:
        VcmflowError: it cannot be fetched, is not what the table says, or something else is there.
    """
    if entry.format == "file":
        was_there = out.exists()
        digest = fetch(entry.url, out, entry.sha256, entry.size, patience, seen)
        known = "as expected" if entry.sha256 else "(the table has none to compare with)"
        return f"{out}: {'already there, ' if was_there else ''}sha256 {digest} {known}"
    if out.exists():
        _check_folder(entry, out)
        return f"{out}: already there, used as it is"
    if entry.format == "tar-list":
        count = _obtain_list(entry, out, patience, seen)
    else:
        count = _obtain_archive(entry, out, patience, seen)
    return f"{out}: {count} files"


def _obtain_archive(entry: Entry, out: Path, patience: Patience | None, seen: Path | None) -> int:
    archive = out.with_name(f"{out.name}.{entry.format}")
    digest = fetch(entry.url, archive, entry.sha256, entry.size, patience, seen)
    staging = out.with_name(f".{out.name}.new")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        # One level deeper, so that a top folder of the same name is taken off.
        count = unpack(archive, staging / out.name, entry.format)
        _finish(entry, staging / out.name, out, digest)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    archive.unlink()
    return count


def _obtain_list(entry: Entry, out: Path, patience: Patience | None, seen: Path | None) -> int:
    """Fetch and unpack every archive of a list; those that are done are not done again."""
    staging = out.with_name(f".{out.name}.new")
    staging.mkdir(parents=True, exist_ok=True)
    listing = staging / ".list.txt"
    digest = fetch(entry.url, listing, entry.sha256, entry.size, patience, seen)
    urls = _read_list(entry, listing)
    for number, (name, url) in enumerate(urls.items(), 1):
        if (staging / name).is_dir():
            continue
        print(f"{entry.name}: archive {number} of {len(urls)}", file=sys.stderr, flush=True)
        archive = staging / f".{name}.tar"
        fetch(url, archive, None, None, patience, seen)
        unpack(archive, staging / name, "tar")
        archive.unlink()
    listing.unlink()
    _finish(entry, staging, out, digest)
    return sum(1 for path in out.rglob("*") if path.is_file())


def _read_list(entry: Entry, listing: Path) -> dict[str, str]:
    """Folder name -> address; the list is from outside, so it may only name its own server."""
    urls: dict[str, str] = {}
    host = urlsplit(entry.url).netloc
    try:
        lines = listing.read_text("utf-8").split()
    except UnicodeDecodeError:
        lines = []
    for url in lines[: _MOST_ARCHIVES + 1]:
        name = urlsplit(url).path.rpartition("/")[2].partition(".")[0]
        if urlsplit(url).netloc != host or not name.replace("_", "").replace("-", "").isalnum():
            raise VcmflowError(f"{entry.url}: lists {url!r}, which is not an archive on {host}")
        if name in urls:
            raise VcmflowError(f"{entry.url}: lists two archives named {name!r}")
        urls[name] = url
    if not urls or len(urls) > _MOST_ARCHIVES:
        raise VcmflowError(f"{entry.url}: not a list of 1 to {_MOST_ARCHIVES} archives")
    return urls


def _finish(entry: Entry, folder: Path, out: Path, digest: str) -> None:
    _check_content(entry, folder, entry.url)
    write_json(folder / MARKER, {"name": entry.name, "url": entry.url, "sha256": digest})
    folder.replace(out)


def _check_folder(entry: Entry, out: Path) -> None:
    if not out.is_dir():
        raise VcmflowError(f"{out}: is there already and is not a folder; remove it")
    marker = out / MARKER
    if marker.is_file():
        try:
            name = json.loads(marker.read_text("utf-8")).get("name")
        except (ValueError, AttributeError):
            name = None
        if name != entry.name:
            raise VcmflowError(
                f"{out}: holds {name!r}, not {entry.name!r}; remove it or use another"
            )
    _check_content(entry, out, str(out))


def _check_content(entry: Entry, folder: Path, what: str) -> None:
    pattern = entry.expects or "*"
    if next(folder.glob(pattern), None) is None:
        raise VcmflowError(f"{what}: does not hold {entry.name}: nothing in it matches {pattern}")
