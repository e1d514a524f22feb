"""Backbones of YOLACT: ResNet with deformable convolutions, and a light one for small models.

Deformable convolution: Zhu et al., "Deformable ConvNets v2" (CVPR 2019), computed by
``torchvision.ops.deform_conv2d``. Tensor names follow the official YOLACT checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import Bottleneck
from torchvision.ops import deform_conv2d


class DeformableConv(nn.Module):
    """Modulated deformable 3x3 convolution with one offset group.

    ``conv_offset_mask`` gives 27 channels: 18 offsets, (dy, dx) for each tap in row-major order,
    then 9 logits of the taps' weights.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.conv_offset_mask = nn.Conv2d(inputs, 27, 3, stride, padding=1)
        if self.weight.device.type != "meta":
            nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        # Starts as a plain convolution at half strength: no shift, every tap weighted alike.
        nn.init.zeros_(self.conv_offset_mask.weight)
        if self.conv_offset_mask.bias is not None:
            nn.init.zeros_(self.conv_offset_mask.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        raw = self.conv_offset_mask(x).float()
        # In single precision, whatever the features come in: offsets are coordinates.
        result: Tensor = deform_conv2d(
            x.float(),
            raw[:, :18],
            self.weight,
            self.bias,
            stride=self.stride,
            padding=1,
            mask=torch.sigmoid(raw[:, 18:]),
        )
        return result.to(x.dtype)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def _bottleneck(inputs: int, width: int, stride: int, deformable: bool) -> nn.Module:
    """1x1, 3x3 (with the stride), 1x1 to 4 times the width, and a shortcut."""
    block: Any = Bottleneck(inputs, width, stride)
    if deformable:
        block.conv2 = DeformableConv(width, width, stride)
    block.downsample = _shortcut(inputs, width * Bottleneck.expansion, stride)
    module: nn.Module = block
    return module


class ResNet(nn.Module):
    """ResNet-50/101 whose last three stages are returned."""

    channels = (512, 1024, 2048)

    def __init__(
        self,
        blocks: tuple[int, int, int, int],
        deformable_stages: Sequence[int],
        deformable_interval: int,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layers = nn.ModuleList()
        inputs = 64
        for stage, count in enumerate(blocks):
            width = 64 * 2**stage
            row: list[nn.Module] = []
            for block in range(count):
                deformable = stage in deformable_stages and block % deformable_interval == 0
                stride = 2 if block == 0 and stage > 0 else 1
                row.append(_bottleneck(inputs, width, stride, deformable))
                inputs = width * Bottleneck.expansion
            self.layers.append(nn.Sequential(*row))

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) normalised RGB -> maps at strides 8, 16, 32 (C3, C4, C5)."""
        x = F.relu(self.bn1(self.conv1(images)), inplace=True)
        x = F.max_pool2d(x, 3, 2, padding=1)
        maps = []
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        return maps[-3:]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut.

    torchvision's block computes the shortcut last, which changes the order in which gradients are
    summed and with it the last bits of trained weights.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + shortcut, inplace=True)


class LightResNet(nn.Module):
    """Small residual backbone: a 3x3 stem of stride 2 and four stages of stride 2 each."""

    def __init__(
        self, widths: tuple[int, int, int, int, int], blocks: tuple[int, int, int, int]
    ) -> None:
        super().__init__()
        self.channels = (widths[2], widths[3], widths[4])
        self.conv1 = nn.Conv2d(3, widths[0], 3, 2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layers = nn.ModuleList()
        for stage, count in enumerate(blocks):
            row = [
                BasicBlock(
                    widths[stage if block == 0 else stage + 1], widths[stage + 1], 2 - (block > 0)
                )
                for block in range(count)
            ]
            self.layers.append(nn.Sequential(*row))

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) normalised RGB -> maps at strides 8, 16, 32."""
        return self.from_features(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised RGB -> the map after the first stage, at stride 4."""
        x = F.relu(self.bn1(self.conv1(images)), inplace=True)
        first: Tensor = self.layers[0](x)
        return first

    def from_features(self, x: Tensor) -> list[Tensor]:
        """That map -> maps at strides 8, 16, 32."""
        maps = []
        for layer in self.layers[1:]:
            x = layer(x)
            maps.append(x)
        return maps
