"""The proxy network: MobileNetV3-Small (Howard et al., 2019) with a dense semantic head.

Of another family than the evaluated detectors, and of another task: it says the class of every
pixel. The backbone is torchvision's; its maps of strides 4 to 32 meet in a feature pyramid (Lin et
al., 2017), whose finest level is classified (Kirillov et al., "Panoptic feature pyramid networks",
2019).
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import mobilenet_v3_small
from torchvision.ops import FeaturePyramidNetwork

NAME = "proxy_mini"

# Class 0 is background; class k is this COCO id.
CATEGORIES = (1, 2, 3)

# Last blocks of MobileNetV3-Small at strides 4, 8, 16 and 32, and their channels.
STAGES = {"1": 16, "3": 24, "8": 48, "11": 96}
PYRAMID = 32


class ProxyNetwork(nn.Module):
    """Normalised RGB (B, 3, H, W) of any size to logits of background and classes."""

    def __init__(self) -> None:
        super().__init__()
        # The last layer of the features serves ImageNet's classifier alone.
        self.body = nn.Sequential(*list(mobilenet_v3_small(weights=None).features)[:-1])
        # torchvision's momentum is for hundreds of epochs; statistics have to settle within one.
        for module in self.body.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.1
        self.pyramid = FeaturePyramidNetwork(list(STAGES.values()), PYRAMID)
        self.head = nn.Sequential(
            nn.Conv2d(PYRAMID, PYRAMID, 3, padding=1),
            nn.Hardswish(),
            nn.Conv2d(PYRAMID, len(CATEGORIES) + 1, 1),
        )

    def stages(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """The backbone's maps at strides 4, 8, 16 and 32, by the names in ``STAGES``."""
        x, maps = images, OrderedDict[str, Tensor]()
        for name, block in self.body.named_children():
            x = block(x)
            if name in STAGES:
                maps[name] = x
        return maps

    def dense(self, images: Tensor) -> Tensor:
        """Logits at stride 4: (B, 1 + classes, ceil(H / 4), ceil(W / 4))."""
        logits: Tensor = self.head(self.pyramid(self.stages(images))["1"])
        return logits

    def forward(self, images: Tensor) -> Tensor:
        """Logits of every pixel: (B, 1 + classes, H, W)."""
        return F.interpolate(self.dense(images), images.shape[-2:], mode="bilinear")
