"""What a user gets wrong is one clear line of Snakemake's before any job starts.

One of each kind: a preset, a key, a value, a name of the grid, files. tests/plan/test_check.py and
tests/config have the rest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from running import run_in, setting

pytestmark = pytest.mark.workflow

OWN = {
    **{"title": "t", "source": "local", "loader": "folder", "path": "nowhere", "keep_every": 3},
    **{"methods": ["uniform"], "tasks": [], "synthetic": False},
}
WRONG: Mapping[str, tuple[tuple[str, Any], list[str]]] = {
    "preset": (("preset", "mni"), ["preset", "'mni'", "mini", "paper", "smoke"]),
    "key": (("encode.lader", [22]), ["encode", "'lader'", "did you mean 'ladder'"]),
    "value": (
        ("data.datasets.railway.keep_every", 0),
        ["railway.keep_every", "0", "at least 1"],
    ),
    "name": (
        ("methods.uniform.codec", "vvenc"),
        ["methods.uniform.codec", "'vvenc'", "vvenc_ra"],
    ),
    "figure": (
        ("figures.detection_sequence", "none"),
        ["figures.detection_sequence", "'none'", "1_cal"],
    ),
    "figure of masks": (
        ("figures.segmentation_sequence", "none"),
        ["figures.segmentation_sequence", "'none'", "bridge"],
    ),
    "figure of embeddings": (
        ("figures.embedding_sequences", ["none"]),
        ["figures.embedding_sequences", "'none'"],
    ),
    "weights": (
        ("task.tasks.detection.weights", "models/none.safetensors"),
        ["task.tasks.detection.weights", "models/none.safetensors"],
    ),
    "folder": (("data", {"use": ["own"], "datasets": {"own": OWN}}), ["nowhere"]),
}


@pytest.fixture(scope="module")
def said(checkout: Path) -> dict[str, tuple[int, str]]:
    """What a dry run of each says, and its exit status; side by side, since they only read."""

    def plan(case: str) -> tuple[int, str]:
        key, value = WRONG[case][0]
        done = run_in(checkout, "snakemake", "-n", "--config", setting(key, value))
        return done.returncode, done.stdout + done.stderr  # a dry run says everything on stdout

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(WRONG, pool.map(plan, WRONG), strict=True))


@pytest.mark.parametrize("case", WRONG)
def test_one_line_names_key_value_and_what_is_allowed(
    said: dict[str, tuple[int, str]], case: str
) -> None:
    status, text = said[case]
    words = WRONG[case][1]
    assert status != 0
    assert [line for line in text.splitlines() if all(word in line for word in words)], text
    assert "Traceback" not in text
    assert "Job stats" not in text
