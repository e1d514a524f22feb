"""What ends a command: one line for whatever goes wrong outside of it, and nothing left behind."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from vcmflow.core.errors import VcmflowError

# The process that a job must not outlive.
PARENT = "VCMFLOW_PARENT"
_PR_SET_PDEATHSIG = 1  # prctl(2)


def guarded(program: str, call: Callable[[], None]) -> int:
    """Run a command and return its exit status: 0; 2 after a one-line error; 128 + n on signal n.

    A request to end (SIGTERM, SIGINT) unwinds the stack, so that temporary files go and programs
    that were started end.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)
    if os.environ.get(PARENT, "").isdecimal():
        threading.Thread(target=_follow, args=(int(os.environ[PARENT]),), daemon=True).start()
    try:
        call()
    except (VcmflowError, OSError, ImportError, MemoryError, RuntimeError) as error:
        line = told(error)
        if line is None:
            raise
        print(f"{program}: error: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


def told(error: Exception) -> str | None:
    """The line that tells a user of an error; None for one that is a mistake in the code."""
    if isinstance(error, VcmflowError):
        return str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"{place}{error.strerror or ' '.join(str(error).split())}"
    if isinstance(error, ModuleNotFoundError):
        name = str(error.name)
        extra = (
            ""
            if name.partition(".")[0] in ("vcmflow", "vcmrender")
            else ("; pip install 'vcmflow[learn]' has all that networks need")
        )
        return f"the package {name!r} is not installed{extra}" if extra else None
    if isinstance(error, ImportError):
        return f"{error.name or 'a package'} cannot be loaded: {' '.join(str(error).split())}"
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "can't allocate memory" in text:
        return f"not enough memory{f' ({text})' if text else ''}; run fewer jobs at once"
    if "out of memory" in text:
        return (
            f"the GPU's memory is full; smaller frames or batches, or --device cpu ({text[:200]})"
        )
    return None


def lead_jobs() -> None:
    """Let the commands that this process starts from now on end with it; the Snakefile does."""
    os.environ[PARENT] = str(os.getpid())


def _end(number: int, _: Any) -> None:
    raise SystemExit(128 + number)


def _follow(parent: int) -> None:
    """End this process once another one has ended, however that was."""
    try:
        handle = os.pidfd_open(parent)
    except (AttributeError, OSError):  # not Linux, or it has ended already
        if hasattr(os, "pidfd_open"):
            os.kill(os.getpid(), signal.SIGTERM)
        return
    select.select([handle], [], [])
    os.kill(os.getpid(), signal.SIGTERM)


def die_with_parent() -> None:
    """In a program that is about to start: be killed when the thread that starts it ends."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


# Loaded beforehand: between fork and exec no lock may be taken.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
