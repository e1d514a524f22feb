"""Copies of the checkout, and programs run in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

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
