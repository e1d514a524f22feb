"""The latent fusion network (LFN): decoded frames and the semantic code to frames for machines."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.vcs.causal import CausalConv, State, fold, unfold
from vcmflow.nets.vcs.config import Config
from vcmflow.nets.vcs.dgfm import rectified
from vcmflow.nets.vcs.sem_enc import CODE

_WIDTH = 128  # channels of the latent features
_GROWTH = 64  # of the dense blocks
_SEMANTICS = 256  # channels of the upsampled code
_SEMANTIC_GROWTH = 32
_SHUFFLE = 4  # pixels per side that become channels
_LITTLE = 0.3  # share of what a dense block adds before training


class TDense(nn.Module):
    """A dense block whose last layer looks back in time: half its channels 2, half 4 frames.

    Args:
        channels: in and out.
        growth: channels that each of the four convolutions adds.
        temporal: with that layer.
        bias: whether layers add one.
    """

    def __init__(self, channels: int, growth: int, *, temporal: bool, bias: bool = True) -> None:
        super().__init__()
        self.dense = nn.ModuleList(
            nn.Conv2d(channels + number * growth, growth, 3, padding=1, bias=bias)
            for number in range(4)
        )
        self.fuse = nn.Conv2d(channels + 4 * growth, channels, 1, bias=bias)
        self.times = nn.ModuleList()
        if temporal:
            half = channels // 2
            self.times.extend(CausalConv(half, half, frames, bias=bias) for frames in (3, 5))
        self.apply(rectified)
        with torch.no_grad():
            self.fuse.weight.mul_(_LITTLE)
            for layer in self.times.parameters():
                layer.mul_(_LITTLE)

    def forward(self, frames: Tensor, batch: int, state: State | None) -> Tensor:
        """(B * T, C, H, W) to the same."""
        seen = frames
        for layer in self.dense:
            seen = torch.cat([seen, F.leaky_relu(layer(seen), 0.2)], dim=1)
        fused: Tensor = self.fuse(seen)
        if self.times:
            halves = unfold(fused, batch).chunk(2, dim=1)
            looked = [
                layer.step(half, state)
                for layer, half in zip(self.times, halves, strict=True)
                if isinstance(layer, CausalConv)
            ]
            fused = fused + fold(torch.cat(looked, dim=1))
        return frames + fused


class Up(nn.Module):
    """Twice the size: each of the four places made of a step has its own weights.

    Copies of the step would be four times the same, and detail in it could not be told to lie left
    or right.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.places = nn.Conv2d(channels, 4 * channels, 1, groups=2)
        rectified(self.places)

    def forward(self, frames: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, 2 H, 2 W)."""
        return F.pixel_shuffle(self.places(frames), 2)


class Skip(nn.Module):
    """Adds the down path's features to the up path's, masked by an attention that sees them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, groups=8), nn.Conv2d(channels, channels, 1)
        )

    def forward(self, up: Tensor, down: Tensor) -> Tensor:
        """Both (N, C, H, W)."""
        return up + down * torch.sigmoid(self.attention(down))


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """A convolution and its activation."""
    layer = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
    rectified(layer)
    return nn.Sequential(layer, nn.LeakyReLU(0.2))


class Lfn(nn.Module):
    """Decoded frames, corrected by what the code says of them.

    The path of the semantics has no biases, so that a code of zeros changes nothing.

    Args:
        config: sizes and variants.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, growth = config.channels(_WIDTH), config.channels(_GROWTH)
        pixels = 3 * _SHUFFLE**2
        self.quarter = convolution(pixels, width)
        self.eighth = convolution(width, width, 2)
        self.sixteenth = convolution(width, width, 2)

        def blocks(count: int) -> nn.ModuleList:
            return nn.ModuleList(
                TDense(width, growth, temporal=config.temporal) for _ in range(count)
            )

        semantics = config.channels(_SEMANTICS)
        self.down = blocks(config.down)
        self.lift = nn.ConvTranspose2d(
            config.channels(CODE), semantics, 4, stride=2, padding=1, bias=False
        )
        self.affine = TDense(
            semantics, config.channels(_SEMANTIC_GROWTH), temporal=config.temporal, bias=False
        )
        self.coarse = blocks((config.up + 1) // 2)
        self.eighth_up, self.eighth_skip = Up(width), Skip(width)
        self.fine = blocks(config.up // 2)
        self.quarter_up, self.quarter_skip = Up(width), Skip(width)
        self.decoder = nn.Sequential(
            convolution(width, width),
            convolution(width, width),
            convolution(width, width // 2),
            nn.Conv2d(width // 2, pixels, 3, padding=1),
        )
        # Before training, frames come out as they are, and the code is not heard: what it says of
        # them at random would teach the encoder to be silent before it can learn to speak.
        for value in (*self.decoder[-1].parameters(), self.lift.weight):
            nn.init.zeros_(value)

    def forward(self, decoded: Tensor, code: Tensor | None, state: State | None = None) -> Tensor:
        """Frames for machines, (B, 3, T, H, W), about 0..1.

        Args:
            decoded: (B, 3, T, H, W) in 0..1, sides multiples of 32.
            code: (B, C, T, H / 32, W / 32); None is the same as zeros.
            state: continues a clip (``vcmflow.nets.vcs.causal``).
        """
        batch = len(decoded)
        frames = fold(decoded)
        quarter = self.quarter(F.pixel_unshuffle(frames, _SHUFFLE))
        eighth = self.eighth(quarter)
        latent = self.sixteenth(eighth)
        for block in self.down:
            latent = block(latent, batch, state)
        if code is not None:
            lifted = F.leaky_relu(self.lift(fold(code)), 0.2)
            scale, shift = self.affine(lifted, batch, state).chunk(2, dim=1)
            latent = latent * (1 + scale) + shift
        for block in self.coarse:
            latent = block(latent, batch, state)
        latent = self.eighth_skip(self.eighth_up(latent), eighth)
        for block in self.fine:
            latent = block(latent, batch, state)
        latent = self.quarter_skip(self.quarter_up(latent), quarter)
        change = F.pixel_shuffle(self.decoder(latent), _SHUFFLE)
        return unfold(frames + change, batch)
