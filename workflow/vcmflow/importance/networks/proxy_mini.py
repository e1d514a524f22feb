"""The proxy that the project trains itself: see ``vcmflow.nets.proxy_mini``."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vcmflow.importance.gradient import Network
from vcmflow.nets.embedding import normalise
from vcmflow.nets.fuse import fold_batch_norms
from vcmflow.nets.proxy_mini import NAME, ProxyNetwork
from vcmflow.nets.weights import load_halves


def build(weights: Path | None, seed: int) -> Network:
    """Features: the maps of strides 4 to 32. Confidences: that of an object, at stride 4.

    Args:
        weights: safetensors file from ``vcmflow stage train``; None for an untrained network.
        seed: of an untrained one.

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = ProxyNetwork()
    if weights is not None:
        load_halves(weights, made, NAME)
    model = fold_batch_norms(made).to(memory_format=torch.channels_last)

    def features(picture: Tensor) -> list[Tensor]:
        return list(model.stages(normalise(picture)).values())

    def confidences(picture: Tensor) -> Tensor:
        return (1 - model.dense(normalise(picture)).softmax(dim=1)[:, 0]).flatten()

    return Network(model, features, confidences)
