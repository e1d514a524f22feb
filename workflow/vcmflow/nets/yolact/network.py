"""The YOLACT network: backbone, feature pyramid, prototypes, shared prediction head, mask IoU.

Own implementation after Bolya et al. 2019 and 2020; tensor names follow the official checkpoints
(github.com/dbolya/yolact, MIT), no code of which is used. The training loss lives elsewhere: in
training mode the forward returns what a loss needs, semantic logits included.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.yolact.config import YolactConfig


@dataclass(frozen=True)
class YolactOutput:
    """Raw heads for a batch of B pictures with A anchors.

    Attributes:
        deltas: (B, A, 4) box regressions (x, y, w, h), to be decoded against ``anchors``.
        logits: (B, A, classes), background first.
        coefficients: (B, A, prototypes) in -1..1, after tanh.
        prototypes: (B, h, w, prototypes), >= 0.
        anchors: (A, 4) centre x, centre y, width, height relative to the picture.
        semantic: (B, classes - 1, h, w) logits on the finest level; None outside training.
    """

    deltas: Tensor
    logits: Tensor
    coefficients: Tensor
    prototypes: Tensor
    anchors: Tensor
    semantic: Tensor | None


class FeaturePyramid(nn.Module):
    """Top-down pyramid; layers are stored deepest first, as in the official checkpoints."""

    def __init__(self, channels: Sequence[int], width: int, extra_levels: int) -> None:
        super().__init__()
        self.lat_layers = nn.ModuleList(nn.Conv2d(c, width, 1) for c in reversed(channels))
        self.pred_layers = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)
        self.downsample_layers = nn.ModuleList(
            nn.Conv2d(width, width, 3, 2, padding=1) for _ in range(extra_levels)
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Backbone maps, finest first -> pyramid levels of (B, width, h, w), finest first."""
        merged: list[Tensor] = []
        for lateral, x in zip(self.lat_layers, reversed(maps), strict=True):
            y = lateral(x)
            if merged:
                above = F.interpolate(
                    merged[-1], size=x.shape[-2:], mode="bilinear", align_corners=False
                )
                y = above + y
            merged.append(y)
        levels = [
            F.relu(layer(y), inplace=True)
            for layer, y in zip(self.pred_layers, merged, strict=True)
        ]
        levels.reverse()
        for layer in self.downsample_layers:
            levels.append(layer(levels[-1]))
        return levels


class PredictionHead(nn.Module):
    """Class logits, box regressions and mask coefficients of every anchor of a level."""

    def __init__(self, width: int, anchors: int, classes: int, prototypes: int) -> None:
        super().__init__()
        self.upfeature = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True))
        self.bbox_layer = nn.Conv2d(width, anchors * 4, 3, padding=1)
        self.conf_layer = nn.Conv2d(width, anchors * classes, 3, padding=1)
        self.mask_layer = nn.Conv2d(width, anchors * prototypes, 3, padding=1)
        self.sizes = (4, classes, prototypes)

    def forward(self, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, width, h, w) -> (B, h w anchors, 4 | classes | prototypes), rows (y, x, anchor)."""
        x = self.upfeature(level)
        deltas, logits, coefficients = (
            layer(x).permute(0, 2, 3, 1).reshape(len(x), -1, size)
            for layer, size in zip(
                (self.bbox_layer, self.conf_layer, self.mask_layer), self.sizes, strict=True
            )
        )
        return deltas, logits, torch.tanh(coefficients)


class MaskIouNet(nn.Module):
    """Predicts, per class, the IoU of a soft mask with the object that it stands for."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise((1, 8, 16, 32, 64, 128)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2), nn.ReLU(inplace=True)]
        layers += [nn.Conv2d(128, classes, 1), nn.ReLU(inplace=True)]
        self.maskiou_net = nn.Sequential(*layers)

    def forward(self, masks: Tensor) -> Tensor:
        """(N, 1, h, w) soft masks cropped to their boxes -> (N, classes), >= 0."""
        return torch.amax(self.maskiou_net(masks), dim=(2, 3))


def level_anchors(
    size: tuple[int, int],
    scales: Sequence[float],
    ratios: Sequence[float],
    input_size: tuple[int, int],
) -> Tensor:
    """Anchors of one level, (h w scales ratios, 4): centre x, y, width, height, all relative.

    Rows run over y, then x, then scale, then ratio.
    """
    height, width = size
    shapes = torch.tensor(
        [
            (scale * ratio**0.5 / input_size[1], scale / ratio**0.5 / input_size[0])
            for scale, ratio in itertools.product(scales, ratios)
        ],
        dtype=torch.float64,
    )
    xs = (torch.arange(width, dtype=torch.float64) + 0.5) / width
    ys = (torch.arange(height, dtype=torch.float64) + 0.5) / height
    anchors = torch.empty(height, width, len(shapes), 4, dtype=torch.float64)
    anchors[..., 0] = xs[None, :, None]
    anchors[..., 1] = ys[:, None, None]
    anchors[..., 2:] = shapes
    return anchors.reshape(-1, 4).float()


class Yolact(nn.Module):
    """YOLACT / YOLACT++ with any backbone that returns three maps."""

    def __init__(self, config: YolactConfig) -> None:
        super().__init__()
        self.config = config
        width = config.fpn_width
        self.backbone = config.backbone.build()
        self.fpn = FeaturePyramid(
            self.backbone.channels,  # type: ignore[arg-type]  # a Backbone
            width,
            extra_levels=len(config.anchor_scales) - 3,
        )
        before: list[nn.Module] = []
        for _ in range(config.proto_convs):
            before += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True)]
        self.proto_net = nn.Sequential(
            *before,
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, config.prototypes, 1),
        )
        self.prediction_layers = nn.ModuleList(
            [PredictionHead(width, config.anchors_per_cell, config.classes, config.prototypes)]
        )
        self.maskiou_net = MaskIouNet(config.classes - 1) if config.mask_iou else None
        self.semantic_seg_conv = (
            nn.Conv2d(width, config.classes - 1, 1) if config.semantic_head else None
        )
        self._anchors: dict[tuple[tuple[int, int], ...], Tensor] = {}

    def forward(self, images: Tensor) -> YolactOutput:
        """Raw heads of normalised RGB pictures, (B, 3, height, width) of any size >= 32."""
        return self._heads(self.fpn(self.backbone(images)))

    def from_features(self, x: Tensor) -> YolactOutput:
        """The same from the maps at stride 4 of a light backbone, (B, C, h, w)."""
        return self._heads(self.levels(x))

    def levels(self, x: Tensor) -> list[Tensor]:
        """The pyramid of these maps."""
        levels: list[Tensor] = self.fpn(self.backbone.from_features(x))  # type: ignore[operator]
        return levels

    def _heads(self, levels: Sequence[Tensor]) -> YolactOutput:
        prototypes = F.relu(self.proto_net(levels[0])).permute(0, 2, 3, 1)
        heads = [self.prediction_layers[0](level) for level in levels]
        deltas, logits, coefficients = (torch.cat(parts, 1) for parts in zip(*heads, strict=True))
        semantic = None
        if self.training and self.semantic_seg_conv is not None:
            semantic = self.semantic_seg_conv(levels[0])
        sizes = tuple((level.shape[2], level.shape[3]) for level in levels)
        return YolactOutput(
            deltas,
            logits,
            coefficients,
            prototypes,
            self.anchors(sizes).to(prototypes.device),
            semantic,
        )

    def anchors(self, sizes: tuple[tuple[int, int], ...]) -> Tensor:
        """Anchors of all levels of these (h, w), finest first, as (A, 4) on the CPU."""
        if sizes not in self._anchors:
            self._anchors[sizes] = torch.cat(
                [
                    level_anchors(size, scales, self.config.anchor_ratios, self.config.input_size)
                    for size, scales in zip(sizes, self.config.anchor_scales, strict=True)
                ]
            )
        return self._anchors[sizes]

    def prepare(self, frames: Tensor) -> Tensor:
        """Resize and normalise pictures.

        Args:
            frames: (B, H, W, 3) uint8 or float, RGB, 0..255.

        Returns:
            (B, 3, height, width) float32 of the configuration's input size, normalised RGB.
        """
        images = frames.permute(0, 3, 1, 2).float()
        images = F.interpolate(
            images, size=self.config.input_size, mode="bilinear", align_corners=False
        )
        mean = images.new_tensor(self.config.mean).view(3, 1, 1)
        std = images.new_tensor(self.config.std).view(3, 1, 1)
        return (images - mean) / std
