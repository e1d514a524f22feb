"""Which tables there are. A builder takes ``inputs.Inputs`` and returns a ``layout.Table``."""

from __future__ import annotations

TABLES: dict[str, str] = {
    "3": "vcmflow.tables.differences:random_access",
    "4": "vcmflow.tables.differences:all_intra",
    "5": "vcmflow.tables.by_size:detection",
    "6": "vcmflow.tables.by_size:segmentation",
    "7": "vcmflow.tables.costs:complexity",
    "ablation": "vcmflow.tables.ablation:build",
    "accuracy": "vcmflow.tables.accuracy:build",
    "sanity": "vcmflow.tables.sanity:build",
}
