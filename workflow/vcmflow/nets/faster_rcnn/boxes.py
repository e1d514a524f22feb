"""Anchors, box regression and level assignment in detectron2's conventions.

They differ from torchvision's: anchors are not rounded, strides are exact powers of two, and the
pyramid level adds its epsilon inside the logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

# No box grows by more than this factor's logarithm in one regression.
MAX_LOG_SCALE = math.log(1000.0 / 16)


def cell_anchors(side: float, ratios: Sequence[float]) -> Tensor:
    """Anchors around the origin, (ratios, 4) x0, y0, x1, y1; ratios are height / width."""
    rows = []
    for ratio in ratios:
        width = math.sqrt(side**2 / ratio)
        height = ratio * width
        rows.append((-width / 2, -height / 2, width / 2, height / 2))
    return torch.tensor(rows)


def level_anchors(size: tuple[int, int], stride: int, cell: Tensor) -> Tensor:
    """Anchors of an h x w level, (h w ratios, 4) pixels of the input, rows (y, x, ratio)."""
    ys = torch.arange(0, size[0] * stride, stride, dtype=torch.float32, device=cell.device)
    xs = torch.arange(0, size[1] * stride, stride, dtype=torch.float32, device=cell.device)
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    shifts = torch.stack((x, y, x, y), dim=-1).reshape(-1, 1, 4)
    return (shifts + cell).reshape(-1, 4)


def apply_deltas(
    deltas: Tensor, boxes: Tensor, weights: tuple[float, float, float, float]
) -> Tensor:
    """Regress boxes.

    Args:
        deltas: (n, k, 4) as dx, dy, dw, dh.
        boxes: (n, 4) x0, y0, x1, y1.
        weights: by which dx, dy, dw, dh are divided.

    Returns:
        (n, k, 4) boxes, not clipped.
    """
    sizes = (boxes[:, 2:] - boxes[:, :2])[:, None]
    centres = boxes[:, None, :2] + 0.5 * sizes
    shift = deltas[..., :2] / deltas.new_tensor(weights[:2])
    growth = (deltas[..., 2:] / deltas.new_tensor(weights[2:])).clamp(max=MAX_LOG_SCALE)
    centres = shift * sizes + centres
    sizes = torch.exp(growth) * sizes
    return torch.cat((centres - 0.5 * sizes, centres + 0.5 * sizes), dim=-1)


def clip(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Clip (…, 4) boxes to a picture of (height, width)."""
    height, width = size
    limits = boxes.new_tensor((width, height, width, height))
    return torch.minimum(boxes.clamp(min=0), limits)


def nonempty(boxes: Tensor) -> Tensor:
    """(…, 4) -> (…,) bool: the box has a width and a height above 0."""
    return (boxes[..., 2] > boxes[..., 0]) & (boxes[..., 3] > boxes[..., 1])


def pooling_levels(boxes: Tensor, low: int = 2, high: int = 5) -> Tensor:
    """Pyramid level of each (n, 4) box: 4 for an area of 224 x 224, one more per doubled side."""
    sides = torch.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    return torch.floor(4 + torch.log2(sides / 224 + 1e-8)).clamp(low, high).long()
