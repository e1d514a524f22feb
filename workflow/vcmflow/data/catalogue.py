"""The tables of what can be downloaded: data/datasets.csv and data/weights.csv.

One row per file or archive. Both tables have ``name, url, bytes, sha256, licence``; further columns
are optional (workflow/schemas/datasets.schema.yaml explains them). Unknown sizes and digests are
empty, never guessed; ``approx_bytes`` is for estimates only.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from vcmflow.core.errors import VcmflowError

FORMATS = ("file", "zip", "tar", "tar-list")
_REQUIRED = ("name", "url", "bytes", "sha256", "licence")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        name: what it is asked for by.
        url: http or https address.
        size: bytes of the file, or None where unknown.
        sha256: digest of the file in lower case, or None where unknown.
        licence: terms in a few words.
        format: ``file``, ``zip``, ``tar``, or ``tar-list`` (a text file of addresses of archives).
        title, version, citation, page: for people.
        approx_bytes: estimated bytes to fetch where ``size`` is unknown or not all of it.
        expects: a pattern that the unpacked folder has to contain, or None.
        folder: where it usually goes, below data/, or None.
    """

    name: str
    url: str
    size: int | None
    sha256: str | None
    licence: str
    format: str = "file"
    title: str = ""
    version: str = ""
    citation: str = ""
    page: str = ""
    approx_bytes: int | None = None
    expects: str | None = None
    folder: str | None = None

    @property
    def volume(self) -> int | None:
        """Bytes to fetch, exact or estimated; None where not even an estimate is known."""
        return self.size if self.approx_bytes is None else self.approx_bytes

    def terms(self) -> str:
        """The licence line that is shown before anything is fetched."""
        what = " ".join(part for part in (self.title or self.name, self.version) if part)
        cite = f"; please cite {self.citation}" if self.citation else ""
        return f"{what}: licence: {self.licence}{cite}"


def read_catalogue(path: Path) -> dict[str, Entry]:
    """Read a table of downloads.

    Raises:
        VcmflowError: the file is missing, or a row is wrong; names the line and the column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = reader.fieldnames or []
            missing = [column for column in _REQUIRED if column not in columns]
            if missing:
                raise VcmflowError(f"{path}: column {missing[0]!r} is missing")
            entries: dict[str, Entry] = {}
            for row in reader:
                where = f"{path}: line {reader.line_num}"
                if None in row or None in row.values():
                    raise VcmflowError(f"{where}: has more or fewer values than the header")
                entry = _entry(where, row)
                if entry.name in entries:
                    raise VcmflowError(f"{where}: name {entry.name!r} stands twice")
                entries[entry.name] = entry
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such table") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise VcmflowError(f"{path}: not a CSV file in UTF-8 ({error})") from None
    return entries


def find_entry(path: Path, name: str) -> Entry:
    """The row of a table with a name.

    Raises:
        VcmflowError: there is none; the message lists those that exist.
    """
    entries = read_catalogue(path)
    if name not in entries:
        raise VcmflowError(f"{path}: no entry {name!r}; there are {', '.join(sorted(entries))}")
    return entries[name]


def total_volume(entries: Iterable[Entry]) -> tuple[int, int]:
    """(bytes to fetch as far as known or estimated, number of entries of unknown size)."""
    volumes = [entry.volume for entry in entries]
    return sum(v for v in volumes if v is not None), sum(v is None for v in volumes)


def entry_for(entries: Mapping[str, Entry], path: Path, root: Path = Path("data")) -> Entry | None:
    """The entry whose folder below ``root`` holds ``path`` or is ``path``; None if none does."""
    for entry in entries.values():
        if entry.folder and path.is_relative_to(root / entry.folder):
            return entry
    return None


def _entry(where: str, row: dict[str, str]) -> Entry:
    def text(column: str) -> str:
        return (row.get(column) or "").strip()

    def number(column: str) -> int | None:
        value = text(column)
        if not value:
            return None
        if not value.isdecimal() or int(value) == 0:
            raise VcmflowError(
                f"{where}: {column} is {value!r}; has to be a number of bytes or empty"
            )
        return int(value)

    name, url, digest = text("name"), text("url"), text("sha256").lower()
    if not _NAME.fullmatch(name):
        raise VcmflowError(f"{where}: name is {name!r}; allowed: {_NAME.pattern}")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise VcmflowError(f"{where}: url is {url!r}; has to be an http or https address")
    if digest and not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise VcmflowError(
            f"{where}: sha256 is {digest!r}; has to be 64 hexadecimal digits or empty"
        )
    if not text("licence"):
        raise VcmflowError(f"{where}: licence is empty; say under which terms the file may be used")
    if text("folder").startswith("/") or ".." in text("folder").split("/"):
        raise VcmflowError(f"{where}: folder is {text('folder')!r}; has to be below data/")
    kind = text("format") or "file"
    if kind not in FORMATS:
        raise VcmflowError(f"{where}: format is {kind!r}; allowed: {', '.join(FORMATS)}")
    return Entry(
        name=name,
        url=url,
        size=number("bytes"),
        sha256=digest or None,
        licence=text("licence"),
        format=kind,
        title=text("title"),
        version=text("version"),
        citation=text("citation"),
        page=text("page"),
        approx_bytes=number("approx_bytes"),
        expects=text("expects") or None,
        folder=text("folder") or None,
    )


def weights_table(path: Path) -> dict[str, str]:
    """The published weights that can be fetched: file name -> name of its row in the table."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["name"] for row in csv.DictReader(file)}
