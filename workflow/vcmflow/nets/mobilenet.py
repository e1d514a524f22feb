"""MobileNetV2 without its classifier, from weights under either of the names that are in use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from torchvision.models import mobilenet_v2

from vcmflow.nets.checkpoint import load_state

FEATURES = 1280

# The first port of MobileNetV2 to PyTorch numbers a block's layers one by one; torchvision groups
# them. The first block has no expansion.
_OLD = re.compile(r"features\.(\d+)\.conv\.(\d)\.(.+)")
_FIRST = {"0": "0.0", "1": "0.1", "3": "1", "4": "2"}
_OTHERS = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2", "7": "3"}


def is_mobilenet(state: Mapping[str, torch.Tensor]) -> bool:
    """Whether weights are those of a MobileNetV2."""
    return "features.0.0.weight" in state


def load_mobilenet(state: Mapping[str, torch.Tensor], path: Path) -> nn.Module:
    """The network of some weights: normalised pictures (B, 3, H, W) to features (B, 1280).

    Args:
        state: by torchvision's names, or those of the first port.
        path: where they come from, for messages.

    Raises:
        VcmflowError: they do not fit.
    """
    with torch.device("meta"):
        network: nn.Module = mobilenet_v2(weights=None)
    network.classifier = nn.Identity()
    kept = {
        name: tensor
        for name, tensor in _renamed(state).items()
        if not name.startswith("classifier.")
    }
    load_state(network, kept, path, "torchvision's MobileNetV2")
    return network


def _renamed(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    if "features.1.conv.0.weight" not in state:
        return dict(state)
    renamed = {}
    for name, tensor in state.items():
        match = _OLD.fullmatch(name)
        if match:
            block, layer, rest = match.groups()
            layer = (_FIRST if block == "1" else _OTHERS).get(layer, layer)
            name = f"features.{block}.conv.{layer}.{rest}"
        renamed[name] = tensor
    return renamed
