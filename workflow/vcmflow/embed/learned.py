"""Embedding ``learned``: the paper's ResNet-18 with its own fully connected layer (2.1)."""

from __future__ import annotations

from pathlib import Path

import torch

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Precision
from vcmflow.embed.embedder import NetworkEmbedder, ShortSide
from vcmflow.nets.checkpoint import load_state
from vcmflow.nets.embedding import FEATURES, EmbeddingNetwork
from vcmflow.nets.weights import read_weights


def build(
    weights: Path | None,
    device: str = "cpu",
    short_side: ShortSide | None = None,
    precision: Precision = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the embedder from the weights that ``vcmflow stage train`` wrote; no rotation head.

    Args:
        weights: the safetensors file.
        device: "auto", "cpu" or "cuda".
        short_side: px; None for the one it was trained at.
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).

    Raises:
        VcmflowError: no or unfit weights.
    """
    if weights is None:
        raise VcmflowError("embedder 'learned' needs --weights, made by `vcmflow stage train`")
    state, header = read_weights(weights)
    if header.get("kind") != "embedding":
        raise VcmflowError(
            f"{weights}: not the weights of an embedding network that `vcmflow stage train` made"
        )
    with torch.device("meta"):
        network = EmbeddingNetwork(header["dimension"])
    load_state(network, state, Path(weights), "the embedding network")
    side = header["short_side"] if short_side is None else short_side
    return NetworkEmbedder(
        network.backbone, FEATURES, network.projection, side, device, precision, normalised
    )
