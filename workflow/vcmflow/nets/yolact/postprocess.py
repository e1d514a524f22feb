"""From YOLACT's raw heads to boxes, scores and masks: decoding, Fast NMS, mask assembly.

Own implementation after Bolya et al. 2019 (section 4.3, Fast NMS) and 2020 (mask re-scoring).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vcmflow.nets.yolact.network import MaskIouNet, YolactOutput

VARIANCES = (0.1, 0.2)


@dataclass(frozen=True)
class NmsSettings:
    """Which anchors become detections (defaults: those of the official evaluation).

    Attributes:
        confidence: an anchor stays if its best foreground probability exceeds this.
        iou: a detection is suppressed if its IoU with a better one exceeds this.
        candidates: best anchors per class (or overall, across classes) that enter the NMS.
        detections: detections kept per picture.
        across_classes: let objects of different classes suppress each other.
    """

    confidence: float = 0.05
    iou: float = 0.5
    candidates: int = 200
    detections: int = 100
    across_classes: bool = False


@dataclass(frozen=True)
class RawDetections:
    """Detections of one picture before its masks are made, best first.

    Attributes:
        boxes: (k, 4) x0, y0, x1, y1 relative to the picture, not clipped.
        coefficients: (k, prototypes).
        classes: (k,) from 0, without background.
        scores: (k,) class probability.
    """

    boxes: Tensor
    coefficients: Tensor
    classes: Tensor
    scores: Tensor


@dataclass(frozen=True)
class Instances:
    """Finished detections of one picture of size (H, W), in the order of the raw ones.

    Attributes:
        classes: (k,) from 0.
        scores: (k,) class probability.
        mask_scores: (k,) class probability times predicted mask IoU (equal to ``scores`` for
            networks without a mask-IoU head).
        boxes: (k, 4) int64 x0, y0, x1, y1 in pixels.
        masks: (k, H, W) bool.
    """

    classes: Tensor
    scores: Tensor
    mask_scores: Tensor
    boxes: Tensor
    masks: Tensor


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """(…, A, 4) regressions against (A, 4) anchors -> (…, A, 4) corners x0, y0, x1, y1."""
    centres = anchors[:, :2] + deltas[..., :2] * VARIANCES[0] * anchors[:, 2:]
    sizes = anchors[:, 2:] * torch.exp(deltas[..., 2:] * VARIANCES[1])
    low = centres - sizes / 2
    return torch.cat((low, low + sizes), dim=-1)


def pairwise_iou(boxes: Tensor) -> Tensor:
    """(…, k, 4) -> (…, k, k) intersection over union of every pair."""
    low = torch.maximum(boxes[..., :, None, :2], boxes[..., None, :, :2])
    high = torch.minimum(boxes[..., :, None, 2:], boxes[..., None, :, 2:])
    overlap = (high - low).clamp(min=0)
    intersection = overlap[..., 0] * overlap[..., 1]
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return intersection / (area[..., :, None] + area[..., None, :] - intersection)


def survivors(boxes: Tensor, limit: float) -> Tensor:
    """Fast NMS: (…, k, 4) boxes, best first -> (…, k) bool.

    A box falls if any better one overlaps it by more than ``limit``, even one that falls itself.
    """
    overlaps = pairwise_iou(boxes).triu_(diagonal=1)
    kept: Tensor = overlaps.amax(dim=-2) <= limit
    return kept


def detect(
    output: YolactOutput, index: int = 0, settings: NmsSettings | None = None
) -> RawDetections:
    """Detections of picture ``index`` of a batch; possibly none."""
    settings = settings or NmsSettings()
    probabilities = torch.softmax(output.logits[index].float(), dim=-1)[:, 1:]
    keep = probabilities.amax(dim=1) > settings.confidence
    scores = probabilities[keep].T  # classes x anchors
    boxes = decode(output.deltas[index].float()[keep], output.anchors[keep])
    coefficients = output.coefficients[index].float()[keep]
    if boxes.shape[0] == 0:
        empty = torch.zeros(0, dtype=torch.int64, device=boxes.device)
        return RawDetections(boxes, coefficients, empty, boxes.new_zeros(0))
    if settings.across_classes:
        best, classes = scores.max(dim=0)
        order = best.argsort(descending=True)[: settings.candidates]
        order = order[survivors(boxes[order], settings.iou)]
        return RawDetections(boxes[order], coefficients[order], classes[order], best[order])
    ranked, order = scores.sort(dim=1, descending=True)
    ranked, order = ranked[:, : settings.candidates], order[:, : settings.candidates]
    kept = survivors(boxes[order], settings.iou)
    classes = torch.arange(len(kept), device=kept.device)[:, None].expand_as(kept)[kept]
    anchors, ranked = order[kept], ranked[kept]
    ranked, order = ranked.sort(descending=True)
    ranked, order = ranked[: settings.detections], order[: settings.detections]
    anchors = anchors[order]
    return RawDetections(boxes[anchors], coefficients[anchors], classes[order], ranked)


def _ordered(a: Tensor, b: Tensor, size: int, padding: int) -> tuple[Tensor, Tensor]:
    """Relative coordinates to pixels: lower one first, padded, each clamped on its own side."""
    a, b = a * size, b * size
    return (
        (torch.minimum(a, b) - padding).clamp(min=0),
        (torch.maximum(a, b) + padding).clamp(max=size),
    )


def crop(masks: Tensor, boxes: Tensor) -> Tensor:
    """Zero (k, h, w) masks outside their (k, 4) relative boxes, padded by one pixel."""
    _, height, width = masks.shape
    x0, x1 = _ordered(boxes[:, 0], boxes[:, 2], width, padding=1)
    y0, y1 = _ordered(boxes[:, 1], boxes[:, 3], height, padding=1)
    xs = torch.arange(width, device=masks.device, dtype=boxes.dtype)[None, None, :]
    ys = torch.arange(height, device=masks.device, dtype=boxes.dtype)[None, :, None]
    inside = (
        (xs >= x0[:, None, None])
        & (xs < x1[:, None, None])
        & (ys >= y0[:, None, None])
        & (ys < y1[:, None, None])
    )
    return masks * inside


def soft_masks(prototypes: Tensor, detections: RawDetections) -> Tensor:
    """(h, w, p) prototypes -> (k, h, w) masks in 0..1, cropped to their boxes."""
    masks = torch.sigmoid(prototypes.float() @ detections.coefficients.T)
    return crop(masks.permute(2, 0, 1), detections.boxes)


def finish(
    prototypes: Tensor,
    detections: RawDetections,
    size: tuple[int, int],
    mask_iou: MaskIouNet | None,
    score_threshold: float = 0.0,
) -> Instances:
    """Masks, re-scoring and pixel boxes for a picture of ``size`` = (height, width).

    Args:
        prototypes: (h, w, p), of one picture.
        detections: of the same picture.
        size: of the picture in which masks and boxes are wanted.
        mask_iou: the network's mask-IoU head, if it has one.
        score_threshold: drop detections whose class probability is not above this; 0 keeps all.
    """
    if score_threshold > 0:
        above = detections.scores > score_threshold
        detections = RawDetections(
            detections.boxes[above],
            detections.coefficients[above],
            detections.classes[above],
            detections.scores[above],
        )
    height, width = size
    count = len(detections.scores)
    if count == 0:
        return Instances(
            detections.classes,
            detections.scores,
            detections.scores,
            detections.classes.new_zeros(0, 4),
            torch.zeros(0, height, width, dtype=torch.bool, device=detections.scores.device),
        )
    soft = soft_masks(prototypes, detections)
    mask_scores = detections.scores
    if mask_iou is not None:
        ious = mask_iou(soft[:, None].to(next(mask_iou.parameters()).dtype)).float()
        mask_scores = mask_scores * ious.gather(1, detections.classes[:, None])[:, 0]
    masks = (
        F.interpolate(soft[:, None], size=size, mode="bilinear", align_corners=False)[:, 0] > 0.5
    )
    x0, x1 = _ordered(detections.boxes[:, 0], detections.boxes[:, 2], width, padding=0)
    y0, y1 = _ordered(detections.boxes[:, 1], detections.boxes[:, 3], height, padding=0)
    boxes = torch.stack((x0, y0, x1, y1), dim=1).long()
    return Instances(detections.classes, detections.scores, mask_scores, boxes, masks)
