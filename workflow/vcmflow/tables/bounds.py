"""How much there is to win by choosing frames at all: samplers among all choices."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from vcmflow.core.choices import DRAWN, EVERY, EXCHANGED, Choice, best, percentile
from vcmflow.core.means import mean_of
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value

BEST = {"psnr": "the best by PSNR", "accuracy": "the best by accuracy"}
COLUMNS = {
    "psnr_percentile": ("percentile", 1, "PSNR"),
    "psnr_gain": ("over the mean / dB", 2, "PSNR"),
    "accuracy_percentile": ("percentile", 1, "accuracy"),
    "accuracy_gain": ("over the mean / points", 2, "accuracy"),
}


def build(inputs: Inputs) -> Table:
    """A row per sampler and one for the best choices: means over the sequences.

    A percentile is the share of choices that are worse, equal ones counting half; gains are over
    the mean of the choices: in dB, and in percentage points of accuracy.
    """
    inputs.need("choices")
    samplers = dict.fromkeys(
        one.found for choices in inputs.choices for one in choices if _is_sampler(one)
    )
    rows: list[dict[str, Value]] = []
    for name in samplers:
        placed = [
            (choices, one) for choices in inputs.choices for one in choices if one.found == name
        ]
        rows.append(_row(inputs.titles.of(name), placed))
    for by, words in BEST.items():
        rows.append(_row(words, [(choices, best(choices, by)) for choices in inputs.choices]))
    count = [sum(one.found in (EVERY, DRAWN) for one in choices) for choices in inputs.choices]
    whole = sum(any(one.found == EVERY for one in choices) for choices in inputs.choices)
    caption = (
        "Samplers among all choices of as many frames, uncompressed, the others interpolated: the "
        "share of choices that are worse, and the gain over the mean of the choices (which is what "
        "choosing at random gives). Of each sequence "
        f"{min(count)} to {max(count)} choices, of {whole} of {len(count)} sequences all there "
        "are. Percentage points of the task's accuracy on the sequence; ± standard errors over the "
        "sequences. The last rows are bounds: no sampler can know them."
    )
    return Table(
        label="bounds",
        number="",
        caption=inputs.caption(caption),
        columns=[
            Column("sampler", "Sampler"),
            Column("sequences", "n"),
            *(
                Column(key, title, decimals, group, error=f"{key}_error")
                for key, (title, decimals, group) in COLUMNS.items()
            ),
            *(Column(f"{key}_error", decimals=entry[1]) for key, entry in COLUMNS.items()),
        ],
        rows=rows,
        summary_from=len(rows) - len(BEST),
    )


def _is_sampler(choice: Choice) -> bool:
    return choice.found not in (EVERY, DRAWN, EXCHANGED)


def _row(name: str, placed: Sequence[tuple[Sequence[Choice], Choice]]) -> dict[str, Value]:
    row: dict[str, Value] = {"sampler": name, "sequences": len(placed)}
    for by, unit in (("psnr", 1), ("accuracy", 100)):
        places = mean_of(percentile(choices, getattr(one, by), by) for choices, one in placed)
        gains = mean_of(
            unit * (getattr(one, by) - fmean(getattr(other, by) for other in _tried(choices)))
            for choices, one in placed
        )
        for key, mean in ((f"{by}_percentile", places), (f"{by}_gain", gains)):
            row |= {key: mean.value, f"{key}_error": mean.error}
    return row


def _tried(choices: Sequence[Choice]) -> list[Choice]:
    return [one for one in choices if one.found in (EVERY, DRAWN)]
