"""Where a network runs, and how to make it give the same result every time."""

from __future__ import annotations

import torch

from vcmflow.errors import VcmflowError

DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> str:
    """Return "cpu" or "cuda"; "auto" takes a GPU where there is one.

    Raises:
        VcmflowError: an unknown name, or "cuda" where there is none.
    """
    if name not in DEVICES:
        raise VcmflowError(f"device {name!r}; allowed: {', '.join(DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise VcmflowError("device 'cuda': no usable GPU here; use --device auto or cpu")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def steady(threads: int) -> None:
    """Fix the number of threads and forbid choices that vary from run to run.

    Raises:
        VcmflowError: ``threads`` below 1.
    """
    if threads < 1:
        raise VcmflowError(f"threads {threads}; allowed: 1 or more")
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
