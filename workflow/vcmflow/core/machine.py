"""What this machine has, found without importing torch."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia/gpus")


def local_gpus(environment: Mapping[str, str] | None = None, driver: Path = DRIVER) -> int:
    """Return how many NVIDIA GPUs this process may use; none where the driver is missing.

    Args:
        environment: variables; those of this process by default. ``CUDA_VISIBLE_DEVICES`` limits
            what may be used, as it does for CUDA itself.
        driver: folder in which the driver lists the GPUs.
    """
    environment = os.environ if environment is None else environment
    there = len(list(driver.iterdir())) if driver.is_dir() else 0
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return there
    # CUDA stops at the first name that is none, such as -1.
    count = 0
    for name in visible.split(","):
        if not name.strip() or name.strip().startswith("-"):
            break
        count += 1
    return min(count, there)


def processors() -> int:
    """Return how many processors this process may use, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name as far as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except (OSError, UnicodeDecodeError):
        pass
    return platform.processor() or platform.machine()
