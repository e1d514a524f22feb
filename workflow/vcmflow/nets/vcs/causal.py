"""Convolutions that look back in time and never ahead, on whole clips and on clips in pieces."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# What modules remember of the frames before a piece; empty at a clip's beginning.
State = dict[nn.Module, Tensor]


class CausalConv(nn.Conv3d):
    """A 3D convolution of (B, C, T, H, W) whose output at a frame sees it and those before it.

    Args:
        inputs: channels.
        outputs: channels.
        frames: length in time.
        size: width and height, odd.
        groups: of channels.
        bias: whether it adds one.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        frames: int,
        size: int = 1,
        *,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        padding = (0, size // 2, size // 2)
        super().__init__(
            inputs, outputs, (frames, size, size), padding=padding, groups=groups, bias=bias
        )
        self.past = frames - 1

    def step(self, clip: Tensor, state: State | None) -> Tensor:
        """The output for a piece of a clip; ``state`` is read and brought up to date.

        Before the first frame there are zeros; None stands for a clip in one piece.
        """
        batch, channels, _, height, width = clip.shape
        before = None if state is None else state.get(self)
        if before is None:
            before = clip.new_zeros(batch, channels, self.past, height, width)
        whole = torch.cat([before, clip], dim=2)
        if state is not None:
            state[self] = whole[:, :, whole.shape[2] - self.past :].clone()
        result: Tensor = self(whole)
        return result


def fold(clip: Tensor) -> Tensor:
    """(B, C, T, H, W) to (B * T, C, H, W)."""
    return clip.transpose(1, 2).flatten(0, 1)


def unfold(frames: Tensor, batch: int) -> Tensor:
    """(B * T, C, H, W) to (B, C, T, H, W)."""
    return frames.reshape(batch, -1, *frames.shape[1:]).transpose(1, 2)
