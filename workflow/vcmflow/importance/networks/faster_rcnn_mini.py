"""The mini Faster R-CNN: an evaluated detector, so that its own gradient is a control."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from vcmflow.importance.gradient import Network
from vcmflow.importance.networks.mini import ready
from vcmflow.nets.faster_rcnn_mini import NAME, network


def build(weights: Path | None, seed: int) -> Network:
    """Features: the levels of the pyramid. Confidences: the scores of what is found.

    Arguments and errors: see ``ready``.
    """
    model = ready(network, NAME, weights, seed)

    def features(picture: Tensor) -> list[Tensor]:
        images, _ = model.transform([picture[0] / 255])
        return list(model.backbone(images.tensors).values())

    def confidences(picture: Tensor) -> Tensor:
        scores: Tensor = model([picture[0] / 255])[0]["scores"]
        return scores

    return Network(model, features, confidences)
