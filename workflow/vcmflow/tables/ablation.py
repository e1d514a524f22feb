"""The ablation: what each embedding's trajectories are like, and what sampling on it gains.

The paper compares its embedding with ImageNet's by eye (Fig. 8). This table says it in numbers, and
whether training is worth its cost beside embeddings that have none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import stdev

from vcmflow.core.bd import bd_map, p_map
from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import Row, fixed, number
from vcmflow.core.scores import methods_of
from vcmflow.tables.differences import NO_CURVE, Metric
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value, mean_of

NO_SAMPLER = "no sampler"
NONE_DEFINED = "none defined"
NOT_KNOWN = "not known"
TOO_SHORT = "too short"
GREY = "grey"  # the embedder that costs next to nothing

STATUSES: Mapping[str, str] = {
    NO_SAMPLER: "no sampler of this run is built on the embedding",
    NONE_DEFINED: "the curves of no scene can be compared",
    TOO_SHORT: "no sequence of known speed is long enough to tell sampling densities apart",
    NOT_KNOWN: "the true content speed of these sequences is not known",
}
# column -> (title, decimals, whether higher is better)
MEASURES: Mapping[str, tuple[str, int, bool]] = {
    "step_to_random": ("Step / random pair ↓", 4, False),
    "step_to_own": ("Step / pair of its sequence ↓", 4, False),
    "turning": ("Turning angle / ° ↓", 1, False),
    "neighbours": ("Nearest is adjacent / % ↑", 1, True),
    "correlation": ("Density and speed, ρ ↑", 3, True),
}
GAINS: Mapping[str, tuple[str, int, bool]] = {
    "bd_map": ("BD-mAP ↑", 2, True),
    "p_map": ("P-mAP ↓", 2, False),
}
METRICS: Mapping[str, Metric] = {"bd_map": bd_map, "p_map": p_map}


def build(inputs: Inputs) -> Table:
    """One row per variant: a sampler built on an embedding, or an embedding without one.

    Measures are means over sequences, those of ``--trajectories``; the rank correlation and, in the
    CSV alone, ``step_to_random_steady`` are means over those that do not flicker. Gains are against
    the anchor, means over the scenes in which they are defined.
    """
    inputs.need("scores", "trajectories", "anchors", "tests")
    if len(inputs.anchors) != 1 or len(inputs.tests) != 1:
        raise VcmflowError("table ablation takes one --anchor and one --test")
    test = inputs.method(inputs.tests[0]).sampler
    groups: dict[str, list[Row]] = {}
    for row in inputs.trajectories:
        groups.setdefault(row["variant"], []).append(row)
    rows = [_row(inputs, name, members) for name, members in groups.items()]
    columns = [
        Column("variant", "Variant"),
        Column("differs", "What differs"),
        *(_column(key, entry) for key, entry in MEASURES.items()),
        _column("bd_map", GAINS["bd_map"]),
        Column("bd_map_error", "± s. e.", 2),
        _column("p_map", GAINS["p_map"]),
        Column("p_map_error", "± s. e.", 2),
        Column("params_millions", "Parameters / 10⁶", 2),
        Column("dimension", "Size"),
        Column("step_to_random_steady", decimals=4),
        *(Column(f"{key}_status") for key in ("correlation", *GAINS)),
        *(Column(key) for key in ("embedding", "sampler", "sequences", "n")),
    ]
    everything = inputs.trajectories
    lengths = sorted({int(number(row, "n")) for row in everything})
    known = {row["sequence"] for row in everything if row["flicker"] == "0" and row["correlation"]}
    frames = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    caption = (
        f"Embeddings and what sampling on them gains over "
        f"`{inputs.titles.of(inputs.anchors[0])}`, {inputs.codecs(inputs.anchors)}. "
        f"First `{test}`, then what differs from it. Means over "
        f"{len({row['sequence'] for row in everything})} sequences of {frames} frames that no "
        "training has seen: distance of neighbouring frames over that of a random pair, from all "
        "sequences and from the same one; angle between successive steps; share of frames whose "
        "nearest other frame of the sequence is adjacent in time; Spearman's rank correlation of "
        "sampling density and true content speed, both averaged over one mean sampling step to "
        f"either side ({len(known)} sequences that are long enough, of known speed and without "
        "flicker). BD-mAP in percentage points, P-mAP in percent, means over scenes with their "
        f"standard errors. {_verdict(inputs, groups, test)}"
    )
    return Table(
        label="ablation",
        number="",
        caption=inputs.caption(caption, inputs.chosen_task()[0]),
        columns=columns,
        rows=rows,
        bold=_best(rows),
        statuses=STATUSES,
    )


def _column(key: str, entry: tuple[str, int, bool]) -> Column:
    status = f"{key}_status" if key == "correlation" or key in GAINS else ""
    return Column(key, entry[0], entry[1], status=status)


def _row(inputs: Inputs, name: str, members: Sequence[Row]) -> dict[str, Value]:
    first = members[0]
    row: dict[str, Value] = {
        "variant": name,
        "differs": first["differs"],
        "params_millions": number(first, "parameters") / 1e6,
        "dimension": int(number(first, "dimension")),
        "embedding": first["embedding"],
        "sampler": first["sampler"],
        "sequences": len(members),
        "n": sum(int(number(member, "n")) for member in members),
    }
    for key in MEASURES:
        row[key] = mean_of(number(member, key) for member in members)[0]
    row["neighbours"] = 100 * mean_of(number(member, "neighbours") for member in members)[0]
    steady = [member for member in members if member["flicker"] == "0"]
    row["step_to_random_steady"] = mean_of(number(one, "step_to_random") for one in steady)[0]
    row["correlation"], entered = mean_of(number(member, "correlation") for member in steady)
    row["correlation_status"] = (
        f"{entered} of {len(steady)}" if entered else TOO_SHORT if steady else NOT_KNOWN
    )
    for key, metric in METRICS.items():
        gains = _gains(inputs, first["sampler"], metric)
        row[key], row[f"{key}_status"] = _mean_gain(gains)
        row[f"{key}_error"] = standard_error(gains.values())
    return row


def _gains(inputs: Inputs, sampler: str, metric: Metric) -> dict[str, float]:
    """Scene -> difference to the anchor, NaN where undefined; empty without such a sampler.

    The sampler's method is the one that differs from the anchor in nothing else.
    """
    anchor = inputs.method(inputs.anchors[0])
    tests = [
        method.name
        for method in methods_of(inputs.scores).values()
        if (method.sampler, method.codec, method.reconstructor)
        == (sampler, anchor.codec, anchor.reconstructor)
    ]
    if not tests:
        return {}
    task, accuracy = inputs.chosen_task()
    rows = inputs.rows("scene", task)
    anchors = inputs.curves(rows, anchor.name, accuracy)
    curves = inputs.curves(rows, tests[0], accuracy)
    return {
        "/".join(key): metric(curve, curves.get(key, NO_CURVE), inputs.fit).value
        for key, curve in anchors.items()
    }


def _mean_gain(gains: Mapping[str, float]) -> tuple[float, str]:
    if not gains:
        return math.nan, NO_SAMPLER
    mean, entered = mean_of(gains.values())
    return mean, f"{entered} of {len(gains)}" if entered else NONE_DEFINED


def _verdict(inputs: Inputs, groups: Mapping[str, Sequence[Row]], test: str) -> str:
    """Whether the proposed sampler beats the one on grey pixels, which needs no training."""
    grey = next((m[0] for m in groups.values() if m[0]["embedder"] == GREY and m[0]["sampler"]), {})
    ours = _gains(inputs, test, bd_map)
    theirs = _gains(inputs, grey.get("sampler", ""), bd_map)
    both = [
        (ours[scene], theirs[scene])
        for scene in ours
        if not math.isnan(ours[scene]) and not math.isnan(theirs.get(scene, math.nan))
    ]
    if not both or test not in groups:
        return "No sampler on grey pixels was run, so that nothing is said of beating it."
    mean, other = (math.fsum(values) / len(both) for values in zip(*both, strict=True))
    differences = [a - b for a, b in both]
    better, worse = (sum(sign * d > 0 for d in differences) for sign in (1, -1))
    scenes = f"better on {better} and worse on {worse} of {len(both)} scenes"
    if len(both) < 2:
        return f"Of beating grey pixels (`{grey['variant']}`) one scene says nothing: {scenes}."
    error = standard_error(differences)
    word = "neither beats nor loses to"
    if abs(mean - other) > 2 * error:
        word = "beats" if mean > other else "loses to"
    return (
        f"By BD-mAP `{test}` {word} grey pixels (`{grey['variant']}`): {mean:.2f} against "
        f"{other:.2f}, {scenes}; the difference is {fixed(mean - other, 2)} with a standard error "
        f"of {error:.2f}, and counts from two standard errors on."
    )


def standard_error(values: Iterable[float]) -> float:
    """Standard error of the mean of the values that are numbers; NaN for fewer than two."""
    known = [value for value in values if not math.isnan(value)]
    return stdev(known) / math.sqrt(len(known)) if len(known) > 1 else math.nan


def _best(rows: Sequence[Mapping[str, Value]]) -> frozenset[tuple[int, str]]:
    """The best value of each column; none where all are equal as printed."""
    bold: set[tuple[int, str]] = set()
    for key, (_, decimals, high_is_better) in {**MEASURES, **GAINS}.items():
        values = {
            index: round(value, decimals)
            for index, row in enumerate(rows)
            if isinstance(value := row[key], float) and not math.isnan(value)
        }
        if len(set(values.values())) > 1:
            best = max(values.values()) if high_is_better else min(values.values())
            bold |= {(index, key) for index, value in values.items() if value == best}
    return frozenset(bold)
