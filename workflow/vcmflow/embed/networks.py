"""Embedding networks: ResNet-18 with its own fully connected layer (2.1), and its rivals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import ResNet, resnet18

from vcmflow.embed.shrink import fit_short_side, resize
from vcmflow.embed.types import Embeddings
from vcmflow.embed.weights import State, read_resnet18, read_weights
from vcmflow.errors import VcmflowError
from vcmflow.task.device import choose_device
from vcmflow.video import Frame

FEATURES = 512  # channels of ResNet-18's last feature map
PRECISIONS = ("auto", "float32", "bfloat16")
SMALLEST_SIDE = 32  # px; ResNet-18 divides the size by 32

# ImageNet's statistics (RGB, 0..255), as torchvision's weights expect them.
_MEAN = (123.675, 116.28, 103.53)
_SCALE = (58.395, 57.12, 57.375)


class EmbeddingNetwork(nn.Module):
    """ResNet-18 whose pooled features feed an embedding layer and a rotation head (Fig. 3).

    Args:
        dimension: length of an embedding; 128 in the paper.
    """

    def __init__(self, dimension: int = 128) -> None:
        super().__init__()
        self.backbone: ResNet = resnet18(weights=None)
        self.backbone.fc = nn.Identity()
        self.projection = nn.Linear(FEATURES, dimension)
        self.rotation = nn.Linear(FEATURES, 4)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return embeddings (B, d) and rotation logits (B, 4) of pictures (B, 3, H, W).

        The pictures are normalised (see :func:`normalise`).
        """
        features = self.backbone(pictures)
        return self.projection(features), self.rotation(features)


def normalise(pictures: torch.Tensor) -> torch.Tensor:
    """Return uint8 or float RGB pictures (B, 3, H, W) in 0..255 as a network's float32 input."""
    mean = torch.tensor(_MEAN, device=pictures.device).view(1, 3, 1, 1)
    scale = torch.tensor(_SCALE, device=pictures.device).view(1, 3, 1, 1)
    return (pictures.float() - mean) / scale


class NetworkEmbedder:
    """Frames to embeddings with a ResNet-18: pooled features, or their projection.

    Args:
        backbone: ResNet-18 whose ``fc`` is the identity.
        projection: the embedding layer, or None for the pooled features themselves.
        short_side: px; frames are resized to it, their aspect ratio kept.
        device: "cpu" or "cuda".
        precision: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the hardware computes it.
        normalised: scale embeddings to length 1: Eq. (6) trains directions alone, so lengths are
            chance. False takes Eq. (7) literally.
    """

    def __init__(
        self,
        backbone: ResNet,
        projection: nn.Linear | None,
        short_side: int,
        device: str,
        precision: str = "float32",
        normalised: bool = True,
    ) -> None:
        if precision not in PRECISIONS:
            raise VcmflowError(f"precision {precision!r}; allowed: {', '.join(PRECISIONS)}")
        if short_side < SMALLEST_SIDE:
            raise VcmflowError(f"short_side is {short_side}; allowed: {SMALLEST_SIDE} or more")
        self._short_side = short_side
        self._normalised = normalised
        self._device = torch.device(choose_device(device))
        trained = [backbone] if projection is None else [backbone, projection]
        self._parameters: int = sum(p.numel() for module in trained for p in module.parameters())
        if precision == "auto":
            precision = "bfloat16" if _computes_bfloat16(self._device) else "float32"
        self._dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        fused = fuse_batch_norm(backbone.eval())
        self.backbone = fused.to(
            self._device,
            self._dtype,
            memory_format=torch.channels_last,
        )
        self.projection = None if projection is None else projection.to(self._device)

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return FEATURES if self.projection is None else int(self.projection.out_features)

    @property
    def parameters(self) -> int:
        """Number of trained values, batch normalisation included."""
        return self._parameters

    def prepare(self, frame: Frame) -> Frame:
        """Resize a frame (uint8 H x W x 3) to the network's short side."""
        height, width = fit_short_side(frame.shape[0], frame.shape[1], self._short_side)
        return resize(frame, height, width)

    @torch.inference_mode()
    def embed(self, prepared: Sequence[Frame]) -> Embeddings:
        """Embed frames (uint8 h x w x 3, RGB) of one size: float32 k x d.

        On a CPU a row has the same bits whatever the other frames are: convolutions of a single
        picture take another path, so it is never alone; and the last layer is summed row by row.
        """
        pictures = np.stack(prepared if len(prepared) > 1 else [*prepared, *prepared])
        images = torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2)
        features = self.backbone(normalise(images).to(self._dtype)).float()
        if self.projection is not None:
            weight, bias = self.projection.weight, self.projection.bias
            features = (features[:, None, :] * weight).sum(dim=2) + bias
        if self._normalised:
            features = functional.normalize(features)
        result: Embeddings = features[: len(prepared)].cpu().numpy()
        return result


def fuse_batch_norm(network: ResNet) -> ResNet:
    """Fold each batch normalisation into the convolution before it, which saves a tenth of time.

    Args:
        network: a ResNet-18 in evaluation mode; changed in place.
    """
    pairs: list[tuple[nn.Module, str, str]] = [(network, "conv1", "bn1")]
    for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
        for block in layer:
            pairs += [(block, "conv1", "bn1"), (block, "conv2", "bn2")]
            if block.downsample is not None:
                pairs.append((block.downsample, "0", "1"))
    for module, convolution, norm in pairs:
        fused = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
        setattr(module, convolution, fused)
        setattr(module, norm, nn.Identity())
    return network


def build_learned(
    weights: Path | None,
    device: str = "cpu",
    short_side: int | None = None,
    precision: str = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the paper's embedding from the weights that ``vcmflow pretrain`` wrote.

    Args:
        weights: the safetensors file.
        device: "auto", "cpu" or "cuda".
        short_side: px; None for the one it was trained at.
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).

    Raises:
        VcmflowError: no or unfit weights, or an option out of range.
    """
    if weights is None:
        raise VcmflowError("embedding 'learned' needs --weights, made by 'vcmflow pretrain'")
    state, description = read_weights(weights)
    network = EmbeddingNetwork(description.dimension)
    _load(network, state, weights)
    side = description.short_side if short_side is None else short_side
    return NetworkEmbedder(
        network.backbone, network.projection, side, device, precision, normalised
    )


def build_imagenet(
    weights: Path | None,
    device: str = "cpu",
    short_side: int = 224,
    precision: str = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the pooled features of a ResNet-18 trained on ImageNet (Fig. 8, left column).

    Args:
        weights: torchvision's file, ``.pth`` or ``.safetensors``.
        device: "auto", "cpu" or "cuda".
        short_side: px.
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).

    Raises:
        VcmflowError: no or unfit weights, or an option out of range.
    """
    if weights is None:
        raise VcmflowError(
            "embedding 'imagenet' needs --weights, torchvision's ResNet-18: "
            "https://download.pytorch.org/models/resnet18-f37072fd.pth"
        )
    backbone = EmbeddingNetwork().backbone
    _load(backbone, read_resnet18(weights), weights)
    return NetworkEmbedder(backbone, None, short_side, device, precision, normalised)


def build_random(
    weights: Path | None,
    device: str = "cpu",
    seed: int = 0,
    dimension: int = 128,
    short_side: int = 128,
    precision: str = "float32",
    normalised: bool = True,
) -> NetworkEmbedder:
    """Build the paper's network as it is before training.

    Args:
        weights: must be None.
        device: "auto", "cpu" or "cuda".
        seed: of the random weights, >= 0.
        dimension: length of an embedding.
        short_side: px.
        precision: "auto", "float32" or "bfloat16".
        normalised: scale embeddings to length 1 (see ``NetworkEmbedder``).

    Raises:
        VcmflowError: weights are given, or an option is out of range.
    """
    if weights is not None:
        raise VcmflowError(f"embedding 'random' takes no weights, got {weights}")
    if dimension < 1 or seed < 0:
        raise VcmflowError(
            f"embedding 'random': dimension {dimension} (1 or more), seed {seed} (0 or more)"
        )
    network = seeded_network(dimension, seed)
    return NetworkEmbedder(
        network.backbone, network.projection, short_side, device, precision, normalised
    )


def seeded_network(dimension: int, seed: int) -> EmbeddingNetwork:
    """Return an untrained network whose weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNetwork(dimension)


def _load(module: nn.Module, state: State, path: Path) -> None:
    try:
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise VcmflowError(f"{path}: does not fit ResNet-18 ({first})") from None


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
