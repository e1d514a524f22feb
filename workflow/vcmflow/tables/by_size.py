"""Tables 5 and 6: accuracy and fidelity per size range of the adaptive samplers (docs/paper.md 9).

A size range is one operating point (QP): from the smallest to the largest size of a sequence,
bitstream and metadata, over the sequences of both samplers. 1 KB is 1000 bytes. Scores are those of
the whole data set pooled; with several methods for a role, means over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from vcmflow.core.errors import VcmflowError
from vcmflow.core.scores import numbers, select
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Cells, Column, Table, Value, mean_of, rounded

BYTES_PER_KB = 1000
RANGES = 4

# key -> (heading, decimals); all of them are better when higher.
DETECTION: Mapping[str, tuple[str, int]] = {
    "ap_bicycle": ("AP Bicycle ↑", 4),
    "ap_person": ("AP Person ↑", 4),
    "ap_car": ("AP Car ↑", 4),
    "psnr": ("PSNR / dB ↑", 2),
    "ssim": ("SSIM ↑", 4),
}
SEGMENTATION: Mapping[str, tuple[str, int]] = {
    "jaccard": ("Jaccard ↑", 4),
    "f1": ("F1 ↑", 4),
    "psnr": ("PSNR / dB ↑", 2),
    "ssim": ("SSIM ↑", 4),
}


def detection(inputs: Inputs) -> Table:
    """Table 5: average precision per class, PSNR and SSIM, one row per operating point.

    The paper does not name the coding mode of this table.
    """
    return _build(inputs, "5", "Detection", DETECTION)


def segmentation(inputs: Inputs) -> Table:
    """Table 6: Jaccard index and F1, PSNR and SSIM, four ranges.

    Unless points are given, the four ranges are four of the points that were run, evenly spread
    from the lowest to the highest rate (of six: first, third, fourth and last).
    """
    return _build(inputs, "6", "Segmentation", SEGMENTATION, RANGES)


def spread(points: Sequence[str], count: int) -> list[str]:
    """``count`` of the given values, evenly spread by rank, both ends included."""
    if len(points) <= count:
        return list(points)
    ranks = np.floor(np.linspace(0, len(points) - 1, count) + 0.5).astype(int)
    return [points[rank] for rank in ranks]


def _build(
    inputs: Inputs,
    number: str,
    what: str,
    scores: Mapping[str, tuple[str, int]],
    ranges: int | None = None,
) -> Table:
    inputs.need("scores", "tests", "standards")
    task, _ = inputs.chosen_task()
    roles = {"standard": inputs.standards, "ours": inputs.tests}
    names = [name for role in roles.values() for name in role]
    datasets, sequences = inputs.rows("dataset", task), inputs.rows("sequence")
    pooled = {name: select(datasets, name).set_index("point") for name in names}
    # From the lowest rate on, which is the highest QP.
    run = [
        str(point)
        for point in pooled[names[0]].sort_values("rate_bytes").index
        if all(point in rows.index for rows in pooled.values())
    ]
    for point in inputs.points:
        if point not in run:
            raise VcmflowError(
                f"table {number}: no point {point} for all of {', '.join(names)}; there are "
                f"{', '.join(run)}"
            )
    wanted = [point for point in run if point in inputs.points]
    points = wanted or (spread(run, ranges) if ranges else run)
    columns = _columns(roles, scores)
    rows: list[dict[str, Value]] = []
    for point in points:
        of_point = pd.concat([select(sequences, name, point) for name in names])
        sizes = of_point["rate_bytes"] / BYTES_PER_KB
        row: dict[str, Value] = {"size_kb_low": float(sizes.min())}
        row |= {"size_kb_high": float(sizes.max()), "qp": point}
        row |= {"sequences": int(of_point["sequence"].nunique())}
        for score in scores:
            for role, members in roles.items():
                row[f"{score}_{role}"] = mean_of(
                    numbers(pooled[name].loc[[point]], score)[0] for name in members
                )[0]
        rows.append(row)
    summary: dict[str, Value] = {"size_kb_low": "mean", "size_kb_high": "mean", "qp": ""}
    for score in scores:
        for role in roles:
            key = f"{score}_{role}"
            summary[key] = mean_of(value for r in rows if isinstance(value := r[key], float))[0]
    rows.append(summary)
    several = " (mean of both)" if len(inputs.tests) > 1 else ""
    caption = (
        f"{what} and reconstruction by size of the coded sequence, "
        f"{inputs.codecs(names)}{several}. One row per operating point (QP); sizes in KB "
        "(1000 bytes) from the smallest to the largest sequence of both methods, bitstream and "
        "metadata. Standard: "
        f"`{inputs.titles.of(inputs.standards[0])}`; ours: `{inputs.titles.of(inputs.tests[0])}`. "
        "Higher is better; bold: the better of the two."
    )
    return Table(
        label=f"table{number}",
        number=f"Table {number}",
        caption=inputs.caption(caption, task),
        columns=columns,
        rows=rows,
        bold=_better(rows, columns, scores),
        summary_from=len(rows) - 1,
    )


def _columns(roles: Iterable[str], scores: Mapping[str, tuple[str, int]]) -> list[Column]:
    columns = [
        Column("size_kb_low", "from", 2, "Size / KB", names_row=True),
        Column("size_kb_high", "to", 2, "Size / KB", names_row=True),
    ]
    columns += [
        Column(f"{score}_{role}", role, decimals, heading)
        for score, (heading, decimals) in scores.items()
        for role in roles
    ]
    return [*columns, Column("qp"), Column("sequences")]


def _better(
    rows: Sequence[Cells], columns: Sequence[Column], scores: Mapping[str, object]
) -> frozenset[tuple[int, str]]:
    by_key = {column.key: column for column in columns}
    bold: set[tuple[int, str]] = set()
    for index, row in enumerate(rows):
        for score in scores:
            # Compared as printed: what looks equal is not called better.
            texts = {
                key: rounded(row[key], by_key[key])
                for key in (f"{score}_standard", f"{score}_ours")
            }
            if all(texts.values()):
                best = max(texts, key=lambda key: float(texts[key]))
                if len({float(text) for text in texts.values()}) == 2:
                    bold.add((index, best))
    return frozenset(bold)
