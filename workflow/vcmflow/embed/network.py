"""The embedding network as it is trained: ResNet-18 with its own fully connected layer (2.1)."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import ResNet, resnet18

from vcmflow.embed.resnet18 import FEATURES


class EmbeddingNetwork(nn.Module):
    """ResNet-18 whose pooled features feed an embedding layer and a rotation head (Fig. 3).

    Args:
        dimension: length of an embedding; 128 in the paper.
    """

    def __init__(self, dimension: int = 128) -> None:
        super().__init__()
        self.backbone: ResNet = resnet18(weights=None)
        self.backbone.fc = nn.Identity()
        self.projection = nn.Linear(FEATURES, dimension)
        self.rotation = nn.Linear(FEATURES, 4)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return embeddings (B, d) and rotation logits (B, 4) of pictures (B, 3, H, W).

        The pictures are normalised (see ``vcmflow.embed.normalise``).
        """
        features = self.backbone(pictures)
        return self.projection(features), self.rotation(features)


def seeded_network(dimension: int, seed: int) -> EmbeddingNetwork:
    """Return an untrained network whose weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNetwork(dimension)
