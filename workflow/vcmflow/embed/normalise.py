"""The pixel values that embedding networks were trained on."""

from __future__ import annotations

import torch

# ImageNet's statistics (RGB, 0..255), as torchvision's weights expect them.
_MEAN = (123.675, 116.28, 103.53)
_SCALE = (58.395, 57.12, 57.375)


def normalise(pictures: torch.Tensor) -> torch.Tensor:
    """Return uint8 or float RGB pictures (B, 3, H, W) in 0..255 as a network's float32 input."""
    mean = torch.tensor(_MEAN, device=pictures.device).view(1, 3, 1, 1)
    scale = torch.tensor(_SCALE, device=pictures.device).view(1, 3, 1, 1)
    return (pictures.float() - mean) / scale
