"""Training of the mini Faster R-CNN: torchvision's own losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from vcmflow.task.faster_rcnn_mini import CATEGORIES, NAME, MiniFasterRcnn, build, network
from vcmflow.task.train.types import Sample

# Objects with fewer visible pixels are not learnt: they would teach noise.
SMALLEST = 24


class FasterRcnnTrainee:
    """The network with the losses of its proposal stage and of its box stage."""

    name = NAME

    def __init__(self, device: str) -> None:
        self._device = device
        self.module: nn.Module = network().to(device, memory_format=torch.channels_last)

    def losses(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """Classification and box losses of both stages (Ren et al. 2015, Eq. 1)."""
        images, targets = [], []
        for sample in samples:
            boxes, categories, _ = sample.objects(SMALLEST)
            frame = torch.from_numpy(sample.frame).to(self._device)
            images.append(frame.permute(2, 0, 1).float() / 255)
            labels = [1 + CATEGORIES.index(int(category)) for category in categories]
            targets.append(
                {
                    "boxes": torch.from_numpy(boxes).to(self._device),
                    "labels": torch.tensor(labels, dtype=torch.int64, device=self._device),
                }
            )
        parts: dict[str, Tensor] = self.module(images, targets)
        names = {
            "loss_objectness": "objectness",
            "loss_rpn_box_reg": "proposal_box",
            "loss_classifier": "class",
            "loss_box_reg": "box",
        }
        return {names[key]: value for key, value in parts.items()}

    def detector(self, weights: Path) -> MiniFasterRcnn:
        """Load stored weights as the task stage does."""
        return build(weights, self._device)


def trainee(device: str) -> FasterRcnnTrainee:
    """Make an untrained network; torch's generator decides its first weights."""
    return FasterRcnnTrainee(device)
