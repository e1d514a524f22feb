"""The embedding network: ResNet-18 with its own fully connected layer (paper 2.1)."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import ResNet, resnet18

FEATURES = 512  # channels of ResNet-18's last feature map

# ImageNet's statistics (RGB, 0..255), as torchvision's weights expect them.
_MEAN = (123.675, 116.28, 103.53)
_SCALE = (58.395, 57.12, 57.375)


def normalise(pictures: torch.Tensor) -> torch.Tensor:
    """Return uint8 or float RGB pictures (B, 3, H, W) in 0..255 as a network's float32 input."""
    mean = torch.tensor(_MEAN, device=pictures.device).view(1, 3, 1, 1)
    scale = torch.tensor(_SCALE, device=pictures.device).view(1, 3, 1, 1)
    return (pictures.float() - mean) / scale


def feature_network() -> ResNet:
    """Return an untrained ResNet-18 from normalised pictures to pooled features (B, 512)."""
    network: ResNet = resnet18(weights=None)
    network.fc = nn.Identity()
    return network


class EmbeddingNetwork(nn.Module):
    """ResNet-18 whose pooled features feed an embedding layer and a rotation head (Fig. 3).

    Args:
        dimension: length of an embedding; 128 in the paper.
    """

    def __init__(self, dimension: int = 128) -> None:
        super().__init__()
        self.backbone = feature_network()
        self.projection = nn.Linear(FEATURES, dimension)
        self.rotation = nn.Linear(FEATURES, 4)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Normalised pictures (B, 3, H, W) -> embeddings (B, d), rotation logits (B, 4)."""
        features = self.backbone(pictures)
        return self.projection(features), self.rotation(features)


def seeded_network(dimension: int, seed: int) -> EmbeddingNetwork:
    """Return an untrained network whose weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNetwork(dimension)
