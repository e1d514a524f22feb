"""Embedding ``random``: the paper's network as it is before training."""

from __future__ import annotations

from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Count, Precision, Seed
from vcmflow.embed.embedder import NetworkEmbedder, ShortSide
from vcmflow.nets.embedding import FEATURES, seeded_network


def build(
    weights: Path | None,
    device: str = "cpu",
    seed: Seed = 0,
    dimension: Count = 128,
    short_side: ShortSide = 128,
    precision: Precision = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the embedder.

    Args:
        weights: must be None.
        device: "auto", "cpu" or "cuda".
        seed: of the random weights.
        dimension: length of an embedding.
        short_side: px.
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).

    Raises:
        VcmflowError: weights are given.
    """
    if weights is not None:
        raise VcmflowError(f"embedder 'random' takes no weights, got {weights}")
    network = seeded_network(dimension, seed)
    return NetworkEmbedder(
        network.backbone, FEATURES, network.projection, short_side, device, precision, normalised
    )
