"""What figures are drawn from, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact
from vcmflow.core.scores import read_scores
from vcmflow.core.titles import Titles


@dataclass(frozen=True)
class Inputs:
    """The files and choices given for one figure; each figure uses a few of them."""

    figure: str
    note: str = ""
    scores: tuple[Path, ...] = ()
    methods: tuple[str, ...] = ()
    task: str = ""
    points: tuple[str, ...] = ()
    curves: Mapping[str, Sequence[str]] = field(default_factory=dict)
    whole: str = ""
    titles: Titles = field(default_factory=Titles)
    sequence: str = ""
    original: Path | None = None
    source_results: Path | None = None
    truth: Path | None = None
    recons: tuple[Path, ...] = ()
    results: tuple[Path, ...] = ()
    decisions: tuple[Path, ...] = ()
    maps: tuple[Path, ...] = ()
    bits: tuple[Path, ...] = ()
    samplers: tuple[str, ...] = ()
    embeddings: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    benchmarks: tuple[Path, ...] = ()
    logs: tuple[Path, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The scores."""
        return read_scores(self.scores)

    def need(self, *flags: str) -> None:
        """Raise if one of these flags (as on the command line, without dashes) was not given."""
        for flag in flags:
            if not getattr(self, flag.replace("-", "_")):
                raise VcmflowError(f"figure {self.figure} needs --{flag}")

    def need_equal(self, first: str, *others: str) -> None:
        """Raise unless these lists have as many entries as the list ``first``."""
        count = len(getattr(self, first.replace("-", "_")))
        for other in others:
            found = len(getattr(self, other.replace("-", "_")))
            if found != count:
                raise VcmflowError(
                    f"figure {self.figure}: --{other} has {found} entries and --{first} has "
                    f"{count}; give one for each"
                )

    def option(self, key: str, default: float) -> float:
        """A numeric ``--option``, or its default."""
        value = self.options.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise VcmflowError(f"option {key}={value!r} is not a number")
        return float(value)

    def only_options(self, *allowed: str) -> None:
        """Raise if an ``--option`` was given that this figure does not know."""
        for key in self.options:
            if key not in allowed:
                names = ", ".join(allowed) if allowed else "none"
                raise VcmflowError(f"figure {self.figure} has no option {key!r}; allowed: {names}")


def read_table(path: Path, separator: str) -> pd.DataFrame:
    """Read a CSV or TSV file with a header as text, NaN where a field is empty.

    Raises:
        VcmflowError: it is missing, empty, or no such table.
    """
    try:
        return pd.read_csv(
            intact(path), sep=separator, dtype=str, keep_default_na=False, na_values=[""]
        )
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except OSError as error:
        raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise VcmflowError(f"{path}: not a table with a header line ({error})") from None


def numbers(table: pd.DataFrame, column: str, path: Path) -> pd.Series[float]:
    """A column of text as float64; empty, "nan", "NA" and infinite become NaN.

    Raises:
        VcmflowError: a field is not a number.
    """
    words = table[column].where(~table[column].isin(["nan", "NaN", "NA", "-", "None"]))
    values = pd.to_numeric(words, errors="coerce").astype("float64")
    wrong = words.notna() & values.isna()
    if wrong.any():
        row = int(np.flatnonzero(wrong.to_numpy())[0])
        raise VcmflowError(
            f"{path}: line {row + 2}, column {column!r}: {words.iloc[row]!r} is not a number"
        )
    return values.where(np.isfinite(values))
