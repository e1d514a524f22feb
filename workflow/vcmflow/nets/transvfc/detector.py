"""A codec with the stages of the detector whose features it codes.

Its file holds all that encoder and decoder need of the detector, too: the stages before the
features, and those after them that guide the codec. One network has four operating points.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vcmflow.nets.transvfc.network import FeatureCodec, Step

# Weight of the rate, by operating point.
LAMBDAS = (16, 32, 128, 256)


class DetectorCodec(nn.Module, ABC):
    """Front, and codec with the detector's later stages as its perception network.

    Those are frozen.

    Attributes:
        name: of the network, in weights files.
        space: of the features, in ``vcmflow.nets.spaces``.
        short_side: px; what the detector resizes frames to.
        front: normalised pictures (B, 3, H, W) -> features (B, C, H/4, W/4).
        codec: of these.
    """

    name: ClassVar[str]
    space: ClassVar[str]
    short_side: ClassVar[int]

    def __init__(self, front: nn.Module, codec: FeatureCodec) -> None:
        super().__init__()
        self.front, self.codec = front, codec
        for frozen in (front, codec.task_head):
            frozen.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> DetectorCodec:
        """The detector's part stays as it is used."""
        super().train(mode)
        self.front.eval()
        self.codec.task_head.eval()
        return self

    def forward(self, current: Tensor, reference: Tensor, point: Tensor) -> Step:
        """The codec's step."""
        step: Step = self.codec(current, reference, point)
        return step

    @torch.inference_mode()
    def extract(self, frame: npt.NDArray[np.uint8]) -> Tensor:
        """A frame (H, W, 3), RGB -> (1, C, h, w), as in the detector: resized, and padded."""
        features: Tensor = self.front(self.prepare(np.array(frame)))
        return features

    @abstractmethod
    def prepare(self, frame: npt.NDArray[np.uint8]) -> Tensor:
        """A frame (H, W, 3), RGB -> (1, 3, H', W'), resized, normalised and padded."""

    @abstractmethod
    def normalised(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, W), RGB, 0..255 -> the same, as the front takes them."""

    @abstractmethod
    def start(self) -> None:
        """First values of the codec's training, where random ones are not good enough."""

    @abstractmethod
    def take_detector(self, weights: Path) -> None:
        """Fill front and perception network from the detector's own file.

        Raises:
            VcmflowError: weights that are missing, damaged or of another network.
        """
