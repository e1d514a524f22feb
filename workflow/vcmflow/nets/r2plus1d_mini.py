"""A small R(2+1)D: convolutions in space and in time by turns (Tran et al., CVPR 2018)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from vcmflow.core.clips import View

NAME = "r2plus1d_mini"
VIEW = View(frames=8, stride=0, short_side=96, crop=96)
WIDTHS = (12, 24, 48, 96)


class Factored(nn.Sequential):
    """A convolution in space, one in time, each behind a normalisation and a ReLU.

    Args:
        inputs: channels.
        outputs: channels.
        stride: in space.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(
            nn.Conv3d(inputs, outputs, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False),
            nn.BatchNorm3d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv3d(outputs, outputs, (3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(outputs),
        )


class Block(nn.Module):
    """Two factored convolutions beside a shortcut; halves height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Factored(inputs, outputs, 2)
        self.second = Factored(outputs, outputs, 1)
        self.shortcut = nn.Sequential(
            nn.Conv3d(inputs, outputs, 1, (1, 2, 2), bias=False), nn.BatchNorm3d(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, C', T, H/2, W/2)."""
        y: Tensor = self.second(self.first(x).relu()) + self.shortcut(x)
        return y.relu()


class MiniR2Plus1d(nn.Module):
    """Stem, three blocks, mean over time and space, and one score per class.

    Args:
        classes: how many.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = Factored(3, WIDTHS[0], 2)
        self.blocks = nn.Sequential(
            *(Block(inputs, outputs) for inputs, outputs in pairwise(WIDTHS))
        )
        self.head = nn.Linear(WIDTHS[-1], classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Normalised clips (B, 3, T, H, W) to scores (B, classes), before a softmax."""
        x = self.blocks(self.stem(clips).relu())
        scores: Tensor = self.head(x.mean(dim=(2, 3, 4)))
        return scores
