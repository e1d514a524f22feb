"""A copy of the checkout to run the workflow in, so that a test never touches real results."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import copy_checkout, run_in


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy without results, shared by the tests that only plan."""
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the smoke preset has run to its end, reports included."""
    folder = copy_checkout(tmp_path_factory.mktemp("smoke"))
    done = run_in(folder, "snakemake", "--cores", "all", "--config", "preset=smoke")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    (folder / "first-run.txt").write_text(done.stderr, "utf-8")
    return folder
