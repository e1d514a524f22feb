"""A table as values, and how it is written: CSV for machines, Markdown and LaTeX for readers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from vcmflow.core.files import whole_file
from vcmflow.core.rows import fixed, write_csv

Value = str | int | float | None
Cells = Mapping[str, Value]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: its name in the CSV.
        title: its heading for readers; empty for a column that only the CSV has.
        decimals: of its numbers for readers; the CSV has two more. None for text and counts.
        group: heading over neighbouring columns.
        status: key of the column that holds the status of its values, if there is one.
        error: key of the column that holds their standard errors, which readers see behind a ±; a
            number then has no more digits than its error allows.
    """

    key: str
    title: str = ""
    decimals: int | None = None
    group: str = ""
    status: str = ""
    error: str = ""


@dataclass(frozen=True)
class Block:
    """Further rows under the table, in the same columns, with a heading of their own."""

    title: str
    rows: Sequence[Cells]


@dataclass(frozen=True)
class Table:
    """A table ready to be written.

    Attributes:
        label: file-safe name, for LaTeX's label.
        number: as it is cited, such as "Table 3"; empty for tables that the paper does not have.
        caption: what it shows, with units, on which data.
        columns: all columns, in the CSV's order.
        rows: one mapping per row, by column key; NaN and None stand for "no value".
        match: column by whose value rows are found again in the paper's table.
        axis: instead, the columns of a range at whose middle the paper's values are interpolated.
        bold: (row number, column key) of the values to stress.
        summary_from: number of the first row that sums up the others; a rule goes before it.
        statuses: status -> explanation; a value whose status is among them gets a mark.
        blocks: further rows for readers.
    """

    label: str
    number: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Cells]
    match: str = ""
    axis: tuple[str, str] | None = None
    bold: frozenset[tuple[int, str]] = frozenset()
    summary_from: int | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)
    blocks: Sequence[Block] = ()

    @property
    def shown(self) -> list[Column]:
        """The columns for readers."""
        return [column for column in self.columns if column.title]


def write_table_csv(path: Path, table: Table) -> None:
    """Write all columns as CSV."""
    write_csv(
        path,
        [column.key for column in table.columns],
        ({c.key: _csv_text(row.get(c.key), c) for c in table.columns} for row in table.rows),
    )


def _csv_text(value: Value, column: Column) -> str:
    if isinstance(value, float):
        return fixed(value, 6 if column.decimals is None else column.decimals + 2)
    return "" if value is None else str(value)


def rounded(value: Value, column: Column) -> str:
    """A value as readers see it, with an ASCII minus; empty for no value."""
    if isinstance(value, float):
        return fixed(value, 2 if column.decimals is None else column.decimals)
    return "" if value is None else str(value)


# --- for readers ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Style:
    """How one output format writes things."""

    text: Callable[[str], str]
    number: Callable[[str], str]
    bold: Callable[[str], str]
    mark: Callable[[str], str]


_FEWER = re.compile(r"(\d+) of (\d+)")


class _Marks:
    """Letters for statuses, in the order in which they first occur.

    A mean whose status is "7 of 9" is marked, too; one over all that there are is not.
    """

    def __init__(self, table: Table) -> None:
        self._explained = table.statuses
        self.letters: dict[str, str] = {}

    def of(self, status: Value) -> str:
        if not isinstance(status, str):
            return ""
        counts = _FEWER.fullmatch(status)
        if status not in self._explained and (counts is None or counts[1] == counts[2]):
            return ""
        return self.letters.setdefault(status, chr(ord("a") + len(self.letters)))

    def notes(self) -> Iterator[tuple[str, str]]:
        for status, letter in self.letters.items():
            yield letter, self._explained.get(status, f"a mean over {status}")


def _cell(column: Column, row: Cells, stressed: bool, marks: _Marks, style: _Style) -> str:
    value, error = row.get(column.key), row.get(column.error)
    if isinstance(error, float) and not math.isnan(error):
        column = replace(column, decimals=_digits(error, column.decimals))
    text, spread = rounded(value, column), rounded(error, column)
    if text == "":
        text = "–" if column.decimals is not None else ""
        out = style.text(text)
    elif isinstance(value, str):
        out = style.text(text)
    else:
        out = style.number(text)
    if stressed:
        out = style.bold(out)
    if spread and text != "–":
        out += style.text(" ± ") + style.number(spread)
    letter = marks.of(row.get(column.status)) if column.status else ""
    return out + (style.mark(letter) if letter else "")


def _digits(error: float, most: int | None) -> int:
    """Decimals that leave two digits of a standard error, at most those of the column."""
    most = 2 if most is None else most
    return max(0, min(most, 1 - math.floor(math.log10(error)))) if error > 0 else most


def _cells(
    table: Table, rows: Sequence[Cells], marks: _Marks, style: _Style, stress: bool
) -> Iterator[list[str]]:
    for index, row in enumerate(rows):
        yield [
            _cell(column, row, stress and (index, column.key) in table.bold, marks, style)
            for column in table.shown
        ]


def _is_text(table: Table, column: Column) -> bool:
    return column.decimals is None and any(isinstance(r.get(column.key), str) for r in table.rows)


_MARKDOWN = _Style(
    text=lambda text: text.replace("|", "\\|"),
    number=lambda text: text.replace("-", "−"),
    bold=lambda text: f"**{text}**",
    mark=lambda letter: f"<sup>{letter}</sup>",
)


def to_markdown(table: Table) -> str:
    """The table in GitHub's Markdown, ending in a newline."""
    marks = _Marks(table)
    head = "**" + (f"{table.number}. " if table.number else "")
    first, _, rest = table.caption.partition(". ")
    lines = [f"{head}{first}.** {rest}".rstrip() if rest else f"{head}{first}**", ""]
    lines += _markdown_grid(table, _cells(table, table.rows, marks, _MARKDOWN, stress=True))
    for block in table.blocks:
        lines += ["", f"*{block.title}*", ""]
        lines += _markdown_grid(table, _cells(table, block.rows, marks, _MARKDOWN, stress=False))
    for letter, explanation in marks.notes():
        lines += ["", f"<sup>{letter}</sup> {explanation}."]
    return "\n".join(lines) + "\n"


def _markdown_grid(table: Table, rows: Iterable[Sequence[str]]) -> list[str]:
    titles = [f"{c.group}<br>{c.title}" if c.group else c.title for c in table.shown]
    rules = [":---" if _is_text(table, column) else "---:" for column in table.shown]
    lines = [_MARKDOWN.text(title) for title in titles]
    return [
        "| " + " | ".join(lines) + " |",
        "| " + " | ".join(rules) + " |",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


_TEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "<": r"$<$",
    ">": r"$>$",
    "–": "--",
    "−": "$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "°": r"$^\circ$",
    "ρ": r"$\rho$",
    "⁶": r"$^6$",
    "⌊": r"$\lfloor$",
    "⌋": r"$\rfloor$",
}


def escape_tex(text: str) -> str:
    """Text as LaTeX."""
    return "".join(_TEX_SPECIAL.get(character, character) for character in text)


_TEX = _Style(
    text=escape_tex,
    number=lambda text: text.replace("-", "$-$"),
    bold=lambda text: rf"\textbf{{{text}}}",
    mark=lambda letter: rf"\textsuperscript{{{letter}}}",
)


def to_tex(table: Table) -> str:
    """The table as a LaTeX float, ending in a newline."""
    marks = _Marks(table)
    count = len(table.shown)
    rows = _tex_rows(_cells(table, table.rows, marks, _TEX, stress=True), table.summary_from)
    for block in table.blocks:
        heading = rf"\multicolumn{{{count}}}{{l}}{{\emph{{{escape_tex(block.title)}}}}} \\"
        body = _cells(table, block.rows, marks, _TEX, stress=False)
        for index, row in enumerate(_tex_rows(body, table.summary_from)):
            first = "\\midrule\n" + heading + "\n" if index == 0 else ""
            rows.append([first + row[0], *row[1:]])
    titles = [(escape_tex(column.group), escape_tex(column.title)) for column in table.shown]
    grouped = any(group for group, _ in titles)
    frame = pd.DataFrame(rows, dtype=object)
    frame.columns = (
        pd.MultiIndex.from_tuples(titles) if grouped else pd.Index([title for _, title in titles])
    )
    caption = re.sub(r"`([^`]*)`", lambda m: rf"\texttt{{{m[1]}}}", escape_tex(table.caption))
    text = frame.style.hide(axis="index").to_latex(
        column_format="".join("l" if _is_text(table, c) else "r" for c in table.shown),
        position="htbp",
        position_float="centering",
        hrules=True,
        caption=caption,
        label=f"tab:{table.label}",
        multicol_align="c",
    )
    notes = [rf"\textsuperscript{{{letter}}}~{escape_tex(text)}." for letter, text in marks.notes()]
    if notes:
        foot = "\n".join([r"\par\smallskip", r"\footnotesize " + r"\quad ".join(notes), ""])
        text = text.replace(r"\end{table}", foot + r"\end{table}")
    if count > 9:
        small = "\\footnotesize\n\\setlength{\\tabcolsep}{3pt}\n"
        text = text.replace(r"\begin{tabular}", small + r"\begin{tabular}")
    return "% needs \\usepackage{booktabs}\n" + text


def _tex_rows(rows: Iterable[list[str]], summary_from: int | None) -> list[list[str]]:
    """The rows, with a rule in front of those that sum up the others."""
    found = list(rows)
    if summary_from is not None and 0 < summary_from < len(found):
        found[summary_from][0] = "\\midrule\n" + found[summary_from][0]
    return found


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, "utf-8")
