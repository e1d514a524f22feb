"""Which share of frames to keep at which rate: all operating points, and their convex hull."""

from __future__ import annotations

from vcmflow.core.errors import VcmflowError
from vcmflow.core.frontier import points_alike, sentence
from vcmflow.score.registry import accuracy_of
from vcmflow.tables.inputs import Inputs
from vcmflow.tables.layout import Column, Table, Value


def build(inputs: Inputs) -> Table:
    """A row per point, by rising rate; those on the hull are bold.

    Rate in kbit/s, accuracy that of the task with all scenes pooled.
    """
    inputs.need("scores", "anchors")
    if len(inputs.anchors) != 1:
        raise VcmflowError("table frontier takes one --anchor")
    task, accuracy = inputs.chosen_task()
    title = accuracy_of(inputs.scores, task).titles[accuracy]
    points = points_alike(inputs.rows("dataset", task), inputs.anchors[0], accuracy)
    rows: list[dict[str, Value]] = [
        {
            "kbps": float(row["kbps"]),
            "share": float(row["share"]),
            "sampler": inputs.titles.of(str(row["method"])),
            "point": str(row["point"]),
            "accuracy": float(row[accuracy]),
            "shortfall": 100 * float(row["shortfall"]),
            "on_hull": "yes" if row["on_hull"] else "",
        }
        for _, row in points.iterrows()
    ]
    codec = inputs.method(inputs.anchors[0]).codec
    caption = (
        f"Every operating point, {inputs.titles.of(codec)}, and the upper convex hull of accuracy "
        f"over log-rate: what a sender that may choose would use. {sentence(points)} {title}, all "
        "scenes pooled; below: percentage points under the hull at the same rate. Bold: on the "
        "hull."
    )
    return Table(
        label="frontier",
        number="",
        caption=inputs.caption(caption, task),
        columns=[
            Column("kbps", "kbit/s", 1),
            Column("share", "m/n", 2),
            Column("sampler", "Sampler"),
            Column("point", inputs.titles.point(codec, "").strip() or "Point"),
            Column("accuracy", title, 4),
            Column("shortfall", "below", 2),
            Column("on_hull"),
        ],
        rows=rows,
        bold=frozenset((index, "accuracy") for index, row in enumerate(rows) if row["on_hull"]),
    )
