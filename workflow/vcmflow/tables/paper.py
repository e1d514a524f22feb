"""The paper's values beside ours: further columns in the CSV, further rows for readers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.core.means import mean_of
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

    Rows are found by the table's ``match`` column. Of a table with an ``axis``, the paper's values
    are those at the same place on it: interpolated over its logarithm, none outside its range, and
    in the last row the means of those above.
    """
    axis = table.axis or ()
    compared = [
        column
        for column in table.columns
        if column.decimals is not None
        and column.key not in axis
        and any(column.key in row for row in reference)
    ]
    if table.axis:
        theirs = _interpolated(table, table.axis, reference, [c.key for c in compared])
    else:
        theirs = [_matched(table.match, row, reference) for row in table.rows]
    differences = [
        {c.key: _difference(row.get(c.key), other.get(c.key)) for c in compared}
        for row, other in zip(table.rows, theirs, strict=True)
    ]
    if table.axis:
        differences[-1] = _means(differences[:-1])
    names = [c.key for c in table.shown if c.decimals is None or c.key in axis]
    words = [{key: row.get(key) for key in names} for row in table.rows]
    rows = [
        {
            **row,
            **{f"{c.key}_paper": other.get(c.key) for c in compared},
            **{f"{c.key}_difference": difference[c.key] for c in compared},
        }
        for row, other, difference in zip(table.rows, theirs, differences, strict=True)
    ]
    columns = [
        *table.columns,
        *(Column(f"{c.key}_paper", decimals=c.decimals) for c in compared),
        *(Column(f"{c.key}_difference", decimals=c.decimals) for c in compared),
    ]
    place = " at the same size" if table.axis else ""
    blocks = (
        Block(
            f"Values of the paper{place}",
            [
                row | {c.key: other.get(c.key) for c in compared}
                for row, other in zip(words, theirs, strict=True)
            ],
        ),
        Block(
            "Difference, ours minus the paper's",
            [row | other for row, other in zip(words, differences, strict=True)],
        ),
    )
    return replace(table, columns=columns, rows=rows, blocks=(*table.blocks, *blocks))


def _matched(key: str, row: Cells, reference: Sequence[Cells]) -> dict[str, Value]:
    return dict(next((other for other in reference if other.get(key) == row.get(key)), {}))


def _interpolated(
    table: Table, axis: tuple[str, str], reference: Sequence[Cells], keys: Sequence[str]
) -> list[dict[str, Value]]:
    """The reference at the middles of the table's ranges, and its means under the last row."""
    known = [row for row in reference if all(isinstance(row.get(key), float) for key in axis)]
    known.sort(key=lambda row: _middle(row, axis))
    theirs = [_middle(row, axis) for row in known]
    ours = [_middle(row, axis) for row in table.rows[:-1]]
    values = {
        key: np.interp(
            ours, theirs, [_number(row.get(key)) for row in known], left=math.nan, right=math.nan
        )
        for key in keys
    }
    rows: list[dict[str, Value]] = [
        {key: float(column[index]) for key, column in values.items()} for index in range(len(ours))
    ]
    return [*rows, _means(rows)]


def _means(rows: Sequence[Cells]) -> dict[str, Value]:
    return (
        {key: mean_of(_number(row[key]) for row in rows).value for key in rows[0]} if rows else {}
    )


def _middle(row: Cells, axis: tuple[str, str]) -> float:
    """Logarithm of the middle of a range."""
    return math.log(math.fsum(_number(row[key]) for key in axis) / 2)


def _number(value: Value) -> float:
    return value if isinstance(value, float) else math.nan


def _difference(ours: Value, theirs: Value) -> Value:
    if isinstance(ours, float) and isinstance(theirs, float):
        return ours - theirs
    return None
