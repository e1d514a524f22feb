"""What a killed run of Snakemake left in this folder goes before the next one starts."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

# Comes with Snakemake.
import psutil  # type: ignore[import-untyped]

from vcmflow.core.files import PART

LOCKS = Path(".snakemake/locks")
HELD = Path(".snakemake/vcmflow.held")


def clear_after_kill() -> IO[str] | None:
    """Remove what a killed run left in this folder; the Snakefile does it before it locks anything.

    Every run holds a lock of the kernel's on ``HELD``, which ends with its process, however that
    ends. Who finds nobody else there removes Snakemake's locks, and what was written in part.

    Returns:
        What has to stay open as long as the run goes on; None where nothing can be written.
    """
    try:
        HELD.parent.mkdir(exist_ok=True)
        held = HELD.open("w")
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(LOCKS, ignore_errors=True)
        parts = [part for name in ("results", "data") for part in Path(name).rglob(f"{PART}*")]
        if parts and not running_here(Path.cwd()):
            for part in parts:
                shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)
    except OSError:
        pass  # another run goes on, or the file system has no such locks
    with suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_SH)
    return held


def running_here(folder: Path) -> list[int]:
    """Process ids of Snakemake, and of jobs of this workflow, that run in ``folder``."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found: list[int] = []
    for process in psutil.process_iter():
        try:
            alive = process.pid not in own and process.status() != psutil.STATUS_ZOMBIE
            if alive and _is_run(process.cmdline()) and Path(process.cwd()) == folder:
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return sorted(found)


def _is_run(command: Sequence[str]) -> bool:
    """Whether a command line is `snakemake …` or `python -m vcmflow …`, by whatever Python."""
    names = [Path(word).name for word in command[:2]]
    return "snakemake" in names or list(command[1:3]) in (["-m", "vcmflow"], ["-m", "snakemake"])
