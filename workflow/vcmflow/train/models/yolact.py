"""Training of the mini YOLACT: the loss of Bolya et al. 2019, section 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import box_iou

from vcmflow.nets.yolact.mini import CATEGORIES, CONFIG, NAME
from vcmflow.nets.yolact.network import Yolact, YolactOutput
from vcmflow.nets.yolact.postprocess import VARIANCES
from vcmflow.train.models.samples import Sample
from vcmflow.train.models.trainee import ModelTrainee

SMALLEST = 24

# An anchor stands for an object from this IoU on, for the background below the other one.
POSITIVE_IOU, NEGATIVE_IOU = 0.5, 0.4
NEGATIVES_PER_POSITIVE = 3
BOX_WEIGHT, MASK_WEIGHT, SEMANTIC_WEIGHT = 1.5, 6.125, 1.0


def match(anchors: Tensor, boxes: Tensor) -> Tensor:
    """Say which object each anchor stands for.

    Args:
        anchors: (A, 4) corners.
        boxes: (k, 4) corners, in the same unit.

    Returns:
        int64 (A,): index of the object, -1 for background, -2 for neither. Every object gets at
        least its best anchor.
    """
    if len(boxes) == 0:
        return torch.full((len(anchors),), -1, dtype=torch.int64, device=anchors.device)
    overlaps = box_iou(boxes, anchors)
    best, owner = overlaps.max(dim=0)
    owner = torch.where(best >= POSITIVE_IOU, owner, torch.where(best < NEGATIVE_IOU, -1, -2))
    favourites = overlaps.argmax(dim=1)
    for index, anchor in enumerate(favourites.tolist()):
        owner[anchor] = index
    return owner


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Regression targets (k, 4) of corner boxes against (k, 4) centre-size anchors."""
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    return torch.cat(
        (
            (centres - anchors[:, :2]) / (VARIANCES[0] * anchors[:, 2:]),
            torch.log(sizes / anchors[:, 2:]) / VARIANCES[1],
        ),
        dim=1,
    )


class YolactTrainee(ModelTrainee):
    """The network with its class, box, mask and semantic losses."""

    kind = "segmentation"
    name = NAME

    def untrained(self) -> nn.Module:
        """Make the network."""
        model = Yolact(CONFIG)
        # Background is the rule: start from a small probability of an object, so that the first
        # steps are not spent on learning that (Lin et al. 2017, section 4.1).
        bias = torch.zeros(CONFIG.anchors_per_cell, CONFIG.classes)
        bias[:, 0] = 4.0
        with torch.no_grad():
            model.state_dict()["prediction_layers.0.conf_layer.bias"].copy_(bias.flatten())
        return model

    def losses(
        self, model: nn.Module, samples: Sequence[Sample], device: torch.device
    ) -> dict[str, Tensor]:
        """Class (softmax, hard negatives 3:1), box (smooth L1), mask and semantic loss."""
        frames = torch.from_numpy(np.stack([sample.frame for sample in samples])).to(device)
        prepared = cast(Yolact, self.network).prepare(frames)
        output: YolactOutput = model(prepared.contiguous(memory_format=torch.channels_last))
        corners = torch.cat(
            (
                output.anchors[:, :2] - output.anchors[:, 2:] / 2,
                output.anchors[:, :2] + output.anchors[:, 2:] / 2,
            ),
            dim=1,
        )
        totals = {
            part: torch.zeros((), device=device) for part in ("class", "box", "mask", "semantic")
        }
        positives = 0
        for index, sample in enumerate(samples):
            height, width = sample.owner.shape
            pixel_boxes, categories, masks = sample.objects(SMALLEST)
            scale = np.array([width, height, width, height], np.float32)
            boxes = torch.from_numpy(pixel_boxes / scale).to(device)
            classes = torch.tensor(
                [CATEGORIES.index(int(category)) for category in categories],
                dtype=torch.int64,
                device=device,
            )
            truth = torch.from_numpy(masks).to(device).float()
            owner = match(corners, boxes)
            chosen = owner >= 0
            count = int(chosen.sum())
            positives += count
            totals["class"] = totals["class"] + class_loss(
                output.logits[index].float(), owner, classes
            )
            if output.semantic is not None:
                totals["semantic"] = totals["semantic"] + semantic_loss(
                    output.semantic[index].float(), truth, classes
                ) / len(samples)
            if count == 0:
                continue
            target = encode(boxes[owner[chosen]], output.anchors[chosen])
            totals["box"] = totals["box"] + F.smooth_l1_loss(
                output.deltas[index][chosen].float(), target, reduction="sum"
            )
            totals["mask"] = totals["mask"] + mask_loss(
                output.prototypes[index].float(),
                output.coefficients[index][chosen].float(),
                truth,
                boxes,
                owner[chosen],
            )
        share = 1 / max(positives, 1)
        return {
            "class": totals["class"] * share,
            "box": totals["box"] * (BOX_WEIGHT * share),
            "mask": totals["mask"] * (MASK_WEIGHT * share),
            "semantic": totals["semantic"] * SEMANTIC_WEIGHT,
        }


def class_loss(logits: Tensor, owner: Tensor, classes: Tensor) -> Tensor:
    """Summed cross-entropy over positives and the hardest negatives, three for each positive.

    Args:
        logits: (A, classes + 1), background first.
        owner: (A,) from ``match``.
        classes: (k,) class of each object, from 0.
    """
    positive, negative = owner >= 0, owner == -1
    target = torch.zeros_like(owner)
    target[positive] = classes[owner[positive]] + 1
    losses = F.cross_entropy(logits, target, reduction="none")
    hard = losses.detach().masked_fill(~negative, -1.0)
    wanted = max(int(positive.sum()) * NEGATIVES_PER_POSITIVE, 16)
    _, order = hard.topk(min(wanted, int(negative.sum())))
    return losses[positive].sum() + losses[order].sum()


def mask_loss(
    prototypes: Tensor, coefficients: Tensor, truth: Tensor, boxes: Tensor, owner: Tensor
) -> Tensor:
    """Summed binary cross-entropy of assembled masks inside their object's box, over its area.

    Args:
        prototypes: (h, w, p).
        coefficients: (q, p) of the q positive anchors.
        truth: (k, H, W) masks, 0 or 1.
        boxes: (k, 4) relative corners.
        owner: (q,) object of each positive anchor.
    """
    height, width, _ = prototypes.shape
    small = F.interpolate(truth[:, None], (height, width), mode="area")[:, 0]
    logits = (prototypes @ coefficients.T).permute(2, 0, 1)
    losses = F.binary_cross_entropy_with_logits(logits, small[owner], reduction="none")
    scale = boxes.new_tensor([width, height, width, height])
    pixels = boxes * scale
    xs = torch.arange(width, device=boxes.device)[None, None]
    ys = torch.arange(height, device=boxes.device)[None, :, None]
    # One cell of margin: at detection the crop is padded likewise.
    x0, y0, x1, y1 = (side[:, None, None] for side in pixels.unbind(dim=1))
    inside = (xs >= x0.floor() - 1) & (xs < x1.ceil() + 1)
    inside = inside & (ys >= y0.floor() - 1) & (ys < y1.ceil() + 1)
    area = inside.sum(dim=(1, 2)).clamp(min=1)
    return ((losses * inside[owner]).sum(dim=(1, 2)) / area[owner]).sum()


def semantic_loss(logits: Tensor, truth: Tensor, classes: Tensor) -> Tensor:
    """Mean cross-entropy of per-class maps (classes, h, w) against the union of the masks."""
    target = torch.zeros_like(logits)
    for index, category in enumerate(classes.tolist()):
        small = F.interpolate(truth[index][None, None], logits.shape[-2:], mode="area")[0, 0]
        target[category] = torch.maximum(target[category], small)
    return F.binary_cross_entropy_with_logits(logits, target)
