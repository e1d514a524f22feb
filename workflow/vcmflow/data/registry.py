"""Loaders of datasets by name. A new layout is one module and one line here."""

from __future__ import annotations

LOADERS: dict[str, str] = {
    "osdar23": "vcmflow.data.osdar23:Osdar23",
    "davis": "vcmflow.data.davis:Davis",
    "folder": "vcmflow.data.folder:Folder",
}
