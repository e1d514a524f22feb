"""The mini YOLACT: an evaluated segmenter, so that its own gradient is a control."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vcmflow.importance.gradient import Network
from vcmflow.nets.fuse import fold_batch_norms
from vcmflow.nets.weights import load_halves
from vcmflow.nets.yolact.mini import CONFIG, NAME
from vcmflow.nets.yolact.network import Yolact


def build(weights: Path | None, seed: int) -> Network:
    """Features: the levels of the pyramid. Confidences: every anchor's, of its best class.

    Args:
        weights: safetensors file from ``vcmflow stage train``; None for an untrained network.
        seed: of an untrained one.

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = Yolact(CONFIG)
    if weights is not None:
        load_halves(weights, made, NAME)
    model = fold_batch_norms(made).to(memory_format=torch.channels_last)

    def prepared(picture: Tensor) -> Tensor:
        return model.prepare(picture.permute(0, 2, 3, 1))

    def features(picture: Tensor) -> list[Tensor]:
        levels: list[Tensor] = model.fpn(model.backbone(prepared(picture)))
        return levels

    def confidences(picture: Tensor) -> Tensor:
        logits: Tensor = model(prepared(picture)).logits[0]
        return logits.softmax(dim=1)[:, 1:].amax(dim=1)

    return Network(model, features, confidences)
