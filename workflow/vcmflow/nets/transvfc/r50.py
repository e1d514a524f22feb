"""The codec as published, for the features of detectron2's Faster R-CNN R50-FPN.

But for its operating points, of which one network has four, and without the autoregressive part.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vcmflow.nets.faster_rcnn.load import R50_NAME, SIDES, SPACE, load
from vcmflow.nets.faster_rcnn.network import R50, RGB_MEAN, Backbone
from vcmflow.nets.faster_rcnn.resize import resize, resized_shape
from vcmflow.nets.transvfc.detector import LAMBDAS, DetectorCodec
from vcmflow.nets.transvfc.network import Config, FeatureCodec

NAME = "transvfc_r50"
CONFIG = Config(ar=False, gains=len(LAMBDAS))


class Levels(nn.Module):
    """res3..res5 and the pyramid p2..p6: TransVFC's perception network."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1"):
            del backbone.body[name]

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 256, h, w) -> five of (B, 256, h / 2^k, w / 2^k)."""
        return self.backbone.from_features(x)


def _parts(backbone: Backbone) -> tuple[nn.Sequential, Levels]:
    first = [backbone.body[name] for name in ("conv1", "bn1", "relu", "maxpool", "layer1")]
    return nn.Sequential(*first), Levels(backbone)


class R50TransVfc(DetectorCodec):
    """For the 256 channels of res2."""

    name, space, short_side = NAME, SPACE, SIDES[0]

    def __init__(self) -> None:
        front, levels = _parts(Backbone(R50))
        super().__init__(front, FeatureCodec(CONFIG, levels))

    def prepare(self, frame: npt.NDArray[np.uint8]) -> Tensor:
        """As detectron2 does; see ``DetectorCodec``."""
        size = resized_shape(frame.shape[0], frame.shape[1], *SIDES)
        picture = torch.from_numpy(np.array(resize(frame, size))).permute(2, 0, 1)[None].float()
        height, width = size
        margins = (0, -width % 32, 0, -height % 32)
        return nn.functional.pad(self.normalised(picture), margins)

    def normalised(self, pictures: Tensor) -> Tensor:
        """BGR, without a mean; see ``DetectorCodec``."""
        return (pictures - pictures.new_tensor(RGB_MEAN).view(3, 1, 1)).flip(1)

    def start(self) -> None:
        """Random values, as published."""

    def take_detector(self, weights: Path) -> None:
        """From detectron2's file; see ``DetectorCodec``."""
        front, levels = _parts(load(weights, R50, R50_NAME).backbone)
        self.front.load_state_dict(front.state_dict())
        self.codec.task_head.load_state_dict(levels.state_dict())
