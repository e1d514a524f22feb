"""Losses apart: what dropping frames costs, what coding costs, and what both cost together."""

from __future__ import annotations

import math

import pandas as pd

from vcmflow.core.errors import VcmflowError
from vcmflow.core.means import mean_of
from vcmflow.core.runs import SOURCE
from vcmflow.core.scores import methods_of, numbers
from vcmflow.score.registry import accuracy_of
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

LOSSES = {
    "dropping": "dropping frames",
    "coding": "coding all frames",
    "both": "dropping and coding",
}


def build(inputs: Inputs) -> Table:
    """A row per sampler and operating point of the anchor's codec.

    Losses are percentage points of the task's accuracy below the uncompressed frames, means over
    the scenes: with the sampler's frames uncompressed and the others rebuilt (the sampler's
    ceiling), with all frames coded, and with the sampler's frames coded and the others rebuilt.
    """
    inputs.need("scores", "anchors", "lossless")
    if len(inputs.anchors) != 1:
        raise VcmflowError("table losses takes one --anchor")
    task, accuracy = inputs.chosen_task()
    anchor = inputs.method(inputs.anchors[0])
    scenes = inputs.rows("scene", task)
    source = _by_scene(scenes, accuracy, SOURCE)
    methods = methods_of(inputs.scores).values()
    ceilings = {
        method.sampler: _by_scene(scenes, accuracy, method.name)
        for method in methods
        if method.codec in inputs.lossless and method.reconstructor == anchor.reconstructor
    }
    rows: list[dict[str, Value]] = []
    for method in methods:
        if (method.codec, method.reconstructor) != (anchor.codec, anchor.reconstructor):
            continue
        if method.sampler not in ceilings:
            continue
        points = dict.fromkeys(scenes.loc[scenes["method"] == method.name, "point"])
        for point in sorted(points, key=float):
            scores = {
                "dropping": ceilings[method.sampler],
                "coding": _by_scene(scenes, accuracy, anchor.name, point),
                "both": _by_scene(scenes, accuracy, method.name, point),
            }
            row: dict[str, Value] = {"sampler": inputs.titles.of(method.sampler), "point": point}
            for key, found in scores.items():
                mean = mean_of(
                    100 * (score - found.get(scene, math.nan)) for scene, score in source.items()
                )
                row |= {key: mean.value, f"{key}_error": mean.error, f"{key}_scenes": mean.count}
            rows.append(row)
    if not rows:
        raise VcmflowError(
            f"table losses: no sampler has a method of {anchor.codec} and one without loss"
        )
    title = accuracy_of(inputs.scores, task).titles[accuracy]
    codec = inputs.titles.of(anchor.codec)
    caption = (
        f"What is lost, and where, {codec}. Percentage points of {title} below the uncompressed "
        "frames: by dropping frames alone (those kept uncompressed, the others rebuilt: no coding "
        "can do better), by coding all frames alone, and by both; means over "
        f"{len(source)} scenes, ± their standard errors. Coding all frames takes more rate at the "
        "same operating point, which this table does not show; the frontier does."
    )
    return Table(
        label="losses",
        number="",
        caption=inputs.caption(caption, task),
        columns=[
            Column("sampler", "Sampler"),
            Column("point", inputs.titles.point(anchor.codec, "").strip()),
            *(
                Column(key, words, 2, status=f"{key}_scenes", error=f"{key}_error")
                for key, words in LOSSES.items()
            ),
            *(Column(f"{key}_error", decimals=2) for key in LOSSES),
            *(Column(f"{key}_scenes") for key in LOSSES),
        ],
        rows=rows,
    )


def _by_scene(
    scenes: pd.DataFrame, accuracy: str, method: str, point: str = ""
) -> dict[tuple[str, str], float]:
    """(Dataset, scene) -> accuracy of a method, at a point where one is named."""
    rows = scenes[(scenes["method"] == method) & ((scenes["point"] == point) | (point == ""))]
    keys = zip(rows["dataset"], rows["scene"], strict=True)
    return dict(zip(keys, numbers(rows, accuracy), strict=True))
