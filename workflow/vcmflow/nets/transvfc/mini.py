"""A narrow codec for the features of the mini detector (``vcmflow.nets.faster_rcnn_mini``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.image_list import ImageList

from vcmflow.nets.faster_rcnn_mini import NAME as DETECTOR
from vcmflow.nets.faster_rcnn_mini import SPACE, PyramidBackbone, Shape, network
from vcmflow.nets.transvfc.detector import LAMBDAS, DetectorCodec
from vcmflow.nets.transvfc.network import Config, FeatureCodec
from vcmflow.nets.weights import load_halves

NAME = "transvfc_mini"
# Channels at stride 4, after the detector's first stage.
CHANNELS = Shape().widths[1]
CONFIG = Config(
    raw=CHANNELS,
    pyramid=Shape().pyramid,
    inner=(CHANNELS, CHANNELS),
    feature=CHANNELS,
    condition=12,
    condition_inner=24,
    context=32,
    fused=24,
    hyper=24,
    parameters=96,
    kernel=5,
    factor=2,
    ar=False,
    gains=len(LAMBDAS),
)


class Front(nn.Module):
    """The detector up to its features."""

    def __init__(self, backbone: PyramidBackbone) -> None:
        super().__init__()
        self.conv1, self.bn1 = backbone.body.conv1, backbone.body.bn1
        self.layer = backbone.body.layers[0]
        self.transform = network().transform

    def forward(self, images: Tensor) -> Tensor:
        """Normalised pictures (B, 3, H, W) -> (B, 32, H/4, W/4)."""
        features: Tensor = self.layer(torch.relu(self.bn1(self.conv1(images))))
        return features


class Levels(nn.Module):
    """The detector's stages and pyramid from its features on: p2..p5, and p5 thinned out as p6."""

    def __init__(self, backbone: PyramidBackbone) -> None:
        super().__init__()
        self.layers = backbone.body.layers[1:]
        self.fpn = backbone.fpn

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 32, h, w) -> five of (B, 48, h / 2^k, w / 2^k)."""
        maps = {"0": x}
        for number, layer in enumerate(self.layers, start=1):
            maps[str(number)] = x = layer(x)
        levels = list(self.fpn(maps).values())
        return [*levels, F.max_pool2d(levels[-1], 1, 2)]


def _pass_on(weight: Tensor, gain: float) -> None:
    """Add an identity to a convolution's weight: output k gets input k, modulo their number."""
    outputs, inputs, height, width = weight.shape
    for channel in range(max(outputs, inputs)):
        weight[channel % outputs, channel % inputs, height // 2, width // 2] += gain


class MiniTransVfc(DetectorCodec):
    """For the 32 channels at stride 4."""

    name, space, short_side = NAME, SPACE, Shape().height

    def __init__(self) -> None:
        backbone = PyramidBackbone(Shape())
        super().__init__(Front(backbone), FeatureCodec(CONFIG, Levels(backbone)))

    def prepare(self, frame: npt.NDArray[np.uint8]) -> Tensor:
        """As torchvision does; see ``DetectorCodec``."""
        picture = torch.from_numpy(frame).permute(2, 0, 1).float() / 255
        images: ImageList = self.front.transform([picture])[0]  # type: ignore[operator]
        tensors: Tensor = images.tensors
        return tensors

    def normalised(self, pictures: Tensor) -> Tensor:
        """See ``DetectorCodec``."""
        transform: Any = self.front.transform
        mean, std = (
            pictures.new_tensor(one).view(3, 1, 1)
            for one in (transform.image_mean, transform.image_std)
        )
        return (pictures / 255 - mean) / std

    @torch.no_grad()
    def start(self) -> None:
        """First values with which the decoded feature nearly is the reference.

        All layers on the way from the reference to the decoded feature pass it on, and add a
        little of what they would give otherwise; finer steps for points with less weight of rate.
        """
        codec, little = self.codec, 0.1
        on_the_way = (
            codec.featureExtract,
            codec.featureRecon,
            codec.motinoCompensation,
            codec.contextualDecoder.deconv4,
            codec.contextualDecoder.res4,
        )
        for part in on_the_way:
            for name, value in part.named_parameters():
                if name.endswith("weight"):
                    value.mul_(little)
                elif name.endswith("bias"):
                    value.zero_()
        many = CONFIG.factor**2
        moves, context = codec.motinoCompensation, codec.contextualDecoder
        for part in (codec.featureExtract, codec.featureRecon):
            for convolution in (part.conv1, part.conv2, part.conv3):
                _pass_on(next(convolution.parameters()), 1.0)
        _pass_on(moves.conv1.weight, 1.0)
        for separable in (moves.conv2, moves.conv3):
            _pass_on(separable.depth_wise.weight, 1.0)
            _pass_on(separable.point_wise.weight, 1.0)
        moves.pixelConv.get_parameter("bias").fill_(1.0)
        _pass_on(moves.warpConv.weight, 1 / many)
        _pass_on(context.deconv4.weight[CONFIG.context :], 1.0)
        context.igdn4.gamma.fill_(0.0)
        steps = torch.tensor([(16 / weight) ** 0.5 for weight in LAMBDAS]).log() + 1.5
        codec.gain_y.add_(steps[None, :, None])
        codec.gain_mv.add_(steps[None, :, None])
        for estimator in (codec.bitEstimator_z, codec.bitEstimator_z_mv):
            for stage in (estimator.f1, estimator.f2, estimator.f3, estimator.f4):
                stage.h.fill_(1.1)  # a distribution about as wide as one step

    def take_detector(self, weights: Path) -> None:
        """From the mini detector's file; see ``DetectorCodec``."""
        model = network()
        load_halves(weights, model, DETECTOR)
        backbone = model.backbone
        self.front.load_state_dict(Front(backbone).state_dict())
        self.codec.task_head.load_state_dict(Levels(backbone).state_dict())
