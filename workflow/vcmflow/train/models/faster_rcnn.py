"""Training of the mini Faster R-CNN: torchvision's own losses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vcmflow.nets.faster_rcnn_mini import CATEGORIES, NAME, network
from vcmflow.train.models.samples import Sample
from vcmflow.train.models.trainee import ModelTrainee

# Objects with fewer visible pixels are not learnt: they would teach noise.
SMALLEST = 24


class FasterRcnnTrainee(ModelTrainee):
    """The network with the losses of its proposal stage and of its box stage."""

    kind = "detection"
    name = NAME

    def untrained(self) -> nn.Module:
        """Make the network."""
        module: nn.Module = network()
        return module

    def losses(
        self, model: nn.Module, samples: Sequence[Sample], device: torch.device
    ) -> dict[str, Tensor]:
        """Classification and box losses of both stages (Ren et al. 2015, Eq. 1)."""
        images, targets = [], []
        for sample in samples:
            boxes, categories, _ = sample.objects(SMALLEST)
            frame = torch.from_numpy(sample.frame).to(device)
            images.append(frame.permute(2, 0, 1).float() / 255)
            labels = [1 + CATEGORIES.index(int(category)) for category in categories]
            targets.append(
                {
                    "boxes": torch.from_numpy(boxes).to(device),
                    "labels": torch.tensor(labels, dtype=torch.int64, device=device),
                }
            )
        parts: dict[str, Tensor] = model(images, targets)
        names = {
            "loss_objectness": "objectness",
            "loss_rpn_box_reg": "proposal_box",
            "loss_classifier": "class",
            "loss_box_reg": "box",
        }
        return {names[key]: value for key, value in parts.items()}
