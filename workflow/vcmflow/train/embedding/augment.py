"""Augmentation of a pair of frames (3.1.2): one crop, flip and rotation for both, own colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torchvision.transforms.v2 import functional

from vcmflow.core.video import Frame


@dataclass(frozen=True)
class Augmentation:
    """Strengths; see the settings of the training.

    Attributes:
        crop: px, side of the square.
        grey: probability that a picture loses its colour.
        jitter: brightness, contrast and saturation factors are drawn from 1 - jitter..1 + jitter.
        rotation: whether to rotate by a random multiple of 90 degrees.
    """

    crop: int
    grey: float
    jitter: float
    rotation: bool


def augment(
    frames: tuple[Frame, ...], augmentation: Augmentation, random: np.random.Generator
) -> tuple[torch.Tensor, int]:
    """Augment frames that belong together.

    Args:
        frames: uint8 H x W x 3, RGB, of one size, neither side below the crop.
        augmentation: strengths.
        random: source of all choices.

    Returns:
        Pictures uint8 (frames, 3, crop, crop), and the quarter turns (0..3, anticlockwise) that
        all of them were rotated by.
    """
    height, width = frames[0].shape[:2]
    size = augmentation.crop
    top = int(random.integers(height - size + 1))
    left = int(random.integers(width - size + 1))
    flip = bool(random.random() < 0.5)
    turns = int(random.integers(4)) if augmentation.rotation else 0
    pictures = []
    for frame in frames:
        part = frame[top : top + size, left : left + size]
        if flip:
            part = part[:, ::-1]
        part = np.ascontiguousarray(np.rot90(part, turns).transpose(2, 0, 1))
        pictures.append(_recolour(torch.from_numpy(part), augmentation, random))
    return torch.stack(pictures), turns


def _recolour(
    picture: torch.Tensor, augmentation: Augmentation, random: np.random.Generator
) -> torch.Tensor:
    low, high = 1 - augmentation.jitter, 1 + augmentation.jitter
    brightness, contrast, saturation = random.uniform(low, high, size=3).tolist()
    grey = random.random() < augmentation.grey
    if augmentation.jitter > 0:
        picture = functional.adjust_brightness(picture, brightness)
        picture = functional.adjust_contrast(picture, contrast)
        picture = functional.adjust_saturation(picture, saturation)
    if grey:
        picture = functional.rgb_to_grayscale(picture, num_output_channels=3)
    return picture
