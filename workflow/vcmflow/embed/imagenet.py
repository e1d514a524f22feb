"""Embedding ``imagenet``: frozen features of a network trained on ImageNet (Fig. 8, left)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from torchvision.models import mobilenet_v2

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Precision
from vcmflow.embed.embedder import NetworkEmbedder, ShortSide
from vcmflow.nets.checkpoint import load_state, read_state
from vcmflow.nets.embedding import FEATURES, feature_network

_WANTED = (
    "the paper's is torchvision's ResNet-18, "
    "https://download.pytorch.org/models/resnet18-f37072fd.pth; MobileNetV2's weights come with "
    "`vcmflow stage weights --name mobilenet_v2_imagenet --fetch`, without a network"
)

_MOBILENET_FEATURES = 1280

# The first port of MobileNetV2 to PyTorch numbers a block's layers one by one; torchvision groups
# them. The first block has no expansion.
_OLD = re.compile(r"features\.(\d+)\.conv\.(\d)\.(.+)")
_FIRST = {"0": "0.0", "1": "0.1", "3": "1", "4": "2"}
_OTHERS = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2", "7": "3"}


def build(
    weights: Path | None,
    device: str = "cpu",
    short_side: ShortSide = 224,
    precision: Precision = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the embedder: pooled features, no layer of its own.

    Args:
        weights: of ResNet-18 or MobileNetV2, ``.pth`` or ``.safetensors``, by torchvision's names.
        device: "auto", "cpu" or "cuda".
        short_side: px.
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).

    Raises:
        VcmflowError: no or unfit weights.
    """
    if weights is None:
        raise VcmflowError(f"embedder 'imagenet' needs --weights; {_WANTED}")
    if not Path(weights).is_file():
        raise VcmflowError(f"{weights}: no such weights file; {_WANTED}")
    state = read_state(weights)
    with torch.device("meta"):
        if "features.0.0.weight" in state:
            network: nn.Module = mobilenet_v2(weights=None)
            network.classifier = nn.Identity()
            features, what, head = _MOBILENET_FEATURES, "torchvision's MobileNetV2", "classifier."
        else:
            network, features = feature_network(), FEATURES
            what, head = "torchvision's ResNet-18 or MobileNetV2", "fc."
    kept = {name: tensor for name, tensor in _renamed(state).items() if not name.startswith(head)}
    load_state(network, kept, Path(weights), what)
    # Folding would change the last bits of MobileNetV2's features, which have been published.
    fold = features == FEATURES
    return NetworkEmbedder(
        network, features, None, short_side, device, precision, normalised, fold=fold
    )


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
