"""Embedding ``random``: the paper's network as it is before training."""

from __future__ import annotations

from vcmflow.core.ranges import Count, Precision, Seed
from vcmflow.embed.embedder import NetworkEmbedder, ShortSide
from vcmflow.nets.embedding import FEATURES, seeded_network


def build(
    device: str = "cpu",
    seed: Seed = 0,
    dimension: Count = 128,
    short_side: ShortSide = 128,
    precision: Precision = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the embedder.

    Args:
        device: "auto", "cpu" or "cuda".
        seed: of the random weights.
        dimension: length of an embedding.
        short_side: px.
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).
    """
    network = seeded_network(dimension, seed)
    return NetworkEmbedder(
        network.backbone, FEATURES, network.projection, short_side, device, precision, normalised
    )
