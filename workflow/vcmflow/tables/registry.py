"""Which tables there are. A builder takes ``inputs.Inputs`` and returns a ``layout.Table``."""

from __future__ import annotations

from vcmflow.core.registry import Entry

TABLES: dict[str, Entry] = {
    "3": Entry("vcmflow.tables.differences:random_access"),
    "4": Entry("vcmflow.tables.differences:all_intra"),
    "5": Entry("vcmflow.tables.by_size:detection"),
    "6": Entry("vcmflow.tables.by_size:segmentation"),
    "7": Entry("vcmflow.tables.costs:complexity"),
    "compare": Entry("vcmflow.tables.compare:build"),
    "importance": Entry("vcmflow.tables.importance:build"),
    "against_all": Entry("vcmflow.tables.against_all:build"),
    "frontier": Entry("vcmflow.tables.frontier:build"),
    "losses": Entry("vcmflow.tables.losses:build"),
    "bounds": Entry("vcmflow.tables.bounds:build"),
    "tracks": Entry("vcmflow.tables.tracks:build"),
    "ablation": Entry("vcmflow.tables.ablation:build"),
    "accuracy": Entry("vcmflow.tables.accuracy:build"),
    "sanity": Entry("vcmflow.tables.sanity:build"),
}
