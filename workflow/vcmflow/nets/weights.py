"""Weights that were trained here: safetensors files with a header that says what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact, whole_file

# One key: safetensors writes several in an order that changes from run to run.
_KEY = "vcmflow"


def write_weights(path: Path, state: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors and a header, whole or not at all; the same input gives the same bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    metadata = {_KEY: json.dumps(dict(header), sort_keys=True)}
    with whole_file(path) as temporary:
        temporary.write_bytes(save(tensors, metadata))


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`write_weights` wrote; the header of a foreign file is empty.

    Raises:
        VcmflowError: the file is missing or damaged.
    """
    if not Path(path).is_file():
        raise VcmflowError(f"{path}: no such weights file; `vcmflow stage train` makes it")
    try:
        with safe_open(str(intact(path)), framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise VcmflowError(f"{path}: damaged weights file ({error})") from None
    return state, header if isinstance(header, dict) else {}


def save_halves(path: Path, module: nn.Module, model: str, notes: Mapping[str, Any]) -> None:
    """Write a module's parameters and buffers in half precision.

    It halves the file and costs no measurable accuracy; the same values are what every later run
    computes with (in single precision).

    Args:
        path: the ``.safetensors`` to write.
        module: its state dict is stored; integer buffers (batch counters) are left out.
        model: registered name, checked on loading.
        notes: what made these weights, kept in the header.
    """
    state = module.state_dict().items()
    halves = {name: value.half() for name, value in state if value.is_floating_point()}
    write_weights(path, halves, {"model": model, "notes": dict(notes)})


def load_halves(path: Path, module: nn.Module, model: str) -> None:
    """Fill a module from a file that :func:`save_halves` wrote.

    Raises:
        VcmflowError: the file is missing, damaged, of another model, or lacks a tensor, has one too
            many or one of another shape.
    """
    tensors, header = read_weights(path)
    if header.get("model") != model:
        found = header.get("model", "an unknown model")
        raise VcmflowError(f"{path}: weights of {found}, not {model}")
    expected = {
        name: value for name, value in module.state_dict().items() if value.is_floating_point()
    }
    for name in sorted(set(expected) | set(tensors)):
        if name not in tensors or name not in expected:
            fault = "lacks" if name not in tensors else "has the unknown"
            raise VcmflowError(
                f"{path}: {fault} tensor {name}; were options changed since training?"
            )
        if tensors[name].shape != expected[name].shape:
            raise VcmflowError(
                f"{path}: tensor {name} is {tuple(tensors[name].shape)}, {model} with these "
                f"options needs {tuple(expected[name].shape)}"
            )
        if not bool(torch.isfinite(tensors[name]).all()):
            raise VcmflowError(f"{path}: tensor {name} holds values that are not finite")
    module.load_state_dict({name: value.float() for name, value in tensors.items()}, strict=False)


def fixed_weights(module: nn.Module, seed: int = 0) -> None:
    """Fill a module with random values that depend on ``seed`` alone: for tests and counts."""
    for name, value in module.state_dict().items():
        if not value.is_floating_point():
            continue
        digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:6], "big"))
        if name.endswith("running_var"):
            value.fill_(1.0)
        elif value.ndim < 2:
            value.fill_(1.0 if name.endswith("weight") else 0.0)
        else:
            fan_in = value[0].numel()
            value.copy_(torch.randn(value.shape, generator=generator) * (2 / fan_in) ** 0.5)
