"""Feature space transformation (FST): a decoded feature in the space of another network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vcmflow.nets.transvfc.layers import deconv


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and a 1x1 shortcut; the last activation follows the sum."""

    def __init__(
        self, inputs: int, inner: int, outputs: int, activation: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.activation = activation
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.conv1, self.norm1 = nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv3, self.norm3 = nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h, w)."""
        y = self.activation(self.norm1(self.conv1(x)))
        y = self.activation(self.norm2(self.conv2(y)))
        return self.activation(self.norm3(self.conv3(y)) + self.shortcut(x))


class _Up(nn.Module):
    """Four times the size."""

    def __init__(
        self, inputs: int, inner: int, outputs: int, activation: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()

        def stage(first: int, last: int) -> nn.Sequential:
            return nn.Sequential(
                deconv(first, inner, 3, 2),
                Bottleneck(inner, inner, last, activation),
                Bottleneck(last, inner, last, activation),
            )

        self.res1, self.res2 = stage(inputs, inner), stage(inner, outputs)

    def forward(self, x: Tensor) -> Tensor:
        larger: Tensor = self.res2(self.res1(x))
        return larger


class _Down(nn.Module):
    """A quarter of the size."""

    def __init__(self, inputs: int, inner: int, outputs: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(inputs, inner, 7, 2, padding=3, bias=False), nn.BatchNorm2d(inner), nn.ReLU()
        )
        self.down_sample = nn.Conv2d(inner, inner, 3, 2, padding=1, bias=False)
        self.res2 = nn.Sequential(
            Bottleneck(inner, inner, outputs, torch.relu),
            Bottleneck(outputs, inner, outputs, torch.relu),
            Bottleneck(outputs, inner, outputs, torch.relu),
        )

    def forward(self, x: Tensor) -> Tensor:
        smaller: Tensor = self.res2(self.down_sample(self.stem(x)))
        return smaller


class FeatureSpaceTransfer(nn.Module):
    """Three branches, one through an image, side by side; 4,304,725 parameters as published.

    Args:
        inputs, outputs: channels of the two feature spaces, both at a quarter of the image's size.
        inner: channels inside.
    """

    def __init__(self, inputs: int = 256, outputs: int = 256, inner: int = 64) -> None:
        super().__init__()
        self.branch1_up = _Up(inputs, inner, 3, torch.sigmoid)
        self.branch1_down = _Down(3, inner, outputs)
        self.branch2_down = _Down(inputs, inner, inner)
        self.branch2_up = _Up(inner, inner, outputs, torch.relu)
        self.branch3 = nn.Sequential(
            Bottleneck(inputs, inner, outputs, torch.relu),
            Bottleneck(outputs, inner, outputs, torch.relu),
            Bottleneck(outputs, inner, outputs, torch.relu),
        )
        self.fuse = nn.Conv2d(3 * outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Feature (B, inputs, h, w), sides multiples of 4.

        Returns:
            (B, outputs, h, w), and an image (B, 3, 4 h, 4 w) in 0..1.
        """
        image = self.branch1_up(x)
        branches = [
            self.branch1_down(image),
            self.branch2_up(self.branch2_down(x)),
            self.branch3(x),
        ]
        return self.fuse(torch.cat(branches, 1)), image
