"""The scores of a dataset, ``score/scores.csv``: one number per row, and its one reader.

A row says what was measured (``metric``), of what (a sequence; a scene, where ``sequence`` is
empty; the whole data set, where ``scene`` is "all"), coded how (``method`` with its sampler, codec
and reconstructor, and the codec's operating ``point``; all but the method are empty for the
uncompressed frames, method "source"), and by which ``task`` (empty for rates, fidelity and times).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from vcmflow.core.bd import Curve
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact
from vcmflow.core.rows import Row, write_csv
from vcmflow.core.runs import SOURCE

CONDITION = (
    *("dataset", "scene", "sequence"),
    *("method", "sampler", "codec", "reconstructor", "point"),
)
COLUMNS = (*CONDITION, "task", "metric", "value", "status")
ALL_SCENES = "all"
UNDEFINED, PSEUDO = "undefined", "pseudo"
# status -> meaning; PSEUDO: ground truth is what the same model finds on the uncompressed frames.
STATUSES = ("", PSEUDO, UNDEFINED)
# Metrics of no task that cannot be negative, and their decimals (None: integers).
AMOUNTS: dict[str, int | None] = {
    **dict.fromkeys(("n", "m", "m_expected", "sequences", "left_out")),
    **dict.fromkeys(("stream_bytes", "metadata_bytes", "rate_bytes")),
    **{"kbps": 4, "bpp": 6},
    **dict.fromkeys(("encode_seconds", "decode_seconds", "reconstruct_seconds"), 4),
    # Of a learned codec's networks; multiply-accumulates per pixel.
    **dict.fromkeys(("parameters", "encode_macs", "decode_macs")),
}
POSITIVE = ("n", "m", "rate_bytes", "kbps", "bpp")
FIDELITY = {"psnr": (0.0, 100.0), "psnr_kept": (0.0, 100.0), "ssim": (-1.0, 1.0)}

Level = Literal["sequence", "scene", "dataset"]


@dataclass(frozen=True)
class Method:
    """A method of the grid, with the names of the instances that it is a chain of."""

    name: str
    sampler: str
    codec: str
    reconstructor: str


def limits(metric: str) -> tuple[float, float]:
    """The lowest and the highest value that a metric of no task can have."""
    amount = metric in AMOUNTS or metric.startswith("stream_bytes.")
    return FIDELITY.get(metric, (0.0 if amount else -sys.float_info.max, sys.float_info.max))


def write_scores(path: Path, rows: Iterable[Row]) -> None:
    """Write rows with the columns ``COLUMNS``."""
    write_csv(path, COLUMNS, rows)


def read_scores(paths: Sequence[Path]) -> pd.DataFrame:
    """Read the scores of one or more datasets into one table.

    Returns:
        The columns ``COLUMNS``: text, and ``value`` as float64, NaN where it is undefined.

    Raises:
        VcmflowError: a file is missing, is no table of scores, has no rows, has a value that cannot
            be, a value twice, or lacks conditions that it has elsewhere.
    """
    tables = []
    for path in paths:
        try:
            table = pd.read_csv(intact(path), dtype=str, keep_default_na=False, na_filter=False)
        except FileNotFoundError:
            raise VcmflowError(f"{path}: no such file") from None
        except OSError as error:
            raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None
        except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise VcmflowError(f"{path}: not a table with a header line ({reason})") from None
        tables.append(_checked(table, path))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*COLUMNS])
    twice = table.duplicated([*CONDITION, "task", "metric"])
    if twice.any():
        row = table[twice].iloc[0]
        what = ", ".join(str(row[name]) for name in (*CONDITION, "task", "metric") if row[name])
        raise VcmflowError(f"{', '.join(map(str, paths))}: the value of {what} is given twice")
    return table


def _checked(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    for column in COLUMNS:
        if column not in table:
            raise VcmflowError(
                f"{path}: no column {column!r}; there are {', '.join(map(str, table))}"
            )
    for name in table.columns:
        if name not in COLUMNS:
            raise VcmflowError(f"{path}: unknown column {name!r}; allowed: {', '.join(COLUMNS)}")
    if table.empty:
        raise VcmflowError(f"{path}: has no rows")
    words = table["value"]
    values = pd.to_numeric(words.where(words != ""), errors="coerce").astype("float64")
    bounds = np.array([limits(metric) for metric in table["metric"]])
    bounds[(table["task"] != "").to_numpy()] = -np.inf, np.inf
    positive = table["metric"].isin(POSITIVE)
    for wrong, rule in (
        (~table["status"].isin(STATUSES), "a status is empty, pseudo or undefined"),
        ((words != "") & ~np.isfinite(values), "a value is a finite number"),
        ((words == "") & (table["status"] != UNDEFINED), "a row without a value is undefined"),
        ((values < bounds[:, 0]) | (values > bounds[:, 1]), "it cannot be so low or so high"),
        (positive & ~(values > 0), "it has to be positive"),
        ((table["dataset"] == "") | (table["method"] == ""), "it needs a dataset and a method"),
        (table["metric"] == "", "it needs a metric"),
    ):
        if wrong.any():
            line = int(np.flatnonzero(wrong.to_numpy())[0])
            row = table.iloc[line]
            raise VcmflowError(
                f"{path}: line {line + 2}: {row['metric']} is {row['value']!r}, status "
                f"{row['status']!r}; {rule}"
            )
    _check_grid(table, path)
    return table.assign(value=values)


def _check_grid(table: pd.DataFrame, path: Path) -> None:
    """A table that was cut off lacks conditions in its last places, or the last places."""
    place = ["dataset", "scene", "sequence"]
    coded = table.loc[table["method"] != SOURCE, [*place, "method", "point"]].drop_duplicates()
    found: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for dataset, scene, sequence, method, point in coded.itertuples(index=False, name=None):
        found.setdefault((dataset, scene, sequence), set()).add((method, point))
    for (dataset, scene, sequence), there in found.items():
        name, pooled = sequence or scene, scene if sequence else ALL_SCENES
        for method, point in sorted(there ^ found.get((dataset, pooled, ""), set()))[:1]:
            raise VcmflowError(
                f"{path}: {name} and {pooled} do not both have {method} at {point}; is it cut off?"
            )


def wide(scores: pd.DataFrame, level: Level, task: str = "") -> pd.DataFrame:
    """One row per condition, with a column per metric.

    Args:
        scores: what :func:`read_scores` returns.
        level: rows of single sequences, of scenes, or of whole datasets.
        task: the task whose metrics are wanted beside those that belong to none.

    Returns:
        In the order of ``scores``: the columns ``CONDITION``, ``status`` ("pseudo" where a metric
        of the row has it) and the metrics, NaN where a condition has no such number.
    """
    single, pooled = scores["sequence"] != "", scores["scene"] == ALL_SCENES
    at = {"sequence": single, "scene": ~single & ~pooled, "dataset": ~single & pooled}[level]
    rows = scores[at & scores["task"].isin({"", task})]
    keys = rows.groupby([*CONDITION], sort=False).ngroup()
    table = rows.loc[~rows.duplicated([*CONDITION]), [*CONDITION]].reset_index(drop=True)
    pseudo = (rows["status"] == PSEUDO).groupby(keys).any()
    table["status"] = np.where(pseudo.reindex(table.index, fill_value=False), PSEUDO, "")
    values = rows.set_index([keys, "metric"])["value"].unstack()  # noqa: PD010 (values are unique)
    return table.join(values[[*dict.fromkeys(rows["metric"])]])


def numbers(rows: pd.DataFrame, metric: str) -> list[float]:
    """A metric of the rows of :func:`wide`; NaN for all where none has it."""
    return rows[metric].to_list() if metric in rows else [math.nan] * len(rows)


def methods_of(scores: pd.DataFrame) -> dict[str, Method]:
    """The methods in a table, by name, without that of the uncompressed frames."""
    columns = ["method", "sampler", "codec", "reconstructor"]
    rows = scores.loc[scores["method"] != SOURCE, columns].drop_duplicates()
    methods: dict[str, Method] = {}
    for row in rows.itertuples(index=False):
        method = Method(*(str(part) for part in row))
        if methods.setdefault(method.name, method) != method:
            raise VcmflowError(f"scores: {method.name!r} names two methods")
    return methods


def tasks_of(scores: pd.DataFrame) -> list[str]:
    """The tasks in a table."""
    return [str(task) for task in dict.fromkeys(scores["task"]) if task]


def one_task(scores: pd.DataFrame, task: str) -> str:
    """The task asked for; with ``task=""`` the only one there is.

    Raises:
        VcmflowError: there is no such task, or the choice is open.
    """
    there = tasks_of(scores)
    name = task or (there[0] if len(there) == 1 else "")
    if name not in there:
        raise VcmflowError(f"--task {task!r}; the scores are of: {', '.join(there) or 'no task'}")
    return name


def find_method(scores: pd.DataFrame, name: str) -> Method:
    """What a method is a chain of.

    Raises:
        VcmflowError: no such method; the message lists those that there are.
    """
    methods = methods_of(scores)
    if name not in methods:
        there = ", ".join(methods) or "none"
        raise VcmflowError(f"scores: no rows of method {name!r}; there are {there}")
    return methods[name]


def select(rows: pd.DataFrame, method: str, point: str | None = None) -> pd.DataFrame:
    """The rows of a method, or those of one of its points.

    Raises:
        VcmflowError: there are none; the message lists what there is.
    """
    find_method(rows, method)
    of_method = rows[rows["method"] == method]
    if point is None:
        return of_method
    at = of_method[of_method["point"] == point]
    if at.empty:
        there = ", ".join(dict.fromkeys(of_method["point"]))
        raise VcmflowError(f"scores: {method} has no point {point!r}; there are {there}")
    return at


def curve(rows: pd.DataFrame, metric: str, rate: str = "rate_bytes") -> Curve:
    """Rate (bytes, or kbit/s for ``rate="kbps"``) against a metric, one point per row."""
    return Curve.of(numbers(rows, rate), numbers(rows, metric))


def parse_curves(text: str) -> dict[str, list[str]]:
    """Read ``{"uniform": ["uniform", "uniform-n5"]}``: name of a curve -> the methods on it.

    Raises:
        VcmflowError: something else.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise VcmflowError(f"--curves: not JSON ({error})") from None
    if not isinstance(value, dict) or not all(isinstance(names, list) for names in value.values()):
        raise VcmflowError(f"--curves {text!r}; wanted: a mapping from names to lists of methods")
    return {str(name): [str(member) for member in names] for name, names in value.items()}
