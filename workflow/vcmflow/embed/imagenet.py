"""Embedding ``imagenet``: frozen features of a network trained on ImageNet (Fig. 8, left)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vcmflow.core.errors import VcmflowError
from vcmflow.embed.embedder import NetworkEmbedder
from vcmflow.embed.resnet18 import FEATURES, ResNet18
from vcmflow.embed.weights import read_published

if TYPE_CHECKING:
    from vcmflow.embed.mobilenet_v2 import MobileNetV2

_WANTED = (
    "the paper's is torchvision's ResNet-18, "
    "https://download.pytorch.org/models/resnet18-f37072fd.pth; MobileNetV2's weights come with "
    "`python -m vcmflow weights --name mobilenet_v2_imagenet --fetch`, without a network"
)


def build(
    weights: Path | None,
    device: str = "cpu",
    short_side: int = 224,
    precision: str = "float32",
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
        VcmflowError: no or unfit weights, or an option out of range.
    """
    if weights is None:
        raise VcmflowError(f"embedding 'imagenet' needs --weights; {_WANTED}")
    if not Path(weights).is_file():
        raise VcmflowError(f"{weights}: no such weights file; {_WANTED}")
    state = read_published(weights)
    backbone: ResNet18 | MobileNetV2
    try:
        if "features.0.0.weight" in state:
            # Only here: it needs torchvision, which takes a second to import.
            from vcmflow.embed.mobilenet_v2 import FEATURES as WIDER
            from vcmflow.embed.mobilenet_v2 import MobileNetV2 as Network

            backbone, features = Network(state), WIDER
        else:
            plain = {name: t for name, t in state.items() if not name.startswith("fc.")}
            backbone, features = ResNet18(plain), FEATURES
    except (KeyError, ValueError, RuntimeError):
        raise VcmflowError(
            f"{weights}: does not fit ResNet-18 or MobileNetV2 of torchvision"
        ) from None
    return NetworkEmbedder(
        backbone.eval(),
        features,
        None,
        backbone.trained,
        short_side,
        device,
        precision,
        normalised,
    )
