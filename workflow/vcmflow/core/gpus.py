"""Which of several GPUs a process takes, when nobody has told it.

A cluster tells each job by ``CUDA_VISIBLE_DEVICES``. On one machine, jobs that run side by side
would all take the first GPU, so that each claims one with a lock that ends with its process.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def visible_names(count: int, environment: Mapping[str, str]) -> list[str]:
    """Return a name for each GPU that this process sees, the same in all processes.

    Args:
        count: how many it sees.
        environment: its variables; ``CUDA_VISIBLE_DEVICES`` renumbers the GPUs.
    """
    listed = [name.strip() for name in environment.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return [listed[i] if i < len(listed) and listed[i] else str(i) for i in range(count)]


def claim(names: Sequence[str], folder: Path) -> int:
    """Claim a GPU until this process ends, and return its place in ``names``.

    Where all are claimed, they are shared. A process that asks again gets the same one.

    Args:
        names: of the GPUs, at least one; part of a file's name.
        folder: for the locks; the same for all processes that share the GPUs.
    """
    for place, name in enumerate(names):
        path = folder / f"vcmflow-gpu-{os.getuid()}-{name.replace('/', '_')}.lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            continue
        try:
            # A record lock: it belongs to the process, which may take it twice. Never closed.
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            continue
        return place
    return os.getpid() % len(names)
