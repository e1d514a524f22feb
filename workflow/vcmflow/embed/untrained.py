"""Embedding ``random``: the paper's network as it is before training."""

from __future__ import annotations

from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.embed.embedder import NetworkEmbedder
from vcmflow.embed.learned import from_state
from vcmflow.embed.network import seeded_network


def build(
    weights: Path | None,
    device: str = "cpu",
    seed: int = 0,
    dimension: int = 128,
    short_side: int = 128,
    precision: str = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the embedder.

    Args:
        weights: must be None.
        device: "auto", "cpu" or "cuda".
        seed: of the random weights, >= 0.
        dimension: length of an embedding.
        short_side: px.
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).

    Raises:
        VcmflowError: weights are given, or an option is out of range.
    """
    if weights is not None:
        raise VcmflowError(f"embedding 'random' takes no weights, got {weights}")
    if dimension < 1 or seed < 0:
        raise VcmflowError(
            f"embedding 'random': dimension {dimension} (1 or more), seed {seed} (0 or more)"
        )
    state = seeded_network(dimension, seed).state_dict()
    return from_state(state, dimension, short_side, device, precision, normalised)
