"""Weights of the mini models: safetensors files, checked name by name before they are used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file

HEADER = "vcmflow"


def save_weights(path: Path, module: nn.Module, model: str, notes: Mapping[str, Any]) -> None:
    """Write a module's parameters and buffers in half precision, whole or not at all.

    Half precision halves the file and costs no measurable accuracy; the same values are what every
    later run computes with (in single precision).

    Args:
        path: the ``.safetensors`` to write.
        module: its state dict is stored; integer buffers (batch counters) are left out.
        model: registered name, checked on loading.
        notes: what made these weights, kept in the header as JSON.
    """
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in module.state_dict().items()
        if value.is_floating_point()
    }
    # One entry: safetensors writes several in an order that changes from run to run.
    header = {"model": model, "notes": dict(notes)}
    metadata = {HEADER: json.dumps(header, sort_keys=True)}
    with whole_file(path) as temporary:
        temporary.write_bytes(save(tensors, metadata))


def load_weights(path: Path, module: nn.Module, model: str) -> None:
    """Fill a module from a file that ``save_weights`` wrote.

    Raises:
        VcmflowError: the file is missing, damaged, of another model, or lacks a tensor, has one too
            many or one of another shape.
    """
    expected = {
        name: value for name, value in module.state_dict().items() if value.is_floating_point()
    }
    if not path.is_file():
        raise VcmflowError(
            f"{path}: no such weights file; `vcmflow train --model {model}` makes it"
        )
    try:
        with safe_open(str(path), framework="pt") as file:
            found = _model_name((file.metadata() or {}).get(HEADER, ""))
            if found != model:
                raise VcmflowError(f"{path}: weights of {found or 'an unknown model'}, not {model}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise VcmflowError(f"{path}: damaged weights file ({error})") from None
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


def _model_name(header: str) -> str | None:
    """Return the model that the header of a weights file names, if it names one."""
    try:
        return str(json.loads(header)["model"])
    except (ValueError, KeyError, TypeError):
        return None


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
