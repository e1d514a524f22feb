"""What the mini networks have in common when their gradients are wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from vcmflow.nets.fuse import fold_batch_norms
from vcmflow.nets.weights import load_halves

Made = TypeVar("Made", bound=nn.Module)


def ready(make: Callable[[], Made], name: str, weights: Path | None, seed: int) -> Made:
    """A network in evaluation mode, its batch norms folded into its convolutions.

    Args:
        make: builds it with random weights.
        name: of the network in weights files.
        weights: safetensors file from ``vcmflow stage train``; None for an untrained network.
        seed: of an untrained one.

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = make()
    if weights is not None:
        load_halves(weights, made, name)
    return fold_batch_norms(made).to(memory_format=torch.channels_last)
