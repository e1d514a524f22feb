"""EMA-VFI: from two frames to the frame at any time between them.

Own implementation after Zhang et al. 2023; tensor names follow the official checkpoints
(github.com/MCG-NJU/EMA-VFI, Apache-2.0), no code of which is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.ema_vfi.backbone import FeatureBone, Features, conv_prelu
from vcmflow.nets.ema_vfi.config import EmaVfiConfig
from vcmflow.nets.ema_vfi.strips import Strips, rows_of


@dataclass(frozen=True)
class Motion:
    """Where the pixels of the frame between come from.

    Attributes:
        flow: (B, 4, H, W) pixels: x, y into the first frame, x, y into the second one.
        mask: (B, 1, H, W) logit of the first frame's share.
    """

    flow: Tensor
    mask: Tensor


def resize(x: Tensor, factor: float) -> Tensor:
    """Bilinear resize of (B, C, H, W) by a factor."""
    if factor == 1:
        return x
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def warp(x: Tensor, flow: Tensor, low: int = 0, high: int | None = None) -> Tensor:
    """Fetch rows low..high-1 of a picture from ``x`` (B, C, H, W), displaced by (B, 2, H, W) flow.

    Bilinear; what lies outside repeats the border.
    """
    height, width = x.shape[2:]
    high = height if high is None else high
    rows = flow[:, :, low:high].to(torch.float32)
    xs = torch.linspace(-1, 1, width, device=x.device)
    ys = torch.linspace(-1, 1, height, device=x.device)[low:high]
    grid = torch.stack(
        (
            xs[None, None, :] + rows[:, 0] / ((width - 1) / 2),
            ys[None, :, None] + rows[:, 1] / ((height - 1) / 2),
        ),
        dim=-1,
    )
    # Coordinates need single precision, whatever the features come in.
    picked = F.grid_sample(
        x.float(), grid, mode="bilinear", padding_mode="border", align_corners=True
    )
    return picked.to(x.dtype)


class FlowHead(nn.Module):
    """Motion at one scale from appearance and motion features."""

    def __init__(self, inputs: int, hidden: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.hidden = hidden
        self.conv = nn.Sequential(
            conv_prelu(inputs, hidden), conv_prelu(hidden, hidden), conv_prelu(hidden, 5)
        )

    def forward(
        self, features: Tensor, pictures: Tensor, flow: Tensor | None, strips: Strips
    ) -> tuple[Tensor, Tensor]:
        """Update of the motion.

        Args:
            features: (B, C, H / scale, W / scale).
            pictures: (B, 6 or 13, H, W): frames, and warped frames and mask if there are any.
            flow: (B, 4, H, W) so far, or None.
            strips: how much to compute at a time.

        Returns:
            What to add to flow (B, 4, H, W) and mask (B, 1, H, W).
        """
        shrink = 4 / self.scale
        # Two shuffles by 2 interleave channels otherwise than one by 4.
        parts = [F.pixel_shuffle(F.pixel_shuffle(features, 2), 2), resize(pictures, shrink)]
        if flow is not None:
            parts.append(resize(flow, shrink) * shrink)
        channels = max(self.hidden, sum(part.shape[1] for part in parts))
        shape = (parts[0].shape[0], channels, *parts[0].shape[2:])
        update = strips.run(self.conv, rows_of(*parts), shape, halo=3)
        grow = self.scale // 4
        update = resize(update.float(), grow)
        return update[:, :4] * grow, update[:, 4:5]


class DownBlock(nn.Module):
    """Halve the map: two 3x3 convolutions, the first of stride 2, with PReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.conv1 = conv_prelu(inputs, outputs, stride=2)
        self.conv2 = conv_prelu(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / 2, W / 2)."""
        result: Tensor = self.conv2(self.conv1(x))
        return result


def up_block(inputs: int, outputs: int) -> nn.Sequential:
    """Double the map: transposed 4x4 convolution and PReLU."""
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.PReLU(outputs))


class RefineNet(nn.Module):
    """Corrects the blend of the warped frames with the warped appearance features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        c = 2 * width
        self.down0 = DownBlock(17 + c, 2 * c)
        self.down1 = DownBlock(4 * c, 4 * c)
        self.down2 = DownBlock(8 * c, 8 * c)
        self.down3 = DownBlock(16 * c, 16 * c)
        self.up0 = up_block(32 * c, 8 * c)
        self.up1 = up_block(16 * c, 4 * c)
        self.up2 = up_block(8 * c, 2 * c)
        self.up3 = up_block(4 * c, c)
        self.conv = nn.Conv2d(c, 3, 3, padding=1)

    def forward(
        self, pictures: list[Tensor], appearance: list[Tensor], flow: Tensor, strips: Strips
    ) -> Tensor:
        """Correction in -1..1, (B, 3, H, W).

        Args:
            pictures: (B, ., H, W) maps, 17 channels in all: both frames, both warped, mask, flow.
            appearance: of both frames, un-warped, as in :class:`Features`.
            flow: (B, 4, H, W).
            strips: how much to compute at a time.
        """
        half = flow.shape[0]
        skips: list[Tensor] = []
        x = pictures
        flow_here = flow
        for level, down in enumerate((self.down0, self.down1, self.down2, self.down3)):
            a, f = appearance[level], flow_here

            def rows(
                low: int, high: int, x: list[Tensor] = x, a: Tensor = a, f: Tensor = f
            ) -> Tensor:
                return torch.cat(
                    [
                        *(part[:, :, low:high].to(a.dtype) for part in x),
                        warp(a[:half], f[:, :2], low, high),
                        warp(a[half:], f[:, 2:], low, high),
                    ],
                    1,
                )

            shape = (half, down.inputs, *a.shape[2:])
            y = strips.run(down, rows, shape, halo=4, scale=Fraction(1, 2))
            skips.append(y)
            x = [y]
            flow_here = resize(flow_here, 0.5) * 0.5
        deepest = appearance[4]
        parts = [
            skips.pop(),
            warp(deepest[:half], flow_here[:, :2]),
            warp(deepest[half:], flow_here[:, 2:]),
        ]
        ups: tuple[nn.Module, ...] = (
            self.up0,
            self.up1,
            self.up2,
            nn.Sequential(self.up3, self.conv),
        )
        for up in ups:
            shape = (half, sum(part.shape[1] for part in parts), *parts[0].shape[2:])
            y = strips.run(up, rows_of(*parts), shape, halo=2, scale=2)
            parts = [y, skips.pop()] if skips else [y]
        return torch.sigmoid(parts[0].float()) * 2 - 1


class EmaVfi(nn.Module):
    """The whole network; frames are (B, 3, H, W), BGR in 0..1, H and W multiples of 32."""

    def __init__(self, config: EmaVfiConfig) -> None:
        super().__init__()
        self.config = config
        self.feature_bone = FeatureBone(config)
        self.block = nn.ModuleList()
        for stage, extra in ((1, 6), (0, 17)):
            inputs = 2 * (
                config.motion_widths[stage] * config.depths[stage] + config.channels[3 + stage]
            )
            self.block.append(FlowHead(inputs // 16 + extra, 4 * config.width, 8 * 2**stage))
        self.unet = RefineNet(config.width)

    def motion(
        self, first: Tensor, second: Tensor, features: Features, time: float, strips: Strips
    ) -> list[Motion]:
        """Motion at ``time`` after the coarse and after the fine head."""
        half = len(first)
        steps: list[Motion] = []
        after = first.new_tensor(time)
        for index, head in enumerate(self.block):
            m, a = features.motion[-1 - index], features.appearance[-1 - index]
            joint = torch.cat((after * m[:half], (1 - after) * m[half:], a[:half], a[half:]), 1)
            if not steps:
                steps.append(Motion(*head(joint, torch.cat((first, second), 1), None, strips)))
                continue
            flow, mask = steps[-1].flow, steps[-1].mask
            pictures = (first, second, warp(first, flow[:, :2]), warp(second, flow[:, 2:]), mask)
            d_flow, d_mask = head(joint, torch.cat(pictures, 1), flow, strips)
            steps.append(Motion(flow + d_flow, mask + d_mask))
        return steps

    def refine(
        self, first: Tensor, second: Tensor, features: Features, motion: Motion, strips: Strips
    ) -> Tensor:
        """The frame between, (B, 3, H, W) in 0..1."""
        warped = (warp(first, motion.flow[:, :2]), warp(second, motion.flow[:, 2:]))
        pictures = [first, second, *warped, motion.mask, motion.flow]
        correction = self.unet(pictures, features.appearance, motion.flow, strips)
        share = torch.sigmoid(motion.mask)
        blend = warped[0] * share + warped[1] * (1 - share)
        result: Tensor = (blend + correction).clamp(0, 1)
        return result

    def forward(
        self,
        first: Tensor,
        second: Tensor,
        times: Sequence[float],
        down_scale: float = 1.0,
        strips: Strips | None = None,
    ) -> list[Tensor]:
        """Frames at ``times`` between two frames; features are computed once for all of them.

        Args:
            first, second: (B, 3, H, W), BGR in 0..1, H and W multiples of 32, and such that
                ``down_scale`` times them is a multiple of 16.
            times: 0 is ``first``, 1 is ``second``.
            down_scale: below 1, motion is estimated on frames shrunk by it (for large motion).
            strips: how much to compute at a time.

        Raises:
            VcmflowError: sizes that do not fit.
        """
        strips = strips or Strips()
        small = [int(side * down_scale) for side in first.shape[2:]]
        if any(side % 32 for side in first.shape[2:]) or any(side % 16 for side in small):
            raise VcmflowError(
                f"EMA-VFI: frames of {first.shape[3]}x{first.shape[2]} at down_scale {down_scale}; "
                "pad them to multiples of 32, and of 16 / down_scale"
            )
        if not times:
            return []
        if down_scale == 1:
            features = self.feature_bone(first, second, strips)
            return [
                self.refine(
                    first,
                    second,
                    features,
                    self.motion(first, second, features, time, strips)[-1],
                    strips,
                )
                for time in times
            ]
        motions = self._small_motions(first, second, times, down_scale, strips)
        features = self.feature_bone(first, second, strips)
        features.motion.clear()
        results = []
        for small_motion in motions:
            grow = 1 / down_scale
            motion = Motion(resize(small_motion.flow, grow) * grow, resize(small_motion.mask, grow))
            results.append(self.refine(first, second, features, motion, strips))
        return results

    def _small_motions(
        self,
        first: Tensor,
        second: Tensor,
        times: Sequence[float],
        down_scale: float,
        strips: Strips,
    ) -> list[Motion]:
        """Motion between shrunk frames; their features are gone before those of the frames come."""
        pair = (resize(first, down_scale), resize(second, down_scale))
        features = self.feature_bone(*pair, strips)
        return [self.motion(*pair, features, time, strips)[-1] for time in times]
