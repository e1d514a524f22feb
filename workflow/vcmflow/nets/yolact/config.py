"""Shapes of YOLACT networks: the published ones, and room for smaller ones.

Own implementation after Bolya et al., "YOLACT: Real-time Instance Segmentation" (ICCV 2019) and
"YOLACT++: Better Real-time Instance Segmentation" (TPAMI 2020). The original code
(github.com/dbolya/yolact) is under the MIT licence; none of it is used here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.yolact.backbone import LightResNet, ResNet

RGB_MEAN = (123.68, 116.78, 103.94)
RGB_STD = (58.40, 57.12, 57.38)


class Backbone(Protocol):
    """What a backbone must offer: three maps, finest first, and their widths."""

    @property
    def channels(self) -> tuple[int, int, int]:
        """Channels of the three maps (strides 8, 16, 32 in the published networks)."""
        ...

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Three maps of (B, C, h, w), finest first."""
        ...


class BackboneSpec(Protocol):
    """A description from which a backbone is built."""

    def build(self) -> nn.Module:
        """Make the backbone: a module that satisfies :class:`Backbone`."""
        ...


@dataclass(frozen=True)
class ResNetSpec:
    """ResNet of bottleneck blocks, some of whose 3x3 convolutions are deformable.

    Attributes:
        blocks: blocks per stage; (3, 4, 6, 3) is ResNet-50, (3, 4, 23, 3) ResNet-101.
        deformable_stages: stages (0..3) with deformable 3x3 convolutions.
        deformable_interval: every how many blocks of such a stage, from its first one.
    """

    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    deformable_stages: tuple[int, ...] = ()
    deformable_interval: int = 1

    def build(self) -> ResNet:
        """Make the backbone."""
        return ResNet(self.blocks, self.deformable_stages, self.deformable_interval)


@dataclass(frozen=True)
class LightSpec:
    """Small residual network of basic blocks, for the models that the project trains itself.

    Attributes:
        widths: channels after the stem and after stages 1..4 (strides 2, 4, 8, 16, 32).
        blocks: basic blocks per stage.
    """

    widths: tuple[int, int, int, int, int] = (16, 24, 48, 96, 128)
    blocks: tuple[int, int, int, int] = (1, 1, 1, 1)

    def build(self) -> LightResNet:
        """Make the backbone."""
        return LightResNet(self.widths, self.blocks)


@dataclass(frozen=True)
class YolactConfig:
    """Everything that decides the tensors of a YOLACT network.

    Attributes:
        backbone: description of the backbone, e.g. :class:`ResNetSpec` or :class:`LightSpec`.
        classes: number of classes with background (class 0).
        input_size: (height, width) to which every picture is resized; the aspect is not kept.
        fpn_width: channels of the feature pyramid and of the heads.
        prototypes: number of mask prototypes.
        proto_convs: 3x3 convolutions of the prototype branch before its enlargement by 2.
        anchor_scales: per pyramid level (finest first) the anchor sides in pixels of the input;
            the same number of scales on every level. Levels beyond three are strided copies.
        anchor_ratios: width / height of the anchors.
        mask_iou: whether the network predicts the IoU of its masks (the "++" in YOLACT++).
        semantic_head: whether it has the semantic segmentation layer used only in training.
        mean, std: per channel (RGB, 0..255), for normalising pictures.
    """

    backbone: BackboneSpec = ResNetSpec()
    classes: int = 81
    input_size: tuple[int, int] = (550, 550)
    fpn_width: int = 256
    prototypes: int = 32
    proto_convs: int = 3
    anchor_scales: tuple[tuple[float, ...], ...] = tuple(
        tuple(side * 2 ** (octave / 3) for octave in range(3)) for side in (24, 48, 96, 192, 384)
    )
    anchor_ratios: tuple[float, ...] = (1.0, 0.5, 2.0)
    mask_iou: bool = True
    semantic_head: bool = True
    mean: tuple[float, float, float] = RGB_MEAN
    std: tuple[float, float, float] = RGB_STD

    def __post_init__(self) -> None:
        """Refuse shapes from which no network can be built."""
        if self.classes < 2:
            raise VcmflowError(
                f"YOLACT classes = {self.classes}; allowed: 2 or more (0 = background)"
            )
        if len(self.anchor_scales) < 3 or len({len(scales) for scales in self.anchor_scales}) != 1:
            raise VcmflowError(
                "YOLACT anchor_scales: at least 3 levels with the same number of scales are needed"
            )
        # Five unpadded 3x3 convolutions of stride 2 need 63 cells; prototypes have stride 4.
        if self.mask_iou and min(self.input_size) < 249:
            raise VcmflowError(
                f"YOLACT mask_iou: input_size {self.input_size} is too small for it; allowed: "
                "sides from 249 pixels, or mask_iou = False"
            )

    @property
    def anchors_per_cell(self) -> int:
        """Anchors at each cell of every level."""
        return len(self.anchor_scales[0]) * len(self.anchor_ratios)


CONFIGS: dict[str, YolactConfig] = {
    "yolact_plus_resnet50": YolactConfig(
        backbone=ResNetSpec((3, 4, 6, 3), deformable_stages=(1, 2, 3))
    ),
    "yolact_plus_base": YolactConfig(
        backbone=ResNetSpec((3, 4, 23, 3), deformable_stages=(1, 2, 3), deformable_interval=3)
    ),
}
