"""The tables of what can be downloaded: data/datasets.csv and data/weights.csv.

One row per file or archive (`Entry` explains the columns). Unknown
sizes and digests are empty, never guessed; ``approx_bytes`` is for estimates only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import read_csv


def is_http(url: str) -> bool:
    """Whether this is an http or https address."""
    return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).netloc)


def _address(url: str) -> str:
    if not is_http(url):
        raise ValueError("has to be an http or https address")
    return url


def _below(folder: str) -> str:
    if folder.startswith("/") or ".." in folder.split("/"):
        raise ValueError("has to be below data/")
    return folder


class Entry(BaseModel):
    """One row of a table; empty cells are left out.

    Attributes:
        name: what it is asked for by.
        url: http or https address.
        size: bytes of the file, or None where unknown.
        sha256: digest of the file in lower case, or None where unknown.
        licence: terms in a few words.
        format: ``file``, ``zip``, ``tar``, or ``tar-list`` (a text file of addresses of archives).
        title, version, citation, note: for people.
        approx_bytes: estimated bytes to fetch where ``size`` is unknown or not all of it.
        expects: a pattern that the unpacked folder has to contain, or None.
        folder: where it usually goes, below data/, or None.
        file: name of a weights file.
        used_by: the network that the weights are for, as "detection:name key=value ...", where the
            first word may also be "segmentation", "interpolation" or "embedding".
        package: ``package/path`` of a copy that an installed Python package carries, or "".
    """

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    url: Annotated[str, AfterValidator(_address)]
    size: PositiveInt | None = Field(None, alias="bytes")
    sha256: Annotated[str, AfterValidator(str.lower), Field(pattern="^[0-9a-fA-F]{64}$")] | None = (
        None
    )
    licence: str
    format: Literal["file", "zip", "tar", "tar-list"] = "file"
    title: str = ""
    version: str = ""
    citation: str = ""
    note: str = ""
    approx_bytes: PositiveInt | None = None
    expects: str | None = None
    folder: Annotated[str, AfterValidator(_below)] | None = None
    file: Annotated[str, Field(pattern=r"^[^/]*[^/.][^/]*$")] = ""
    used_by: str = ""
    package: str = ""

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
    """Read a table of downloads: name -> row.

    Raises:
        VcmflowError: the file is missing, or a row is wrong; names the line and the column.
    """
    entries: dict[str, Entry] = {}
    for line, row in enumerate(read_csv(path, ("name", "url", "bytes", "sha256", "licence")), 2):
        cells = {key: cell.strip() for key, cell in row.items() if cell.strip()}
        try:
            entry = Entry.model_validate(cells)
        except ValidationError as error:
            first = error.errors()[0]
            column = first["loc"][0]
            message = first["msg"].removeprefix("Value error, ")
            what = f"is {cells[str(column)]!r}; {message}" if column in cells else "is empty"
            raise VcmflowError(f"{path}: line {line}: {column} {what}") from None
        if entry.name in entries:
            raise VcmflowError(f"{path}: line {line}: name {entry.name!r} stands twice")
        entries[entry.name] = entry
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


def weights_table(path: Path) -> dict[str, str]:
    """The published weights that can be fetched: file name -> name of its row in the table."""
    return {entry.file: entry.name for entry in read_catalogue(path).values()}
