"""Embedding ``learned``: the paper's ResNet-18 with its own fully connected layer (2.1)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from vcmflow.core.errors import VcmflowError
from vcmflow.embed.embedder import NetworkEmbedder
from vcmflow.embed.resnet18 import FEATURES, ResNet18
from vcmflow.embed.weights import State, read_weights

_BACKBONE, _PROJECTION, _ROTATION = "backbone.", "projection.", "rotation."


def build(
    weights: Path | None,
    device: str = "cpu",
    short_side: int | None = None,
    precision: str = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the embedder from the weights that ``vcmflow pretrain`` wrote.

    Args:
        weights: the safetensors file.
        device: "auto", "cpu" or "cuda".
        short_side: px; None for the one it was trained at.
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).

    Raises:
        VcmflowError: no or unfit weights, or an option out of range.
    """
    if weights is None:
        raise VcmflowError("embedding 'learned' needs --weights, made by 'vcmflow pretrain'")
    state, description = read_weights(weights)
    side = description.short_side if short_side is None else short_side
    try:
        return from_state(state, description.dimension, side, device, precision, normalised)
    except (KeyError, ValueError, RuntimeError) as error:
        raise VcmflowError(f"{weights}: does not fit ResNet-18 ({_reason(error)})") from None


def from_state(
    state: State,
    dimension: int,
    short_side: int,
    device: str = "cpu",
    precision: str = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the embedder from an ``EmbeddingNetwork``'s state; the rotation head is left out.

    Args:
        state: weights by the network's names.
        dimension: length of an embedding.
        short_side: px.
        device: "auto", "cpu" or "cuda".
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).

    Raises:
        KeyError, ValueError, RuntimeError: the state is not of such a network.
        VcmflowError: an option out of range.
    """
    unknown = [name for name in state if not name.startswith((_BACKBONE, _PROJECTION, _ROTATION))]
    if unknown:
        raise ValueError(f"{unknown[0]} is no part of it")
    backbone = ResNet18(_part(state, _BACKBONE))
    projection = nn.Linear(FEATURES, dimension)
    projection.load_state_dict(_part(state, _PROJECTION))
    return NetworkEmbedder(
        backbone.eval(),
        FEATURES,
        projection,
        backbone.trained + sum(p.numel() for p in projection.parameters()),
        short_side,
        device,
        precision,
        normalised,
    )


def _part(state: State, prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return str(error).splitlines()[-1].strip()
