"""The difference-guided fusion module (DGFM): attention, and kernels for frame and region."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.vcs.config import KERNELS, Config

SIZE = 5  # of the depthwise kernels
_HIDDEN = 8  # units of the network that makes a table
_GROUPS = 8  # of the attention
_OPEN = 2.0  # logits of the guide's mask before training
_LITTLE = 0.1  # share of what a frame changes of its kernels before training
_PLAIN_GROUPS = 4  # of the convolutions in the kernels' place, as many weights as these


def rectified(module: nn.Module) -> None:
    """First weights under which features keep their size (He et al., 2015).

    torch's own shrink them at every layer, until biases are all that is left.
    """
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        nn.init.kaiming_normal_(module.weight, a=0.2)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Dgfm(nn.Module):
    """Features of a frame and of its guide, each changed by the other.

    The frame's features f are masked by the guide's attention, e = f * A(g), then filtered by a
    depthwise 5x5 kernel chosen for every block out of a table made for the frame; the guide is
    masked by e.

    Args:
        channels: of the frame's features.
        guide: channels of the guide's features; 0: there is none.
        block: side of the regions that share a kernel, in steps of the features.
        config: variants.
        last: nothing follows that the guide would serve.
    """

    def __init__(
        self, channels: int, guide: int, block: int, config: Config, *, last: bool = False
    ) -> None:
        super().__init__()
        self.block = block
        self.temperature = 1.0  # of the soft choice of kernels, in training
        self.adds = config.guidance == "residual"
        self.kind = config.kernels
        self.attention: nn.Module | None = None
        self.update: nn.Module | None = None
        if guide:
            groups = 1 if self.adds else math.gcd(_GROUPS, guide)
            self.attention = nn.Sequential(
                nn.Conv2d(guide, channels, 1, groups=groups),
                nn.ReLU(),
                nn.Conv2d(channels, channels, 1, groups=_GROUPS),
            )
            self.attention.apply(rectified)
        if guide and not last:
            masking = nn.Conv2d(guide, guide, 1)
            self.update = nn.Sequential(nn.Conv2d(channels, guide, 1), nn.ReLU(), masking)
            self.update.apply(rectified)
            if not self.adds and masking.bias is not None:
                nn.init.constant_(masking.bias, _OPEN)
        if self.kind == "plain":
            self.plain = nn.Conv2d(
                channels, channels, SIZE, padding=SIZE // 2, groups=_PLAIN_GROUPS
            )
            return
        self.index = nn.Conv2d(channels, KERNELS, 3, padding=1)
        delta = torch.zeros(channels, KERNELS, SIZE, SIZE)
        # What comes in goes out, before training: a mask that is told nothing halves it.
        delta[:, :, SIZE // 2, SIZE // 2] = 2 if guide and not self.adds else 1
        if self.kind == "shared":
            self.shared = nn.Parameter(delta)
            return
        made = nn.Linear(_HIDDEN, delta.numel())
        with torch.no_grad():
            made.weight.mul_(_LITTLE)
            made.bias.copy_(delta.flatten())
        self.table = nn.Sequential(nn.Linear(channels, _HIDDEN), nn.ReLU(), made)

    def forward(self, features: Tensor, guide: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(N, C, H, W) and (N, G, H, W), sides multiples of ``block``, to the same shapes."""
        if guide is not None and self.attention is not None:
            mask = self.attention(guide)
            features = features + mask if self.adds else features * torch.sigmoid(mask)
        if guide is not None and self.update is not None:
            change = self.update(features)
            guide = guide + change if self.adds else guide * torch.sigmoid(change)
        if self.kind == "plain":
            return self.plain(features), guide
        choice = self.choice(self.index(F.avg_pool2d(features, self.block)))
        return adapted(features, chosen(self.kernel_table(features), choice), self.block), guide

    def kernel_table(self, features: Tensor) -> Tensor:
        """Kernels: (N, C, KERNELS, 25)."""
        count, channels = features.shape[:2]
        if self.kind == "shared":
            return self.shared.flatten(2).expand(count, -1, -1, -1)
        # Kernels that grew with the features would let these grow or shrink as their 16th power.
        statistics = F.layer_norm(features.mean(dim=(2, 3)), (channels,))
        made: Tensor = self.table(statistics)
        return made.view(count, channels, KERNELS, SIZE * SIZE)

    def choice(self, logits: Tensor) -> Tensor:
        """Share of each kernel in each block, (N, KERNELS, h, w); one alone outside training."""
        if self.training:
            return torch.softmax(logits / self.temperature, dim=1)
        number = logits.argmax(dim=1)
        return F.one_hot(number, KERNELS).permute(0, 3, 1, 2).to(logits.dtype)


def chosen(table: Tensor, choice: Tensor) -> Tensor:
    """The kernel of every block: (N, C, K, 25) and (N, K, h, w) to (N, C, 25, h, w)."""
    return torch.einsum("nckt,nkhw->ncthw", table, choice)


def adapted(features: Tensor, kernels: Tensor, block: int) -> Tensor:
    """Filter every channel by the kernel of the block that a place lies in, zeros around.

    Args:
        features: (N, C, H, W).
        kernels: (N, C, 25, H / block, W / block).
        block: side of a block.
    """
    count, channels, height, width = features.shape
    padded = F.pad(features, [SIZE // 2] * 4)
    rows, columns = kernels.shape[-2:]
    result = features.new_zeros(count, channels, rows, block, columns, block)
    for tap in range(SIZE * SIZE):
        row, column = divmod(tap, SIZE)
        seen = padded[:, :, row : row + height, column : column + width]
        weight = kernels[:, :, tap, :, None, :, None]
        result = result + seen.reshape(result.shape) * weight
    return result.reshape(count, channels, height, width)
