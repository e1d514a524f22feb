"""Tables 5 and 6: accuracy and fidelity per size range, both adaptive samplers (spec section 9).

A size range is one QP: from the smallest to the largest size of a sequence, bitstream and metadata,
over the sequences of both samplers. 1 KB is 1000 bytes. Scores are those of the whole data set
pooled (``score pool --dataset-out``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.tables.inputs import Inputs, select, title_mode
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
    """Table 5: average precision per class, PSNR and SSIM, one row per QP.

    The paper does not name the coding mode of this table; random access unless asked otherwise.
    """
    return _build(inputs, "5", DETECTION, inputs.qps)


def segmentation(inputs: Inputs) -> Table:
    """Table 6: Jaccard index and F1, PSNR and SSIM, four ranges, random access.

    Unless QPs are given, the four ranges are four of the QPs that were run, evenly spread from
    the highest to the lowest (of six: first, third, fourth and last).
    """
    return _build(inputs, "6", SEGMENTATION, inputs.qps, RANGES)


def spread(qps: Sequence[int], count: int) -> list[int]:
    """``count`` of the given values, evenly spread by rank, both ends included."""
    if len(qps) <= count:
        return list(qps)
    ranks = np.floor(np.linspace(0, len(qps) - 1, count) + 0.5).astype(int)
    return [qps[rank] for rank in ranks]


def _build(
    inputs: Inputs,
    number: str,
    scores: Mapping[str, tuple[str, int]],
    wanted: Sequence[int],
    ranges: int | None = None,
) -> Table:
    inputs.need("sequences", "datasets")
    modes = inputs.modes or ("ra",)
    samplers = {"standard": inputs.standard, "ours": inputs.test}
    pooled = {
        (role, mode): {s.qp: s for s in select(inputs.datasets, sampler, mode)}
        for role, sampler in samplers.items()
        for mode in modes
    }
    run = sorted(set.intersection(*(set(by_qp) for by_qp in pooled.values())), reverse=True)
    for qp in wanted:
        if qp not in run:
            raise VcmflowError(
                f"table {number}: no QP {qp} for both samplers; there are "
                f"{', '.join(map(str, run))}"
            )
    qps = sorted(wanted, reverse=True) or (spread(run, ranges) if ranges else run)
    sizes: dict[int, list[float]] = {qp: [] for qp in qps}
    sequences: dict[int, set[str]] = {qp: set() for qp in qps}
    for sampler in samplers.values():
        for mode in modes:
            for score in select(inputs.sequences, sampler, mode):
                if score.qp in sizes:
                    sizes[score.qp].append(score["rate_bytes"] / BYTES_PER_KB)
                    sequences[score.qp].add(score.sequence)
    columns = _columns(samplers, scores)
    rows: list[dict[str, Value]] = []
    for qp in qps:
        if not sizes[qp]:
            raise VcmflowError(f"table {number}: --sequences has no rows at QP {qp}")
        row: dict[str, Value] = {"size_kb_low": min(sizes[qp]), "size_kb_high": max(sizes[qp])}
        row |= {"qp": qp, "sequences": len(sequences[qp])}
        for score_name in scores:
            for role in samplers:
                row[f"{score_name}_{role}"] = mean_of(
                    pooled[role, mode][qp][score_name] for mode in modes
                )[0]
        rows.append(row)
    summary: dict[str, Value] = {"size_kb_low": "mean", "size_kb_high": "mean", "qp": ""}
    for score_name in scores:
        for role in samplers:
            key = f"{score_name}_{role}"
            summary[key] = mean_of(value for r in rows if isinstance(value := r[key], float))[0]
    rows.append(summary)
    what = "Detection" if scores is DETECTION else "Segmentation"
    caption = (
        f"{what} and reconstruction by size of the coded sequence, {_modes(modes)}. One row per "
        "QP; sizes in KB (1000 bytes) from the smallest to the largest sequence of both samplers, "
        f"bitstream and metadata. Standard: `{samplers['standard']}`; ours: `{samplers['ours']}`. "
        "Higher is better; bold: the better of the two."
    )
    return Table(
        label=f"table{number}",
        number=f"Table {number}",
        caption=inputs.caption(caption, [s for by_qp in pooled.values() for s in by_qp.values()]),
        columns=columns,
        rows=rows,
        bold=_better(rows, columns, scores),
        summary_from=len(rows) - 1,
    )


def _columns(samplers: Mapping[str, str], scores: Mapping[str, tuple[str, int]]) -> list[Column]:
    columns = [
        Column("size_kb_low", "from", 2, "Size / KB", names_row=True),
        Column("size_kb_high", "to", 2, "Size / KB", names_row=True),
    ]
    columns += [
        Column(f"{score}_{role}", role, decimals, heading)
        for score, (heading, decimals) in scores.items()
        for role in samplers
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


def _modes(modes: Sequence[str]) -> str:
    return " and ".join(title_mode(mode) for mode in modes) + (
        " (mean of both)" if len(modes) > 1 else ""
    )
