"""MobileNetV2's features for inference, from either of the two published layouts of its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import nn
from torchvision.models import mobilenet_v2

from vcmflow.embed.resnet18 import count_trained

FEATURES = 1280

# The first port to PyTorch numbers a block's layers one by one; torchvision groups them. The first
# block has no expansion.
_OLD = re.compile(r"features\.(\d+)\.conv\.(\d)\.(.+)")
_FIRST = {"0": "0.0", "1": "0.1", "3": "1", "4": "2"}
_OTHERS = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2", "7": "3"}


class MobileNetV2(nn.Module):
    """MobileNetV2 (Sandler et al. 2018) up to its average pooling.

    Args:
        state: weights by torchvision's names or by those of the first port; a classifier is left
            out.

    Raises:
        RuntimeError: a weight is missing, is too much, or has another shape.
    """

    def __init__(self, state: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        kept = {name: t for name, t in _renamed(state).items() if not name.startswith("classifier")}
        self.trained = count_trained(kept)
        network = mobilenet_v2(weights=None)
        network.classifier = nn.Identity()
        network.load_state_dict(kept)
        self.network = network.eval()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return features (B, 1280) of normalised pictures (B, 3, H, W)."""
        features: torch.Tensor = self.network(pictures)
        return features


def _renamed(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    if state.get("features.1.conv.0.weight") is None:
        return dict(state)
    renamed = {}
    for name, tensor in state.items():
        match = _OLD.fullmatch(name)
        if match:
            block, layer, rest = match.groups()
            layer = (_FIRST if block == "1" else _OTHERS).get(layer, layer)
            renamed[f"features.{block}.conv.{layer}.{rest}"] = tensor
        else:
            renamed[name] = tensor
    return renamed
