"""Sem-Enc: the semantic code of a clip, given what the ordinary codec made of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.vcs.causal import CausalConv, State, fold, unfold
from vcmflow.nets.vcs.config import Config
from vcmflow.nets.vcs.dgfm import Dgfm, rectified

CODE = 512  # channels of the code at full width
_STEM = (32, 8)  # channels of frame and guide at half the size
_STAGES = ((64, 16), (128, 32), (256, 64), (512, 128))  # after each halving
_GROUPS = 32  # of the convolutions in time
_GAIN = 1.0  # deviation of a channel of the code before training
_CONTRAST = 32.0  # gives what coding changes, a few levels out of 255, the size of frames


def stage(inputs: int, outputs: int) -> nn.Sequential:
    """Three convolutions, the first of which halves the size."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.LeakyReLU(0.2),
    )


def _passing(module: nn.Module) -> None:
    """First weights of a convolution in time: this frame's features as they are, and a little else.

    Most of its 125 taps lie outside small or short clips, so that weights that keep the size of
    features in large ones would let none pass there.
    """
    if isinstance(module, CausalConv) and module.bias is not None:
        nn.init.kaiming_normal_(module.weight, a=0.2)
        inner = module.weight.shape[1]
        with torch.no_grad():
            module.weight.mul_(0.5)
            centre = module.weight[:, :, -1, module.kernel_size[1] // 2, module.kernel_size[2] // 2]
            centre += torch.eye(inner).repeat(module.groups, 1)
            module.bias.zero_()


class SemEnc(nn.Module):
    """Original and decoded frames to the code, before rounding.

    Args:
        config: sizes and variants.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.condition = config.condition
        guided = config.condition != "none"
        before = [config.channels(size) for size in _STEM]
        self.stem = nn.Conv2d(12, before[0], 3, padding=1)
        self.guide_stem = nn.Conv2d(12, before[1], 3, padding=1) if guided else None
        self.stages = nn.ModuleList()
        self.guide_stages = nn.ModuleList()
        self.fusions = nn.ModuleList()
        for number, sizes in enumerate(_STAGES):
            after = [config.channels(size) for size in sizes]
            self.stages.append(stage(before[0], after[0]))
            if guided:
                self.guide_stages.append(stage(before[1], after[1]))
            block = 2 ** (len(_STAGES) - 1 - number)
            sizes = after[0], after[1] if guided else 0
            self.fusions.append(Dgfm(*sizes, block, config, last=block == 1))
            before = after
        code = before[0]
        self.times = nn.ModuleList(CausalConv(code, code, 5, 5, groups=_GROUPS) for _ in range(2))
        for part in (self.stem, self.guide_stem, self.stages, self.guide_stages):
            if part is not None:
                part.apply(rectified)
        self.times.apply(_passing)
        # A channel's size is a parameter of its own. Left to the layers before, they shrink a code
        # that does not help yet to zeros within a few steps, and it never will.
        self.scale = nn.BatchNorm3d(code)
        nn.init.constant_(self.scale.weight, _GAIN)

    def forward(self, frames: Tensor, decoded: Tensor, state: State | None = None) -> Tensor:
        """Both (B, 3, T, H, W) in 0..1, sides multiples of 32, to (B, C, T, H / 32, W / 32).

        ``state`` continues a clip (``vcmflow.nets.vcs.causal``).
        """
        features = self.stem(F.pixel_unshuffle(fold(frames * 2 - 1), 2))
        guide: Tensor | None = None
        if self.guide_stem is not None:
            seen = (
                (frames - decoded) * _CONTRAST
                if self.condition == "difference"
                else decoded * 2 - 1
            )
            guide = self.guide_stem(F.pixel_unshuffle(fold(seen), 2))
        for number, (made, fusion) in enumerate(zip(self.stages, self.fusions, strict=True)):
            features = made(features)
            if guide is not None:
                guide = self.guide_stages[number](guide)
            features, guide = fusion(features, guide)
        clip = unfold(features, len(frames))
        first, second = self.times
        assert isinstance(first, CausalConv)  # noqa: S101  (for the type checker)
        assert isinstance(second, CausalConv)  # noqa: S101
        clip = F.leaky_relu(first.step(clip, state), 0.2)
        scaled: Tensor = self.scale(second.step(clip, state))
        return scaled

    def soften(self, temperature: float) -> None:
        """Set the temperature of the soft choice of kernels."""
        for fusion in self.fusions:
            assert isinstance(fusion, Dgfm)  # noqa: S101  (for the type checker)
            fusion.temperature = temperature
