"""DeepLabV3 with ResNet-50 (Chen et al., 2017), cut behind its first stage.

The network, the names of its tensors and its weights are torchvision's (BSD-3-Clause). It segments
into classes, for which the project has no task: it is a feature space that a transfer (FST) can be
trained to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import get_model

from vcmflow.nets.checkpoint import build

NAME = "deeplabv3_resnet50"
SPACE = f"{NAME}.layer1"
CHANNELS = 256
RGB_MEAN = (0.485, 0.456, 0.406)
RGB_STD = (0.229, 0.224, 0.225)


class DeepLab(nn.Module):
    """The network in two parts.

    Args:
        classes: with background; 21 as published, 125 of VSPW in TransVFC's paper.
    """

    def __init__(self, classes: int = 21) -> None:
        super().__init__()
        whole: Any = get_model(
            NAME, weights=None, weights_backbone=None, num_classes=classes, aux_loss=True
        )
        self.backbone, self.classifier = whole.backbone, whole.classifier
        self.aux_classifier = whole.aux_classifier

    def prepare(self, frames: Tensor) -> Tensor:
        """(B, H, W, 3), RGB, 0..255 -> (B, 3, H, W), normalised."""
        images = frames.permute(0, 3, 1, 2).float() / 255
        mean, std = (images.new_tensor(one).view(3, 1, 1) for one in (RGB_MEAN, RGB_STD))
        return (images - mean) / std

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 256, H / 4, W / 4), behind ``layer1``."""
        x = images
        for name, child in self.backbone.items():
            x = child(x)
            if name == "layer1":
                break
        return x

    def from_features(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """The rest: logits (B, classes, *size)."""
        for name in ("layer2", "layer3", "layer4"):
            x = self.backbone[name](x)
        return F.interpolate(self.classifier(x), size, mode="bilinear", align_corners=False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> logits (B, classes, H, W)."""
        height, width = images.shape[-2:]
        return self.from_features(self.features(images), (height, width))


def load(weights: Path | None, classes: int = 21) -> DeepLab:
    """Build the network in evaluation mode on the CPU.

    Args:
        weights: torchvision's ``deeplabv3_resnet50_coco-*.pth``, or one of as many classes; None
            for fixed random weights.
        classes: with background.

    Raises:
        VcmflowError: the file cannot be read or is not one of this network.
    """
    return build(lambda: DeepLab(classes), weights, NAME)
