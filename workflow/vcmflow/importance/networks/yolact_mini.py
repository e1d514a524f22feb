"""The mini YOLACT: an evaluated segmenter, so that its own gradient is a control."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from vcmflow.importance.gradient import Network
from vcmflow.importance.networks.mini import ready
from vcmflow.nets.yolact.mini import CONFIG, NAME
from vcmflow.nets.yolact.network import Yolact


def build(weights: Path | None, seed: int) -> Network:
    """Features: the levels of the pyramid. Confidences: every anchor's, of its best class.

    Arguments and errors: see ``ready``.
    """
    model = ready(lambda: Yolact(CONFIG), NAME, weights, seed)

    def prepared(picture: Tensor) -> Tensor:
        return model.prepare(picture.permute(0, 2, 3, 1))

    def features(picture: Tensor) -> list[Tensor]:
        levels: list[Tensor] = model.fpn(model.backbone(prepared(picture)))
        return levels

    def confidences(picture: Tensor) -> Tensor:
        logits: Tensor = model(prepared(picture)).logits[0]
        return logits.softmax(dim=1)[:, 1:].amax(dim=1)

    return Network(model, features, confidences)
