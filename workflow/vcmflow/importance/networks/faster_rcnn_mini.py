"""The mini Faster R-CNN: an evaluated detector, so that its own gradient is a control."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vcmflow.importance.gradient import Network
from vcmflow.nets.faster_rcnn_mini import NAME, network
from vcmflow.nets.fuse import fold_batch_norms
from vcmflow.nets.weights import load_halves


def build(weights: Path | None, seed: int) -> Network:
    """Features: the levels of the pyramid. Confidences: the scores of what is found.

    Args:
        weights: safetensors file from ``vcmflow stage train``; None for an untrained network.
        seed: of an untrained one.

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = network()
    if weights is not None:
        load_halves(weights, made, NAME)
    model = fold_batch_norms(made.eval()).to(memory_format=torch.channels_last)

    def features(picture: Tensor) -> list[Tensor]:
        images, _ = model.transform([picture[0] / 255])
        return list(model.backbone(images.tensors).values())

    def confidences(picture: Tensor) -> Tensor:
        scores: Tensor = model([picture[0] / 255])[0]["scores"]
        return scores

    return Network(model, features, confidences)
