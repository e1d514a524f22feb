"""Where a network runs, and how to make it give the same result every time."""

from __future__ import annotations

import os
import tempfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from vcmflow.core.errors import VcmflowError
from vcmflow.core.gpus import claim, visible_names

DEVICES = ("auto", "cpu", "cuda")

PRECISIONS: dict[str, torch.dtype] = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}


def choose_device(name: str) -> str:
    """Return "cpu" or "cuda"; "auto" takes a GPU where there is one.

    Of several GPUs, one that no other job has claimed becomes the current one, unless ``torchrun``
    started this process and says which it is.

    Raises:
        VcmflowError: an unknown name, or "cuda" where there is none.
    """
    if name not in DEVICES:
        raise VcmflowError(f"device {name!r}; allowed: {', '.join(DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise VcmflowError("device 'cuda': no usable GPU here; use --device auto or cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    count = torch.cuda.device_count() if name == "cuda" and "LOCAL_RANK" not in os.environ else 0
    if count > 1:
        place = claim(visible_names(count, os.environ), Path(tempfile.gettempdir()))
        torch.cuda.set_device(place)
    return name


def choose_precision(name: str, device: str, model: str, on_gpu: str = "fp32") -> str:
    """Return "fp32", "fp16" or "bf16", the format of a network's convolutions and products.

    Args:
        name: one of these, or "auto": "fp32" on a CPU and ``on_gpu`` on a GPU.
        device: "cpu" or "cuda".
        model: what error messages begin with.
        on_gpu: see ``name``.

    Raises:
        VcmflowError: an unknown name, or "fp16" on a CPU.
    """
    if name == "auto":
        return "fp32" if device == "cpu" else on_gpu
    if name not in PRECISIONS:
        raise VcmflowError(f"{model}: precision {name!r}; allowed: auto, {', '.join(PRECISIONS)}")
    if device == "cpu" and name == "fp16":
        raise VcmflowError(f"{model}: precision 'fp16' needs a GPU; allowed on a CPU: fp32, bf16")
    return name


def autocast(device: str, precision: str) -> AbstractContextManager[object]:
    """A context in which convolutions and products run in ``precision``."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.partition(":")[0], PRECISIONS[precision])


def set_deterministic(threads: int) -> None:
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
