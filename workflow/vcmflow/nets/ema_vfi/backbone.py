"""The feature extractor of EMA-VFI: convolutions at strides 1, 2, 4, attention at 8 and 16."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor, nn

from vcmflow.nets.ema_vfi.attention import MotionBlock
from vcmflow.nets.ema_vfi.config import EmaVfiConfig
from vcmflow.nets.ema_vfi.strips import Strips, rows_of


@dataclass(frozen=True)
class Features:
    """Features of B pairs of frames, first frames in rows 0..B-1, second ones in B..2B-1.

    Attributes:
        appearance: (2B, F 2^s, H / 2^s, W / 2^s) for s = 0..4.
        motion: (2B, motion width * depth, h, w) at strides 8 and 16.
    """

    appearance: list[Tensor]
    motion: list[Tensor]


def conv_prelu(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution and PReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.PReLU(outputs))


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each followed by PReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*conv_prelu(inputs, outputs), *conv_prelu(outputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        result: Tensor = self.conv(x)
        return result


class CrossScaleEmbed(nn.Module):
    """Stride-8 tokens from the three convolution maps, each at several dilations."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(
                width * 2**stage, width, 3, 8 // 2**stage, padding=dilation, dilation=dilation
            )
            for stage in (2, 1, 0)
            for dilation in range(1, 2 ** (2 - stage) + 1)
        )
        self.proj = nn.Conv2d(width * len(self.layers), width * 8, 1)
        self.norm = nn.LayerNorm(width * 8)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Maps at strides 1, 2, 4 -> (2B, H / 8, W / 8, 8F)."""
        sources = (maps[2], maps[1], maps[1], maps[0], maps[0], maps[0], maps[0])
        parts = [layer(source) for layer, source in zip(self.layers, sources, strict=True)]
        result: Tensor = self.norm(self.proj(torch.cat(parts, 1)).permute(0, 2, 3, 1))
        return result


class PatchEmbed(nn.Module):
    """Halve the map: 3x3 convolution of stride 2 and layer normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, outputs, 3, 2, padding=1)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(2B, C, H, W) -> (2B, H / 2, W / 2, C')."""
        result: Tensor = self.norm(self.proj(x).permute(0, 2, 3, 1))
        return result


def places_of(height: int, width: int, device: torch.device) -> Tensor:
    """Coordinates (1, height, width, 2) of the cells, x then y, -1..1 from edge to edge."""
    x = torch.linspace(-1, 1, width, device=device)
    y = torch.linspace(-1, 1, height, device=device)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]


class FeatureBone(nn.Module):
    """Appearance and motion features of pairs of frames."""

    def __init__(self, config: EmaVfiConfig) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.block1 = ConvBlock(3, c[0])
        self.patch_embed2 = conv_prelu(c[0], c[1], stride=2)
        self.block2 = ConvBlock(c[1], c[1])
        self.patch_embed3 = conv_prelu(c[1], c[2], stride=2)
        self.block3 = ConvBlock(c[2], c[2])
        self.patch_embed4 = CrossScaleEmbed(config.width)
        self.patch_embed5 = PatchEmbed(c[3], c[4])
        self.block4, self.block5 = (
            nn.ModuleList(
                MotionBlock(
                    c[3 + stage],
                    config.motion_widths[stage],
                    config.heads[stage],
                    config.window,
                    shift=config.window // 2 if index % 2 else 0,
                )
                for index in range(config.depths[stage])
            )
            for stage in (0, 1)
        )
        self.norm4 = nn.LayerNorm(c[3], eps=1e-6)
        self.norm5 = nn.LayerNorm(c[4], eps=1e-6)

    def forward(self, first: Tensor, second: Tensor, strips: Strips) -> Features:
        """Features of frames (B, 3, H, W), BGR in 0..1, H and W multiples of 16."""
        x = torch.cat((first, second))
        appearance: list[Tensor] = []
        for block, width, embed in zip(
            (self.block1, self.block2, self.block3),
            self.config.channels,
            (self.patch_embed2, self.patch_embed3, None),
            strict=False,
        ):
            shape = (x.shape[0], width, *x.shape[2:])
            x = strips.run(block, rows_of(x), shape, halo=2)
            appearance.append(x)
            if embed is not None:
                x = strips.run(embed, rows_of(x), shape, halo=2, scale=Fraction(1, 2))
        motion: list[Tensor] = []
        tokens = self.patch_embed4(appearance)
        for blocks, norm in ((self.block4, self.norm4), (self.block5, self.norm5)):
            if motion:
                tokens = self.patch_embed5(appearance[-1])
            places = places_of(tokens.shape[1], tokens.shape[2], tokens.device)
            moves = []
            for motion_block in blocks:
                tokens, move = motion_block(tokens, places, strips)
                moves.append(move)
            appearance.append(norm(tokens).permute(0, 3, 1, 2).contiguous())
            motion.append(torch.cat(moves, dim=-1).permute(0, 3, 1, 2).contiguous())
        return Features(appearance, motion)
