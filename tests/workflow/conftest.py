"""A copy of the checkout to run the workflow in, so that a test never touches real results."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def copy_checkout(target: Path) -> Path:
    """Copy what git tracks or would track, as it is in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


Runner = Callable[..., "subprocess.CompletedProcess[str]"]


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment in a copy, against the copy's own package."""
    programs = Path(sys.executable).parent
    return subprocess.run(
        [str(programs / command[0]), *command[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {
            "PYTHONPATH": str(folder / "workflow"),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        },
    )


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
