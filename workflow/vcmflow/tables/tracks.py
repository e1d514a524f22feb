"""How well the tracks behind the standard method follow the objects of the ground truth."""

from __future__ import annotations

from vcmflow.core.mot import Tracked, total
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value


def build(inputs: Inputs) -> Table:
    """One row per sequence, and one for all of them, whose measures are made of summed counts."""
    inputs.need("tracked")
    rows = [_row(one.sequence, one.counts, one.objects, one.ids) for one in inputs.tracked]
    every = inputs.tracked
    rows.append(
        _row(
            "all",
            total(one.counts for one in every),
            sum(one.objects for one in every),
            sum(one.ids for one in every),
        )
    )
    caption = (
        "Tracks of the standard method against the ground truth, on uncompressed frames: MOTA "
        "(multiple object tracking accuracy) and IDF1 (share of boxes with the right identity), by "
        "motmetrics, at an IoU of 0.5 within a class. Identities: how many objects there are, and "
        "how many the tracker takes them for. Switches: how often an object's identity changes."
    )
    return Table(
        label="tracks",
        number="",
        caption=inputs.caption(caption),
        columns=[
            Column("sequence", "Sequence"),
            Column("mota", "MOTA ↑", 3),
            Column("idf1", "IDF1 ↑", 3),
            Column("objects", "objects", group="Identities"),
            Column("ids", "tracks", group="Identities"),
            Column("switches", "Switches"),
            *(Column(name) for name in ("boxes", "misses", "false_positives")),
        ],
        rows=rows,
        summary_from=len(rows) - 1,
    )


def _row(sequence: str, counts: Tracked, objects: int, ids: int) -> dict[str, Value]:
    return {
        "sequence": sequence,
        "mota": counts.mota,
        "idf1": counts.idf1,
        "objects": objects,
        "ids": ids,
        "switches": counts.switches,
        "boxes": counts.boxes,
        "misses": counts.misses,
        "false_positives": counts.false_positives,
    }
