"""Weights of embedding networks: safetensors files with a description, and published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file

State = dict[str, torch.Tensor]

_KEY = "vcmflow"  # one key: safetensors writes several in random order
_KIND = "embedding"


@dataclass(frozen=True)
class Description:
    """What a weights file says about its network.

    Attributes:
        dimension: length of an embedding.
        short_side: px of the frame's shorter side that it was trained at.
        training: how it was made: settings and counts, for the reader.
    """

    dimension: int
    short_side: int
    training: Mapping[str, Any] = field(default_factory=dict)


def write_weights(path: Path, state: Mapping[str, torch.Tensor], description: Description) -> None:
    """Write tensors and description as safetensors, whole or not at all; same input, same bytes."""
    metadata = {_KEY: json.dumps({"kind": _KIND, **asdict(description)}, sort_keys=True)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with whole_file(path) as temporary:
        temporary.write_bytes(save(tensors, metadata))


def read_weights(path: Path) -> tuple[State, Description]:
    """Read what :func:`write_weights` wrote.

    Raises:
        VcmflowError: the file is missing, damaged, or holds something else.
    """
    if not Path(path).is_file():
        raise VcmflowError(f"{path}: no such weights file; make it with 'vcmflow pretrain'")
    try:
        with safe_open(str(path), framework="pt") as file:
            content = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            if content.pop("kind", None) != _KIND:
                raise VcmflowError(
                    f"{path}: not the weights of an embedding network that 'vcmflow pretrain' made"
                )
            description = Description(**content)
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, json.JSONDecodeError, TypeError) as error:
        raise VcmflowError(f"{path}: damaged weights file ({error})") from None
    return state, description


def read_published(path: Path) -> State:
    """Read a checkpoint of tensors by name (``.pth`` or ``.safetensors``).

    Raises:
        VcmflowError: the file is damaged, or holds anything else.
    """
    try:
        if Path(path).suffix == ".safetensors":
            state: Any = load_file(str(path))
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load lets all kinds out of a damaged file
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise VcmflowError(f"{path}: damaged weights file ({reason})") from None
    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise VcmflowError(f"{path}: not a checkpoint of tensors by name")
    return state


def read_resnet18(path: Path) -> State:
    """Read torchvision's ResNet-18, without its classifier.

    Raises:
        VcmflowError: the file is missing, damaged, or not a ResNet-18.
    """
    if not Path(path).is_file():
        raise VcmflowError(
            f"{path}: no such weights file; it is torchvision's ResNet-18, "
            "https://download.pytorch.org/models/resnet18-f37072fd.pth"
        )
    state = read_published(path)
    if "conv1.weight" not in state:
        raise VcmflowError(f"{path}: not a ResNet-18 of torchvision")
    return {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
