"""Faster R-CNN with ResNet and FPN of torchvision's parts, put together as detectron2 computes it.

Network: Ren et al. 2015, Lin et al. 2017 (feature pyramid), Xie et al. 2017 (ResNeXt). The weights
that it takes are detectron2's ``faster_rcnn_X_101_32x8d_FPN_3x`` and, with ``R50``, those of
``faster_rcnn_R_50_FPN`` (Apache-2.0); no detectron2 code is used, and detectron2 need not be
installed.

The parts that torchvision computes otherwise are written here: see ``boxes`` and ``resize``, the
ranking of proposals by logits, adaptive aligned ROI pooling, and when small boxes are dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d, batched_nms, roi_align
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from vcmflow.nets.faster_rcnn.boxes import (
    apply_deltas,
    cell_anchors,
    clip,
    level_anchors,
    nonempty,
    pooling_levels,
)

RGB_MEAN = (123.675, 116.280, 103.530)
RGB_STD = (58.395, 57.120, 57.375)


@dataclass(frozen=True)
class FasterRcnnConfig:
    """Shapes and thresholds (defaults: detectron2's for X101-32x8d-FPN).

    Attributes:
        blocks: residual blocks per stage.
        groups, group_width: of the 3x3 convolutions at the first stage.
        stride_in_1x1: a stage's stride is in its first 1x1 convolution, not in the 3x3.
        std: by which colours are divided, RGB.
        pyramid: channels of every pyramid level.
        hidden: neurons of the box head's two layers.
        classes: without background.
        anchor_sides: pixels, one per level P2..P6.
        anchor_ratios: height / width.
        proposals_per_level, proposals: kept before and after the proposals' NMS.
        proposal_iou: of that NMS.
        score_threshold: a detection's score must exceed it.
        detection_iou: of the NMS within each class.
        detections: kept per picture.
    """

    blocks: tuple[int, int, int, int] = (3, 4, 23, 3)
    groups: int = 32
    group_width: int = 8
    stride_in_1x1: bool = False
    std: tuple[float, float, float] = RGB_STD
    pyramid: int = 256
    hidden: int = 1024
    classes: int = 80
    anchor_sides: tuple[float, ...] = (32, 64, 128, 256, 512)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    proposals_per_level: int = 1000
    proposals: int = 1000
    proposal_iou: float = 0.7
    score_threshold: float = 0.05
    detection_iou: float = 0.5
    detections: int = 100

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels per cell of P2..P6."""
        return tuple(4 * 2**level for level in range(len(self.anchor_sides)))


# detectron2's ResNet-50: of Caffe's, whose strides and colours are its own.
R50 = FasterRcnnConfig(
    blocks=(3, 4, 6, 3), groups=1, group_width=64, stride_in_1x1=True, std=(1.0, 1.0, 1.0)
)


@dataclass(frozen=True)
class Proposals:
    """Proposals of one picture, best first: boxes (n, 4) in input pixels, logits (n,)."""

    boxes: Tensor
    logits: Tensor


@dataclass(frozen=True)
class Found:
    """Detections of one picture, best first.

    Attributes:
        boxes: (k, 4) x0, y0, x1, y1 in input pixels, clipped to the picture.
        scores: (k,).
        classes: (k,) from 0, without background.
        proposals: (k,) the proposal that each one came from.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    proposals: Tensor


class FrozenNorm(FrozenBatchNorm2d):  # type: ignore[misc]  # torchvision has no types
    """Batch normalisation with fixed statistics, in one pass over the map."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as ``x``."""
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class Backbone(nn.Module):
    """ResNeXt stages C2..C5 and their pyramid P2..P6."""

    def __init__(self, config: FasterRcnnConfig) -> None:
        super().__init__()
        body = ResNet(
            Bottleneck,
            list(config.blocks),
            groups=config.groups,
            width_per_group=config.group_width,
            norm_layer=FrozenNorm,
        )
        for stage in (body.layer2, body.layer3, body.layer4) if config.stride_in_1x1 else ():
            block = stage[0]
            block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
        # Only what the pyramid needs: torchvision's classifier stays behind.
        self.body = nn.ModuleDict(
            {name: child for name, child in body.named_children() if name not in ("avgpool", "fc")}
        )
        widths = [256, 512, 1024, 2048]
        self.fpn = FeaturePyramidNetwork(widths, config.pyramid, LastLevelMaxPool())

    def stages(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> C2..C5 at strides 4, 8, 16, 32."""
        return self._later(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> C2, which detectron2 calls res2: (B, 256, H / 4, W / 4)."""
        x = images
        for name, child in self.body.items():
            x = child(x)
            if name == "layer1":
                break
        return x

    def _later(self, x: Tensor) -> list[Tensor]:
        maps = [x]
        for name in ("layer2", "layer3", "layer4"):
            maps.append(self.body[name](maps[-1]))
        return maps

    def from_features(self, x: Tensor) -> list[Tensor]:
        """C2 -> P2..P6 of (B, pyramid, h, w)."""
        named = OrderedDict((str(level), x) for level, x in enumerate(self._later(x)))
        return list(self.fpn(named).values())

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W), sides multiples of 32 -> P2..P6 of (B, pyramid, h, w)."""
        return self.from_features(self.features(images))


class ProposalHead(nn.Module):
    """Objectness and box regression of every anchor, shared by the levels."""

    def __init__(self, width: int, anchors: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.objectness_logits = nn.Conv2d(width, anchors, 1)
        self.anchor_deltas = nn.Conv2d(width, anchors * 4, 1)

    def forward(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, h, w) -> logits (B, A, h, w) and deltas (B, A 4, h, w)."""
        x = F.relu(self.conv(level))
        return self.objectness_logits(x), self.anchor_deltas(x)


class BoxHead(nn.Module):
    """Two fully connected layers, then class logits (background last) and box regressions."""

    def __init__(self, config: FasterRcnnConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.pyramid * 49, config.hidden)
        self.fc2 = nn.Linear(config.hidden, config.hidden)
        self.cls_score = nn.Linear(config.hidden, config.classes + 1)
        self.bbox_pred = nn.Linear(config.hidden, config.classes * 4)

    def features(self, pooled: Tensor) -> Tensor:
        """(n, C, 7, 7) -> (n, hidden)."""
        return F.relu(self.fc2(F.relu(self.fc1(pooled.flatten(1)))))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(n, hidden) -> logits (n, classes + 1) and deltas (n, classes 4)."""
        return self.cls_score(features), self.bbox_pred(features)


class FasterRcnn(nn.Module):
    """The detector, for inference."""

    def __init__(self, config: FasterRcnnConfig | None = None) -> None:
        super().__init__()
        self.config = config or FasterRcnnConfig()
        self.backbone = Backbone(self.config)
        self.rpn_head = ProposalHead(self.config.pyramid, len(self.config.anchor_ratios))
        self.box_head = BoxHead(self.config)

    def prepare(self, frames: Tensor) -> Tensor:
        """Normalise pictures and pad them at the right and bottom to multiples of 32.

        Args:
            frames: (B, H, W, 3) uint8 or float, RGB, 0..255, already resized.

        Returns:
            (B, 3, H', W') float32 BGR; the padding is 0.
        """
        height, width = frames.shape[1:3]
        images = frames.permute(0, 3, 1, 2).float()
        mean = images.new_tensor(RGB_MEAN).view(3, 1, 1)
        std = images.new_tensor(self.config.std).view(3, 1, 1)
        images = ((images - mean) / std).flip(1)
        return F.pad(images, (0, -width % 32, 0, -height % 32))

    def propose(
        self, raw: Sequence[tuple[Tensor, Tensor]], size: tuple[int, int]
    ) -> list[Proposals]:
        """Proposals of each picture.

        Args:
            raw: the proposal head's logits and deltas for P2..P6.
            size: (height, width) of the pictures without padding.
        """
        config = self.config
        logits, boxes, levels = [], [], []
        for level, (level_logits, level_deltas) in enumerate(raw):
            batch, anchors, height, width = level_logits.shape
            cell = cell_anchors(config.anchor_sides[level], config.anchor_ratios)
            places = level_anchors(
                (height, width), config.strides[level], cell.to(level_logits.device)
            )
            flat = level_logits.float().permute(0, 2, 3, 1).flatten(1)
            deltas = (
                level_deltas.float()
                .view(batch, anchors, 4, height, width)
                .permute(0, 3, 4, 1, 2)
                .reshape(batch, -1, 4)
            )
            best, order = flat.topk(min(flat.shape[1], config.proposals_per_level), dim=1)
            chosen = deltas.gather(1, order[..., None].expand(-1, -1, 4))
            boxes.append(
                torch.stack(
                    [
                        apply_deltas(chosen[i][:, None], places[order[i]], (1.0, 1.0, 1.0, 1.0))
                        for i in range(batch)
                    ]
                )[:, :, 0]
            )
            logits.append(best)
            levels.append(torch.full_like(best, level, dtype=torch.int64))
        all_logits, all_boxes, all_levels = (torch.cat(x, 1) for x in (logits, boxes, levels))
        return [
            self._select(all_boxes[i], all_logits[i], all_levels[i], size)
            for i in range(len(all_logits))
        ]

    def _select(
        self, boxes: Tensor, logits: Tensor, levels: Tensor, size: tuple[int, int]
    ) -> Proposals:
        finite = torch.isfinite(boxes).all(dim=1) & torch.isfinite(logits)
        boxes = clip(boxes, size)
        keep = finite & nonempty(boxes)
        boxes, logits, levels = boxes[keep], logits[keep], levels[keep]
        kept = batched_nms(boxes, logits, levels, self.config.proposal_iou)
        kept = kept[: self.config.proposals]
        return Proposals(boxes[kept], logits[kept])

    def pool(self, pyramid: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        """7 x 7 features of the boxes of all pictures, (n, C, 7, 7): aligned, adaptive sampling."""
        rois = torch.cat(
            [torch.cat((b.new_full((len(b), 1), i), b), dim=1) for i, b in enumerate(boxes)]
        )
        levels = pooling_levels(rois[:, 1:]) - 2
        # In single precision, whatever the features come in: half has no room for coordinates.
        pooled = rois.new_zeros(len(rois), self.config.pyramid, 7, 7)
        for level in range(4):
            mine = (levels == level).nonzero()[:, 0]
            if len(mine):
                pooled[mine] = roi_align(
                    pyramid[level].float(),
                    rois[mine],
                    7,
                    spatial_scale=1 / self.config.strides[level],
                    sampling_ratio=0,
                    aligned=True,
                )
        return pooled

    def select(self, logits: Tensor, deltas: Tensor, boxes: Tensor, size: tuple[int, int]) -> Found:
        """Detections of one picture from its proposals.

        Args:
            logits: (n, classes + 1), background last.
            deltas: (n, classes 4).
            boxes: (n, 4) proposals.
            size: (height, width) of the picture without padding.
        """
        config = self.config
        scores = torch.softmax(logits.float(), dim=1)
        refined = apply_deltas(
            deltas.float().view(-1, config.classes, 4), boxes, weights=(10.0, 10.0, 5.0, 5.0)
        )
        finite = torch.isfinite(refined).flatten(1).all(dim=1) & torch.isfinite(scores).all(dim=1)
        refined = clip(refined, size)
        likely = (scores[:, :-1] > config.score_threshold) & finite[:, None]
        proposal, kind = likely.nonzero().unbind(dim=1)
        found_boxes, found_scores = refined[proposal, kind], scores[proposal, kind]
        kept = batched_nms(found_boxes, found_scores, kind, config.detection_iou)
        kept = kept[: config.detections]
        return Found(found_boxes[kept], found_scores[kept], kind[kept], proposal[kept])

    def forward(self, images: Tensor, size: tuple[int, int]) -> list[Found]:
        """Detections of each picture of a batch.

        Args:
            images: (B, 3, H, W) from :meth:`prepare`.
            size: (height, width) of the pictures without their padding.
        """
        return self._detect(self.backbone(images), size)

    def from_features(self, x: Tensor, size: tuple[int, int]) -> list[Found]:
        """The same from C2, (B, 256, h, w)."""
        return self._detect(self.backbone.from_features(x), size)

    def _detect(self, pyramid: list[Tensor], size: tuple[int, int]) -> list[Found]:
        proposals = self.propose([self.rpn_head(level) for level in pyramid], size)
        boxes = [proposal.boxes for proposal in proposals]
        logits, deltas = self.box_head(self.box_head.features(self.pool(pyramid, boxes)))
        counts = [len(box) for box in boxes]
        return [
            self.select(picture_logits, picture_deltas, box, size)
            for picture_logits, picture_deltas, box in zip(
                logits.split(counts), deltas.split(counts), boxes, strict=True
            )
        ]


def to_output(found: Found, size: tuple[int, int], output: tuple[int, int]) -> Found:
    """Scale detections from a picture of ``size`` to one of ``output`` (height, width).

    Boxes are clipped again, and those that end up empty are dropped.
    """
    scale = found.boxes.new_tensor((output[1] / size[1], output[0] / size[0]) * 2)
    boxes = clip(found.boxes * scale, output)
    keep = nonempty(boxes)
    return Found(boxes[keep], found.scores[keep], found.classes[keep], found.proposals[keep])
