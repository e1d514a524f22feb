"""TSM (Lin et al., ICCV 2019): torchvision's ResNet-50 on every frame, channels shifted in time.

Before the first convolution of every residual block, an eighth of the channels comes from the next
frame and an eighth from the one before; scores are means over frames. Without the shift it is TSN.
Checkpoints of the authors and of mmaction2 are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
import torchvision
from torch import Tensor, nn

SHIFTED = 8  # one of so many channels in each direction


class Shift(nn.Module):
    """Shift channels in time, then convolve.

    Args:
        net: the convolution, which keeps the name that checkpoints have.
        frames: T; frames of one clip after the other make the batch.
    """

    def __init__(self, net: nn.Module, frames: int) -> None:
        super().__init__()
        self.net = net
        self.frames = frames

    def forward(self, x: Tensor) -> Tensor:
        """(B * T, C, H, W)."""
        shifted: Tensor = self.net(shift(x, self.frames))
        return shifted


def shift(x: Tensor, frames: int) -> Tensor:
    """Channels of (B * T, C, H, W): the first eighth from the next frame, the second from the last.

    Beyond the ends of a clip they are zero.
    """
    clips = x.reshape(-1, frames, *x.shape[1:])
    part = x.shape[1] // SHIFTED
    out = torch.zeros_like(clips)
    out[:, :-1, :part] = clips[:, 1:, :part]
    out[:, 1:, part : 2 * part] = clips[:, :-1, part : 2 * part]
    out[:, :, 2 * part :] = clips[:, :, 2 * part :]
    return out.flatten(0, 1)


class Tsm(nn.Module):
    """The network.

    Args:
        classes: how many.
        frames: of a clip.
        shifted: whether channels are shifted in time; else it is TSN.
    """

    def __init__(self, classes: int, frames: int, shifted: bool = True) -> None:
        super().__init__()
        self.net = torchvision.models.resnet50(weights=None, num_classes=classes)
        if shifted:
            for layer in (self.net.layer1, self.net.layer2, self.net.layer3, self.net.layer4):
                for block in layer:
                    block.conv1 = Shift(block.conv1, frames)

    def forward(self, clips: Tensor) -> Tensor:
        """Normalised clips (B, 3, T, H, W) to scores (B, classes), before a softmax."""
        pictures = clips.transpose(1, 2)
        scores: Tensor = self.net(pictures.flatten(0, 1))
        return scores.reshape(*pictures.shape[:2], -1).mean(dim=1)


# Names in checkpoints -> torchvision's: the authors' first, then mmaction2's.
_NAMES = (
    (r"^module\.", ""),
    (r"^base_model\.", ""),
    (r"^new_fc\.", "fc."),
    (r"^backbone\.", ""),
    (r"^cls_head\.fc_cls\.", "fc."),
    (r"downsample\.conv\.", "downsample.0."),
    (r"downsample\.bn\.", "downsample.1."),
    (r"\bconv(\d)\.conv\.", r"conv\1."),
    (r"\bconv(\d)\.bn\.", r"bn\1."),
)


def names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint of the authors' or of mmaction2 under the names of :class:`Tsm`."""
    renamed = {}
    for name, value in state.items():
        for pattern, new in _NAMES:
            name = re.sub(pattern, new, name)
        renamed[name if name.startswith("net.") else f"net.{name}"] = value
    return renamed
