"""Tables 5 and 6: accuracy and fidelity per size range of the adaptive samplers (docs/paper.md 9).

A size range is one operating point (QP): from the smallest to the largest size of a sequence,
bitstream and metadata, over the sequences of both samplers. 1 KB is 1000 bytes. Scores are those of
the whole data set pooled; with several methods for a role, means over them. What tells the two
roles apart is their paired difference over the scenes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from vcmflow.core.errors import VcmflowError
from vcmflow.core.means import mean_of
from vcmflow.core.scores import numbers, select
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

BYTES_PER_KB = 1000
RANGES = 4

# key -> (heading, decimals); all of them are better when higher, but for how much is proposed.
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
    "f1_objects": ("F1 with false positives ↑", 4),
    "proposals": ("Proposals / frame", 2),
    "psnr": ("PSNR / dB ↑", 2),
    "ssim": ("SSIM ↑", 4),
}


def detection(inputs: Inputs) -> Table:
    """Table 5: average precision per class, PSNR and SSIM, one row per operating point.

    The paper does not name the coding mode of this table.
    """
    return _build(inputs, "5", "Detection", DETECTION)


def segmentation(inputs: Inputs) -> Table:
    """Table 6: Jaccard index and F1, F1 with false positives, PSNR and SSIM, four ranges.

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
    scenes = inputs.rows("scene", task)
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
    differences: list[dict[str, list[float]]] = []
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
                ).value
        rows.append(row)
        differences.append({score: _paired(scenes, roles, point, score) for score in scores})
    summary: dict[str, Value] = {"size_kb_low": "mean", "size_kb_high": "mean", "qp": ""}
    for score in scores:
        for role in roles:
            key = f"{score}_{role}"
            values = [value for row in rows if isinstance(value := row[key], float)]
            summary[key] = mean_of(values).value
    rows.append(summary)
    every = {score: zip(*(own[score] for own in differences), strict=True) for score in scores}
    differences.append(
        {score: [mean_of(values).value for values in scenes] for score, scenes in every.items()}
    )
    bold: set[tuple[int, str]] = set()
    for index, (row, found) in enumerate(zip(rows, differences, strict=True)):
        for score, values in found.items():
            known = [value for value in values if not math.isnan(value)]
            mean = mean_of(known)
            row |= {f"{score}_error": mean.error, f"{score}_scenes": mean.n}
            ours, standard = row[f"{score}_ours"], row[f"{score}_standard"]
            if not isinstance(ours, float) or not isinstance(standard, float):
                continue
            if score != "proposals" and mean.clear and mean.value * (ours - standard) > 0:
                bold.add((index, f"{score}_{'ours' if mean.value > 0 else 'standard'}"))
    several = " (mean of both)" if len(inputs.tests) > 1 else ""
    caption = (
        f"{what} and reconstruction by size of the coded sequence, "
        f"{inputs.codecs(names)}{several}. One row per operating point (QP); sizes in KB "
        "(1000 bytes) from the smallest to the largest sequence of both methods, bitstream and "
        "metadata. Standard: "
        f"`{inputs.titles.of(inputs.standards[0])}`; ours: `{inputs.titles.of(inputs.tests[0])}`. "
        "Higher is better; ±: standard error of the paired difference over the scenes; bold: the "
        "better of the two, by more than two of them."
    )
    return Table(
        label=f"table{number}",
        number=f"Table {number}",
        caption=inputs.caption(caption, task),
        columns=columns,
        rows=rows,
        bold=frozenset(bold),
        summary_from=len(rows) - 1,
        axis=("size_kb_low", "size_kb_high"),
    )


def _columns(roles: Iterable[str], scores: Mapping[str, tuple[str, int]]) -> list[Column]:
    columns = [
        Column("size_kb_low", "from", 2, "Size / KB"),
        Column("size_kb_high", "to", 2, "Size / KB"),
    ]
    columns += [
        Column(
            f"{score}_{role}",
            role,
            decimals,
            heading,
            error=f"{score}_error" if role == "ours" else "",
        )
        for score, (heading, decimals) in scores.items()
        for role in roles
    ]
    columns += [Column(f"{score}_error", decimals=entry[1]) for score, entry in scores.items()]
    columns += [Column(f"{score}_scenes") for score in scores]
    return [*columns, Column("qp"), Column("sequences")]


def _paired(
    scenes: pd.DataFrame, roles: Mapping[str, Sequence[str]], point: str, score: str
) -> list[float]:
    """Ours minus standard in each scene, means over the methods of a role; NaN where undefined."""
    means = {}
    for role, members in roles.items():
        rows = pd.concat([select(scenes, name, point) for name in members])
        means[role] = (
            rows.assign(of=numbers(rows, score)).groupby(["dataset", "scene"])["of"].mean()
        )
    return [float(value) for value in means["ours"] - means["standard"]]
