"""Loaders of datasets by name. A new layout is one module and one line here."""

from __future__ import annotations

from vcmflow.core.registry import Entry

LOADERS: dict[str, Entry] = {
    "osdar23": Entry("vcmflow.data.osdar23:osdar23"),
    "davis": Entry("vcmflow.data.davis:davis"),
    "mot17": Entry("vcmflow.data.mot17:mot17"),
    "folder": Entry("vcmflow.data.folder:folder"),
    "classes": Entry("vcmflow.data.actions:classes"),
    "ucf101": Entry("vcmflow.data.actions:ucf101"),
    "hmdb51": Entry("vcmflow.data.actions:hmdb51"),
    "kinetics": Entry("vcmflow.data.actions:kinetics"),
}
