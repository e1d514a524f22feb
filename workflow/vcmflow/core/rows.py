"""Score tables as CSV: read with checks, written so that reruns agree byte for byte."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact, whole_file

Row = dict[str, str]


def fixed(value: float | None, decimals: int) -> str:
    """A number with fixed decimals and no negative zero; empty for None and NaN."""
    if value is None or math.isnan(value):
        return ""
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def number(row: Mapping[str, str], column: str, where: str = "row") -> float:
    """The number in a field; NaN where it is empty.

    Raises:
        VcmflowError: the column is missing, or the field is not a finite number.
    """
    if column not in row:
        raise VcmflowError(f"{where}: no column {column!r}; there are {', '.join(row)}")
    text = row[column]
    if text == "":
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise VcmflowError(f"{where}: {column} is {text!r}, which is not a finite number")
    return value


def whole_number(row: Mapping[str, str], column: str, where: str = "row") -> int:
    """The non-negative integer in a field.

    Raises:
        VcmflowError: the column is missing, or the field holds something else.
    """
    value = number(row, column, where)
    if not (value >= 0 and value == int(value)):
        raise VcmflowError(f"{where}: {column} is {row[column]!r}; allowed: 0, 1, 2, ...")
    return int(value)


def read_csv(path: Path, columns: Sequence[str]) -> list[Row]:
    """Read a CSV file with a header line as text.

    Raises:
        VcmflowError: it is missing, is not such a file, or lacks one of ``columns``.
    """
    try:
        with intact(path).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
            names = reader.fieldnames or []
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except OSError as error:
        raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise VcmflowError(f"{path}: not a CSV file ({error})") from None
    for column in columns:
        if column not in names:
            there = ", ".join(names) or "none"
            raise VcmflowError(f"{path}: no column {column!r}; there are {there}")
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise VcmflowError(f"{path}: line {line} does not have {len(names)} fields")
    return rows


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows as CSV with the given columns, whole or not at all; missing fields are empty."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
