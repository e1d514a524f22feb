"""Rows of the plots that ``dvc plots`` draws; their looks are in ``.dvc/plots``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from vcmflow.core.rows import Row, fixed, number
from vcmflow.core.runs import SOURCE
from vcmflow.metrics.summary import ACCURACIES

RATE_ACCURACY = (
    *("dataset", "scene", "mode", "sampler", "qp", "kbps"),
    *("measure", "accuracy", "psnr", "panel"),
)
ACCURACY_M = (
    *("dataset", "mode", "qp", "sampler", "n", "m", "share"),
    *("measure", "accuracy", "kbps", "panel"),
)
SCENES = ("table", "scene", "p_map", "bd_map", "panel")
# A sampler run with another number of frames than the dataset's own.
_SWEPT = re.compile(r"^(?P<base>.+)-n[0-9]+$")


def rate_accuracy(scores: Sequence[Row]) -> Iterator[Row]:
    """One point per dataset or scene, mode, sampler and QP, without swept numbers of frames.

    Rate in kbit/s; accuracy is mAP (detection) or the mean Jaccard index (segmentation), 0..1.
    A point whose accuracy is undefined is left out.
    """
    for row in scores:
        measure = _measure(row)
        if row["sampler"] == SOURCE or _SWEPT.match(row["sampler"]) or measure is None:
            continue
        yield {
            **{key: row[key] for key in RATE_ACCURACY if key in row},
            "measure": measure,
            "accuracy": row[measure],
            "panel": f"{row['dataset']}, {row['mode']}, {measure}",
        }


def accuracy_m(scores: Sequence[Row]) -> Iterator[Row]:
    """Accuracy against the share m/n of kept frames, at the mode and QPs that were swept.

    The samplers ``name`` and ``name-n<k>`` make the curve of ``name``. Without a sweep the
    dataset's own share is the only point of a run; experiments put several beside each other.
    """
    swept = {
        (row["dataset"], row["mode"], row["qp"]) for row in scores if _SWEPT.match(row["sampler"])
    }
    own = {(row["dataset"], row["mode"], row["qp"]) for row in scores if row["mode"]}
    without = {key for key in own if key[0] not in {dataset for dataset, _, _ in swept}}
    for row in scores:
        measure = _measure(row)
        if (row["dataset"], row["mode"], row["qp"]) not in swept | without or measure is None:
            continue
        match = _SWEPT.match(row["sampler"])
        where = f"{row['dataset']}, {row['sampler']}"
        share = number(row, "m", where) / number(row, "n", where)
        yield {
            **{key: row[key] for key in ACCURACY_M if key in row},
            "sampler": match["base"] if match else row["sampler"],
            "share": fixed(share, 4),
            "measure": measure,
            "accuracy": row[measure],
            "panel": f"{row['dataset']}, {row['mode']}, QP {row['qp']}, {measure}",
        }


def scenes(differences: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    """P-mAP (percent) and BD-mAP (percentage points) per scene, of Tables 3 and 4."""
    for table, rows in differences.items():
        for row in rows:
            if row["bd_map"] or row["p_map"]:
                yield {key: row[key] for key in ("scene", "p_map", "bd_map")} | {
                    "table": table,
                    "panel": table,
                }


def _measure(row: Row) -> str | None:
    """The accuracy that a row has, if any."""
    return next((name for name in ACCURACIES if row.get(name)), None)
