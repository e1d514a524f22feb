"""The proxy that the project trains itself: see ``vcmflow.nets.proxy_mini``."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from vcmflow.importance.gradient import Network
from vcmflow.importance.networks.mini import ready
from vcmflow.nets.embedding import normalise
from vcmflow.nets.proxy_mini import NAME, ProxyNetwork


def build(weights: Path | None, seed: int) -> Network:
    """Features: the maps of strides 4 to 32. Confidences: that of an object, at stride 4.

    Arguments and errors: see ``ready``.
    """
    model = ready(ProxyNetwork, NAME, weights, seed)

    def features(picture: Tensor) -> list[Tensor]:
        return list(model.stages(normalise(picture)).values())

    def confidences(picture: Tensor) -> Tensor:
        return (1 - model.dense(normalise(picture)).softmax(dim=1)[:, 0]).flatten()

    return Network(model, features, confidences)
