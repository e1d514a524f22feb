"""What figures are drawn from, read and checked: scores, decisions, embeddings, task results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.runs import Run, read_run

_TEXT = ("dataset", "scene", "sequence", "sampler", "mode")


@dataclass(frozen=True)
class Inputs:
    """The files and choices given for one figure; each figure uses a few of them."""

    figure: str
    note: str = ""
    scenes: tuple[Path, ...] = ()
    sequences: tuple[Path, ...] = ()
    samplers: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    qps: tuple[int, ...] = ()
    sequence: str = ""
    original: Path | None = None
    source_task: Path | None = None
    truth: Path | None = None
    recons: tuple[Path, ...] = ()
    tasks: tuple[Path, ...] = ()
    decisions: tuple[Path, ...] = ()
    embeddings: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    benchmarks: tuple[Path, ...] = ()
    logs: tuple[Path, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def need(self, *flags: str) -> None:
        """Raise if one of these flags (as on the command line, without dashes) was not given."""
        for flag in flags:
            if getattr(self, flag.replace("-", "_")) in (None, "", ()):
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


# --- scores ---------------------------------------------------------------------------------------


def read_scores(paths: Sequence[Path], columns: Sequence[str]) -> pd.DataFrame:
    """Read one or more score tables into one.

    Args:
        paths: ``score/scenes.csv`` or ``score/sequences.csv`` of one or more datasets.
        columns: the columns that must be there.

    Returns:
        All rows; names as text (empty where undefined), everything else as float64, with NaN for
        what is empty or not finite.

    Raises:
        VcmflowError: a file is missing, is not CSV, lacks a column or a row, or holds a word where
            a number belongs.
    """
    tables = []
    for path in paths:
        table = read_table(path, ",")
        for column in columns:
            if column not in table:
                raise VcmflowError(
                    f"{path}: no column {column!r}; there are {', '.join(table.columns)}"
                )
        if table.empty:
            raise VcmflowError(f"{path}: has no rows")
        for column in table.columns:
            if column in _TEXT:
                table[column] = table[column].fillna("")
            elif column in columns or column in _NUMBERS:
                table[column] = numbers(table, column, path)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


_NUMBERS = ("qp", "n", "m", "kbps", "bpp", "psnr", "ssim", "jaccard", "f1", "map", "map50")


def read_table(path: Path, separator: str) -> pd.DataFrame:
    """Read a CSV or TSV file with a header as text, NaN where a field is empty.

    Raises:
        VcmflowError: it is missing, empty, or no such table.
    """
    try:
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
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


def pick(table: pd.DataFrame, column: str, wanted: Sequence[str], where: str) -> pd.DataFrame:
    """The rows whose ``column`` is one of ``wanted`` (all rows when nothing is wanted).

    Raises:
        VcmflowError: one of the wanted values does not occur.
    """
    if not wanted:
        return table
    there = [value for value in table[column].unique() if value]
    for value in wanted:
        if value not in there:
            raise VcmflowError(f"{where}: no rows with {column} {value!r}; there are {there}")
    return table[table[column].isin(wanted)]


@dataclass(frozen=True)
class Curve:
    """Points of one rate-score curve, by ascending rate.

    ``rates`` in kbit/s and ``scores`` have one length, 0 where nothing is defined; ``missing``
    counts the points left out because their rate or score is undefined.
    """

    rates: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    missing: int

    def __len__(self) -> int:
        return len(self.rates)


def curve(rows: pd.DataFrame, score: str, rate: str = "kbps") -> Curve:
    """The curve of one sampler and mode from its rows, one per QP."""
    rates = rows[rate].to_numpy(np.float64)
    scores = rows[score].to_numpy(np.float64)
    good = np.isfinite(rates) & np.isfinite(scores) & (rates > 0)
    order = np.argsort(rates[good], kind="stable")
    return Curve(rates[good][order], scores[good][order], int((~good).sum()))


def common_units(rows: pd.DataFrame, unit: str, by: Sequence[str], score: str) -> list[str]:
    """The scenes or sequences that a panel's means are taken over: the same for all its curves.

    A unit counts if score and rate are defined at all of the curve's QPs, for every curve. A curve
    that is defined nowhere is no hindrance; its absence is told otherwise.

    Args:
        rows: all rows of the panel.
        unit: "scene" or "sequence".
        by: the columns that tell the curves apart.
        score: column of the score.
    """
    common: set[str] | None = None
    for _, own in rows.groupby(list(by), sort=True):
        qps = set(own["qp"].dropna())
        whole = {
            str(name)
            for name, part in own.groupby(unit, sort=True)
            if set(part["qp"]) >= qps and part[["kbps", score]].notna().all(axis=None)
        }
        if whole:
            common = whole if common is None else common & whole
    return sorted(common or set())


def mean_over(
    rows: pd.DataFrame, unit: str, units: Sequence[str], values: Sequence[str]
) -> pd.DataFrame:
    """Mean of ``values`` over these scenes or sequences for one curve, one row per QP, by QP.

    Empty if one of the units has no defined value.
    """
    own = rows[rows[unit].isin(list(units))]
    if not set(units) <= set(own[unit]) or own[list(values)].isna().any(axis=None):
        own = own.iloc[:0]
    return own.groupby("qp", sort=True)[list(values)].mean().reset_index()


# --- embeddings -----------------------------------------------------------------------------------


def read_embedding(path: Path) -> npt.NDArray[np.float64]:
    """Read the embeddings of one video, n x d, as float64.

    Raises:
        VcmflowError: not such an array, or it holds a value that is not finite.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except (ValueError, EOFError, OSError) as error:
        raise VcmflowError(f"{path}: not an array file ({error})") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiu":
        raise VcmflowError(f"{path}: embeddings must be n x d numbers")
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise VcmflowError(f"{path}: holds values that are not finite")
    return values


# --- task results and ground truth ----------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """One detection or one ground truth object of a frame.

    ``box`` is x, y, w, h in pixels; ``mask`` a COCO run-length encoding or None; ``object_id`` is
    constant over time for ground truth and -1 for detections.
    """

    category: int
    box: tuple[float, float, float, float]
    score: float
    mask: dict[str, Any] | None
    object_id: int = -1
    ignore: bool = False


def read_detections(path: Path, run: Run, frame: int) -> list[Shape]:
    """The detections of one frame of a run, best first.

    Raises:
        VcmflowError: the file is no file of task results, or lacks the run.
    """
    shapes = [_shape(path, entry) for entry in read_run(path, run) if _image(path, entry) == frame]
    return sorted(shapes, key=lambda shape: -shape.score)


def read_truth(path: Path, frame: int) -> tuple[list[Shape], dict[int, str]]:
    """The objects of one frame and the names of all categories from a COCO ground truth file.

    Raises:
        VcmflowError: it is not such a file.
    """
    value = read_json(path)
    try:
        names = {int(entry["id"]): str(entry["name"]) for entry in value["categories"]}
        annotations = list(value["annotations"])
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(f"{path}: not COCO ground truth (annotations, categories)") from None
    shapes = [_shape(path, entry) for entry in annotations if _image(path, entry) == frame]
    return shapes, names


def _image(path: Path, entry: Any) -> int:
    try:
        return int(entry["image_id"])
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(f"{path}: an entry has no image_id") from None


def _shape(path: Path, entry: Any) -> Shape:
    try:
        x, y, w, h = (float(number) for number in entry["bbox"])
        mask = entry.get("segmentation")
        shape = Shape(
            int(entry["category_id"]),
            (x, y, w, h),
            float(entry.get("score", 1.0)),
            mask if isinstance(mask, dict) else None,
            int(entry.get("object_id", -1)),
            bool(entry.get("ignore", 0)) or bool(entry.get("iscrowd", 0)),
        )
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(
            f"{path}: an entry lacks category_id or a bbox of four numbers"
        ) from None
    if not all(math.isfinite(number) for number in (*shape.box, shape.score)):
        raise VcmflowError(f"{path}: an entry's bbox or score is not finite")
    return shape
