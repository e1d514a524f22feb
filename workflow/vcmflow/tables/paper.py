"""The paper's values beside ours: further columns in the CSV, further rows for readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import read_csv
from vcmflow.tables.layout import Block, Cells, Column, Table, Value


def read_reference(path: Path, table: Table) -> list[dict[str, Value]]:
    """Read the paper's version of a table; numbers become floats.

    Raises:
        VcmflowError: it is missing, lacks the column that rows are matched by, or has a column
            that the table does not.
    """
    rows = read_csv(path, [table.match] if table.match else [])
    known = {column.key for column in table.columns}
    for column in rows[0] if rows else []:
        if column not in known:
            raise VcmflowError(
                f"{path}: column {column!r} is not in {table.number or table.label}; allowed: "
                f"{', '.join(sorted(known))}"
            )
    return [{key: _value(text) for key, text in row.items()} for row in rows]


def _value(text: str) -> Value:
    try:
        return float(text)
    except ValueError:
        return text


def beside(table: Table, reference: Sequence[Cells]) -> Table:
    """The table with the paper's values and the differences, ours minus the paper's.

    Rows are found by the table's ``match`` column; without one, by position, the last row (the
    mean) with the last.
    """
    found = [
        column
        for column in table.columns
        if column.decimals is not None and any(column.key in row for row in reference)
    ]
    compared = [column for column in found if not column.names_row]
    paper: list[dict[str, Value]] = []
    differences: list[dict[str, Value]] = []
    rows: list[dict[str, Value]] = []
    for index, row in enumerate(table.rows):
        theirs = _counterpart(table, index, row, reference)
        words = {c.key: row.get(c.key) for c in table.shown if c.decimals is None}
        names = words | {c.key: row.get(c.key) for c in found if c.names_row}
        difference = {
            column.key: _difference(row.get(column.key), theirs.get(column.key))
            for column in compared
        }
        paper.append({**words, **{c.key: theirs.get(c.key) for c in found}})
        differences.append({**names, **difference})
        rows.append(
            {
                **row,
                **{f"{c.key}_paper": theirs.get(c.key) for c in found},
                **{f"{c.key}_difference": difference[c.key] for c in compared},
            }
        )
    columns = [
        *table.columns,
        *(Column(f"{c.key}_paper", decimals=c.decimals) for c in found),
        *(Column(f"{c.key}_difference", decimals=c.decimals) for c in compared),
    ]
    blocks = (
        Block("Values of the paper", paper),
        Block("Difference, ours minus the paper's", differences),
    )
    return replace(table, columns=columns, rows=rows, blocks=(*table.blocks, *blocks))


def _counterpart(
    table: Table, index: int, row: Cells, reference: Sequence[Cells]
) -> Mapping[str, Value]:
    if table.match:
        found = [other for other in reference if other.get(table.match) == row.get(table.match)]
        return found[0] if found else {}
    if index == len(table.rows) - 1:
        return reference[-1] if reference else {}
    return reference[index] if index < len(reference) - 1 else {}


def _difference(ours: Value, theirs: Value) -> Value:
    if isinstance(ours, float) and isinstance(theirs, float):
        return ours - theirs
    return None
