"""A small Faster R-CNN (Ren et al., 2015) with a feature pyramid (Lin et al., 2017).

The parts are torchvision's; backbone, pyramid and heads are narrow, and proposals are few, so that
a frame of 416x240 takes some ten milliseconds on one CPU core.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FasterRCNN, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.rpn import AnchorGenerator, RPNHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from vcmflow.nets.yolact.backbone import LightResNet

NAME = "faster_rcnn_mini"
SPACE = f"{NAME}.res2"  # what the features of stride 4 are called

# Class 0 of the network is background; class k is this COCO id.
CATEGORIES = (1, 2, 3)


@dataclass(frozen=True)
class Shape:
    """What decides the tensors of the network, and its speed.

    Attributes:
        widths: channels after the stem and the stages of strides 4, 8, 16, 32.
        blocks: residual blocks per stage.
        pyramid: channels of every pyramid level.
        hidden: neurons of the two fully connected layers of the box head.
        pooled: side of the pooled features of a proposal.
        anchors: anchor side in pixels per pyramid level (strides 4, 8, 16, 32).
        ratios: height / width of the anchors.
        height: frames are resized to this height (aspect kept) before detection.
        limit: longest side after resizing.
        proposals: proposals per frame that reach the box head.
    """

    widths: tuple[int, int, int, int, int] = (16, 32, 64, 96, 128)
    blocks: tuple[int, int, int, int] = (1, 2, 2, 1)
    pyramid: int = 48
    hidden: int = 128
    pooled: int = 7
    anchors: tuple[float, float, float, float] = (14.0, 28.0, 56.0, 112.0)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.5)
    height: int = 240
    limit: int = 800
    proposals: int = 200


def resized(height: int, width: int) -> tuple[int, int]:
    """Height and width in px to which torchvision's part resizes a frame, before it is padded."""
    shape = Shape()
    scale = min(shape.height / min(height, width), shape.limit / max(height, width))
    return math.floor(height * scale), math.floor(width * scale)


class PyramidBackbone(nn.Module):
    """Four levels of equal width at strides 4, 8, 16 and 32."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.out_channels = shape.pyramid
        self.body = LightResNet(shape.widths, shape.blocks)
        self.fpn = FeaturePyramidNetwork(list(shape.widths[1:]), shape.pyramid)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) normalised RGB, sides multiples of 32 -> levels "0".."3" of (B, C, h, w)."""
        x = torch.relu(self.body.bn1(self.body.conv1(images)))
        return self.from_features(self.body.layers[0](x))

    def from_features(self, x: Tensor) -> dict[str, Tensor]:
        """Maps after the first stage, (B, c, H / 4, W / 4) -> the levels."""
        maps: OrderedDict[str, Tensor] = OrderedDict([("0", x)])
        for level, layer in enumerate(self.body.layers[1:], start=1):
            x = layer(x)
            maps[str(level)] = x
        levels: dict[str, Tensor] = self.fpn(maps)
        return levels


class PreciseRPNHead(RPNHead):  # type: ignore[misc]  # torchvision has no types
    """Proposal head with single-precision outputs.

    torchvision decodes boxes in the type of the outputs, and bfloat16 cannot tell neighbouring
    pixels apart.
    """

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Levels of (B, C, h, w) -> per level logits (B, a, h, w), box deltas (B, 4 a, h, w)."""
        logits, deltas = super().forward(x)
        return [level.float() for level in logits], [level.float() for level in deltas]


class PrecisePredictor(FastRCNNPredictor):  # type: ignore[misc]
    """Class and box predictor with single-precision outputs, for the same reason."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(k, hidden) -> class logits (k, classes), box deltas (k, 4 classes)."""
        logits, deltas = super().forward(x)
        return logits.float(), deltas.float()


def network(
    shape: Shape | None = None, score_threshold: float = 0.05, detections: int = 100
) -> FasterRCNN:
    """Make the untrained network; torchvision's losses in training, detections otherwise."""
    shape = shape or Shape()
    levels = [str(level) for level in range(4)]
    backbone = PyramidBackbone(shape)
    return FasterRCNN(
        backbone,
        min_size=shape.height,
        max_size=shape.limit,
        image_mean=(0.45, 0.45, 0.45),
        image_std=(0.25, 0.25, 0.25),
        rpn_anchor_generator=AnchorGenerator(
            tuple((side,) for side in shape.anchors), (shape.ratios,) * 4
        ),
        rpn_head=PreciseRPNHead(shape.pyramid, len(shape.ratios)),
        rpn_pre_nms_top_n_train=400,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_train=300,
        rpn_post_nms_top_n_test=shape.proposals,
        rpn_batch_size_per_image=128,
        box_roi_pool=MultiScaleRoIAlign(levels, shape.pooled, 2, canonical_scale=112),
        box_head=TwoMLPHead(shape.pyramid * shape.pooled**2, shape.hidden),
        box_predictor=PrecisePredictor(shape.hidden, len(CATEGORIES) + 1),
        box_batch_size_per_image=64,
        box_score_thresh=score_threshold,
        box_detections_per_img=detections,
    )
