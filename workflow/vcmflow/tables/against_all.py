"""Every sampler against coding all frames: whether dropping frames pays, scene by scene."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

from vcmflow.core.bd import bd_map, bd_rate, p_map
from vcmflow.core.errors import VcmflowError
from vcmflow.core.means import Mean, mean_of, power_of
from vcmflow.core.scores import methods_of, numbers
from vcmflow.score.registry import accuracy_of
from vcmflow.tables.differences import NO_CURVE, REMARKS, Metric
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

# row group -> (words, metric, score that it compares; empty: the task's accuracy, sign of better)
MEASURES: Mapping[str, tuple[str, Metric, str, int]] = {
    "bd_map": ("BD-mAP ↑", bd_map, "", 1),
    "p_map": ("P-mAP / % ↓", p_map, "", -1),
    "bd_rate_psnr": ("BD-rate (PSNR) / % ↓", bd_rate, "psnr", -1),
}


def build(inputs: Inputs) -> Table:
    """A row per measure and scene and its mean; a column per method that is coded like the anchor.

    BD-mAP in percentage points of the task's accuracy, P-mAP and BD-rate in percent. Methods with
    another codec or reconstructor than the anchor, or with fewer points, are left out.
    """
    inputs.need("scores", "anchors")
    if len(inputs.anchors) != 1:
        raise VcmflowError("table against_all takes one --anchor")
    task, accuracy = inputs.chosen_task()
    anchor = inputs.method(inputs.anchors[0])
    scenes = inputs.rows("scene", task)
    points = scenes.groupby("method")["point"].nunique()
    names = [
        method.name
        for method in methods_of(inputs.scores).values()
        if method != anchor
        and (method.codec, method.reconstructor) == (anchor.codec, anchor.reconstructor)
        and points[method.name] == points[anchor.name]
    ]
    if not names:
        raise VcmflowError(f"table against_all: no method is coded like {anchor.name!r}")
    sequences = scenes.drop_duplicates("scene").set_index("scene")
    rows: list[dict[str, Value]] = []
    bold: set[tuple[int, str]] = set()
    gains: dict[str, tuple[Mean, list[float]]] = {}
    for key, (words, metric, score, sign) in MEASURES.items():
        anchors = inputs.curves(scenes, anchor.name, score or accuracy)
        about = {"measure": key, "shown": words}
        part: list[dict[str, Value]] = [
            {**about, "scene": scene, "n": int(numbers(sequences.loc[[scene]], "sequences")[0])}
            for _, scene in anchors
        ]
        mean_row: dict[str, Value] = {**about, "scene": "mean", "n": len(part)}
        for name in names:
            tests = inputs.curves(scenes, name, score or accuracy)
            values = []
            for row, (scene, curve) in zip(part, anchors.items(), strict=True):
                found = metric(curve, tests.get(scene, NO_CURVE), inputs.fit)
                row |= {name: found.value, f"{name}_status": found.status}
                values.append(found.value)
            mean = mean_of(values)
            mean_row |= {name: mean.value, f"{name}_error": mean.error}
            mean_row |= {f"{name}_status": mean.count}
            if mean.clear and mean.value * sign > 0:
                bold.add((len(rows) + len(part), name))
            if key == "bd_map":
                gains[name] = mean, values
        rows += [*part, mean_row]
    caption = (
        f"Every sampler against coding all frames (`{inputs.titles.of(anchor.name)}`), "
        f"{inputs.codecs([anchor.name])}. {verdict(inputs, gains)} BD-mAP in percentage points of "
        f"{accuracy_of(inputs.scores, task).titles[accuracy]}, positive = more accuracy at equal "
        "rate; P-mAP and BD-rate (over PSNR) in percent, negative = less rate at equal score; n "
        "sequences of a scene, n scenes in a mean, ± its standard error. Bold: better than all "
        "frames by more than two standard errors, over all scenes. "
        f"{_power(inputs, gains)}"
    )
    return Table(
        label="against-all",
        number="",
        caption=inputs.caption(caption, task),
        columns=[
            Column("shown", "Measure"),
            Column("scene", "Scene"),
            Column("n", "n"),
            *(
                Column(
                    *(name, inputs.titles.of(name), 2),
                    status=f"{name}_status",
                    error=f"{name}_error",
                )
                for name in names
            ),
            Column("measure"),
            *(Column(f"{name}_status") for name in names),
            *(Column(f"{name}_error", decimals=2) for name in names),
        ],
        rows=rows,
        bold=frozenset(bold),
        statuses=REMARKS,
    )


def _power(inputs: Inputs, gains: Mapping[str, tuple[Mean, list[float]]]) -> str:
    """How many scenes two samplers need to be told apart: the widest paired spread of any two."""
    pairs = [
        (one, other, mean_of(a - b for a, b in zip(gains[one][1], gains[other][1], strict=True)))
        for one, other in combinations(gains, 2)
    ]
    known = [pair for pair in pairs if not math.isnan(pair[2].error)]
    if not known:
        return ""
    one, other, widest = max(known, key=lambda pair: pair[2].scenes_for(1))
    return (
        f"Hardest to tell apart by BD-mAP, scene by scene: `{inputs.titles.of(one)}` and "
        f"`{inputs.titles.of(other)}`. {power_of(widest)}"
    )


def verdict(inputs: Inputs, gains: Mapping[str, tuple[Mean, list[float]]]) -> str:
    """In one sentence whether dropping frames pays, by BD-mAP.

    Args:
        inputs: for the words of methods.
        gains: method -> its gain over all frames: the mean, and that of each scene.
    """

    def told(sign: int) -> str:
        return ", ".join(
            f"`{inputs.titles.of(name)}` ({mean.value:.1f} ± {mean.error:.1f} points; "
            f"{sum(value * sign > 0 for value in values)} of {mean.of} scenes)"
            for name, (mean, values) in gains.items()
            if mean.clear and mean.value * sign > 0
        )

    pays, costs = told(1), told(-1)
    said = f"By BD-mAP dropping frames pays with {pays or 'no sampler'}"
    if costs:
        said += f", and loses with {costs}"
    open_ = [inputs.titles.of(name) for name, (mean, _) in gains.items() if not mean.clear]
    if open_:
        said += f"; with {', '.join(f'`{name}`' for name in open_)} the scenes do not tell"
    return f"{said}."
