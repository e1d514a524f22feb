"""Embedding ``imagenet``: frozen features of a network trained on ImageNet (Fig. 8, left)."""

from __future__ import annotations

from pathlib import Path

import torch

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Precision
from vcmflow.embed.embedder import NetworkEmbedder, ShortSide
from vcmflow.nets.checkpoint import load_state, read_state
from vcmflow.nets.embedding import FEATURES, feature_network
from vcmflow.nets.mobilenet import FEATURES as MOBILENET_FEATURES
from vcmflow.nets.mobilenet import is_mobilenet, load_mobilenet

_WANTED = (
    "the paper's is torchvision's ResNet-18, "
    "https://download.pytorch.org/models/resnet18-f37072fd.pth; MobileNetV2's weights come with "
    "`vcmflow stage weights --name mobilenet_v2_imagenet --fetch`, without a network"
)


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
    if is_mobilenet(state):
        network, features = load_mobilenet(state, Path(weights)), MOBILENET_FEATURES
    else:
        with torch.device("meta"):
            network, features = feature_network(), FEATURES
        kept = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
        load_state(network, kept, Path(weights), "torchvision's ResNet-18 or MobileNetV2")
    # Folding would change the last bits of MobileNetV2's features, which have been published.
    fold = features == FEATURES
    return NetworkEmbedder(
        network, features, None, short_side, device, precision, normalised, fold=fold
    )
