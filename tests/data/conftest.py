"""Tiny datasets, and a way to import them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from data_makers import Import, Imported

from vcmflow.core.video import read_video
from vcmflow.data.importer import import_sequence
from vcmflow.data.sequences import list_sequences


@pytest.fixture
def bring(tmp_path: Path) -> Import:
    """Plan a dataset and import one of its sequences."""

    def run(dataset: dict[str, Any], identifier: str | None = None) -> Imported:
        specs = list_sequences("test", dataset)
        spec = specs[identifier] if identifier else next(iter(specs.values()))
        out = tmp_path / "out" / spec.id
        report = import_sequence(
            spec, out / "frames.mkv", out / "truth.json", out / "sequence.json"
        )
        return Imported(
            list(read_video(out / "frames.mkv")),
            json.loads((out / "truth.json").read_text("utf-8")),
            json.loads((out / "sequence.json").read_text("utf-8")),
            report,
        )

    return run
