"""The ablation: what each embedding's trajectories are like, and what sampling on it gains.

The paper compares its embedding with ImageNet's by eye (Fig. 8). This table says it in numbers, and
whether training is worth its cost beside embeddings that have none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from vcmflow.core.bd import bd_map, p_map
from vcmflow.core.errors import VcmflowError
from vcmflow.core.means import STANDARD_ERRORS, mean_of, power_of
from vcmflow.core.rows import Row, fixed, number
from vcmflow.core.scores import methods_of
from vcmflow.tables.differences import NO_CURVE, Metric
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

NO_SAMPLER = "no sampler"
NONE_DEFINED = "none defined"
NOT_KNOWN = "not known"
TOO_SHORT = "too short"
_SEED = re.compile(r"seed \d+")
_SPREAD = "± the standard error between them, which no number of scenes makes smaller"
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
ALL = {**MEASURES, **GAINS}
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
    samples = [_samples(inputs, members) for members in groups.values()]
    rows = [
        _row(name, members, own)
        for (name, members), own in zip(groups.items(), samples, strict=True)
    ]
    seeds = _trainings(rows, test)
    bold = _best(samples)
    columns = [
        Column("variant", "Variant"),
        Column("differs", "What differs"),
        *(_column(key, entry) for key, entry in MEASURES.items()),
        *(_column(key, entry) for key, entry in GAINS.items()),
        Column("params_millions", "Parameters / 10⁶", 2),
        Column("dimension", "Size"),
        Column("step_to_random_steady", decimals=4),
        *(Column(f"{key}_status") for key in ("correlation", *GAINS)),
        *(Column(f"{key}_error", decimals=entry[1]) for key, entry in ALL.items()),
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
        "training has seen, ± their standard errors: distance of neighbouring frames over that of "
        "a random pair, from all sequences and from the same one; angle between successive steps; "
        "share of frames whose nearest other frame of the sequence is adjacent in time; Spearman's "
        "rank correlation of sampling density and true content speed, both averaged over one mean "
        f"sampling step to either side ({len(known)} sequences that are long enough, of known "
        "speed and without flicker). BD-mAP in percentage points, P-mAP in percent, means over "
        "scenes. Bold: better than every other by more than two standard errors of the paired "
        "difference. "
        f"{_verdict(inputs, groups, test)}"
        + (f" The last row: means over {len(seeds)} trainings, {_SPREAD}." if seeds else "")
    )
    return Table(
        label="ablation",
        number="",
        caption=inputs.caption(caption, inputs.chosen_task()[0]),
        columns=columns,
        rows=[*rows, _of_trainings(rows[0], seeds)] if seeds else rows,
        bold=bold,
        summary_from=len(rows) if seeds else None,
        statuses=STATUSES,
    )


def _trainings(rows: Sequence[dict[str, Value]], test: str) -> list[dict[str, Value]]:
    """The proposed sampler's row and those that differ in the seed of the training alone."""
    found = [row for row in rows if row["variant"] == test or _SEED.fullmatch(str(row["differs"]))]
    return found if len(found) > 1 and found[0]["variant"] == test else []


def _of_trainings(first: dict[str, Value], rows: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """Means over trainings; the errors are those between them."""
    row = first | {
        "variant": f"{first['variant']}, {len(rows)} seeds",
        "differs": "",
        "sampler": "",
    }
    for key in (*ALL, "step_to_random_steady"):
        mean = mean_of(float(str(one[key])) for one in rows)
        row |= {key: mean.value, f"{key}_error": mean.error, f"{key}_status": mean.count}
    return row


def _column(key: str, entry: tuple[str, int, bool]) -> Column:
    status = f"{key}_status" if key == "correlation" or key in GAINS else ""
    return Column(key, entry[0], entry[1], status=status, error=f"{key}_error")


def _samples(inputs: Inputs, members: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Measure or gain -> its value per sequence or scene, of one variant."""
    steady = [member for member in members if member["flicker"] == "0"]
    found = {
        key: {
            member["sequence"]: number(member, key)
            for member in (steady if key == "correlation" else members)
        }
        for key in MEASURES
    }
    found["neighbours"] = {name: 100 * share for name, share in found["neighbours"].items()}
    found["step_to_random_steady"] = {
        member["sequence"]: number(member, "step_to_random") for member in steady
    }
    return found | {
        key: _gains(inputs, members[0]["sampler"], metric) for key, metric in METRICS.items()
    }


def _row(
    name: str, members: Sequence[Row], samples: Mapping[str, Mapping[str, float]]
) -> dict[str, Value]:
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
    for key, values in samples.items():
        mean = mean_of(values.values())
        row |= {key: mean.value, f"{key}_error": mean.error, f"{key}_status": mean.count}
        if not mean.n and key in GAINS:
            row[f"{key}_status"] = NONE_DEFINED if mean.of else NO_SAMPLER
        if not mean.n and key == "correlation":
            row[f"{key}_status"] = TOO_SHORT if mean.of else NOT_KNOWN
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


def _verdict(inputs: Inputs, groups: Mapping[str, Sequence[Row]], test: str) -> str:
    """Whether the proposed sampler beats the one on grey pixels, which needs no training."""
    grey = next((m[0] for m in groups.values() if m[0]["embedder"] == GREY and m[0]["sampler"]), {})
    ours = _gains(inputs, test, bd_map)
    theirs = _gains(inputs, grey.get("sampler", ""), bd_map)
    if test not in groups or not (set(ours) & set(theirs)):
        return "No sampler on grey pixels was run, so that nothing is said of beating it."
    differences = [ours[scene] - theirs[scene] for scene in ours if scene in theirs]
    gain = mean_of(differences)
    better, worse = (sum(sign * d > 0 for d in differences) for sign in (1, -1))
    scenes = f"better on {better} and worse on {worse} of {gain.n} scenes"
    if gain.n < 2:
        return f"Of beating grey pixels (`{grey['variant']}`) too few scenes speak: {scenes}."
    word = "neither beats nor loses to"
    if abs(gain.value) > STANDARD_ERRORS * gain.error:
        word = "beats" if gain.value > 0 else "loses to"
    return (
        f"By BD-mAP `{test}` {word} grey pixels (`{grey['variant']}`): {scenes}; the paired "
        f"difference is {fixed(gain.value, 2)} ± {gain.error:.2f}, and counts from "
        f"{STANDARD_ERRORS} standard errors on. {power_of(gain)}"
    )


def _best(
    samples: Sequence[Mapping[str, Mapping[str, float]]],
) -> frozenset[tuple[int, str]]:
    """The best of each column where paired differences tell it from every other."""
    bold: set[tuple[int, str]] = set()
    for key, (_, _, high_is_better) in ALL.items():
        means = {i: mean_of(own[key].values()).value for i, own in enumerate(samples) if own[key]}
        known = {i: mean for i, mean in means.items() if not math.isnan(mean)}
        if len(known) < 2:
            continue
        best = (max if high_is_better else min)(known, key=lambda index: known[index])
        ours = samples[best][key]
        others = [samples[index][key] for index in known if index != best]
        if all(
            mean_of(ours[unit] - other.get(unit, math.nan) for unit in ours).clear
            for other in others
        ):
            bold.add((best, key))
    return frozenset(bold)
