"""Shapes of the EMA-VFI networks.

Own implementation after Zhang et al., "Extracting Motion and Appearance via Inter-Frame Attention
for Efficient Video Frame Interpolation" (CVPR 2023). The original code
(github.com/MCG-NJU/EMA-VFI) is under the Apache-2.0 licence; none of it is used here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EmaVfiConfig:
    """Everything that decides the tensors of an EMA-VFI network.

    Attributes:
        width: F, channels of the finest features; stage s has F * 2^s.
        depths: attention blocks of the stages at strides 8 and 16.
        motion_widths: channels of one block's motion features at strides 8 and 16.
        window: side of the attention windows, in cells.
    """

    width: int
    depths: tuple[int, int]
    motion_widths: tuple[int, int] = (64, 128)
    window: int = 7

    @property
    def channels(self) -> tuple[int, int, int, int, int]:
        """Channels of the appearance features at strides 1, 2, 4, 8, 16."""
        f = self.width
        return (f, 2 * f, 4 * f, 8 * f, 16 * f)

    @property
    def heads(self) -> tuple[int, int]:
        """Attention heads at strides 8 and 16: 32 channels each."""
        return (self.channels[3] // 32, self.channels[4] // 32)


CONFIGS: dict[str, EmaVfiConfig] = {
    "full": EmaVfiConfig(width=32, depths=(4, 4)),
    "small": EmaVfiConfig(width=16, depths=(2, 2)),
}
