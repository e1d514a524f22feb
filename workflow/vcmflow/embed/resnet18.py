"""ResNet-18's features for inference, from weights in torchvision's format.

Batch normalisation is folded into the convolutions, and torchvision, which takes a second to
import, is left out: a short video is embedded in less time than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

FEATURES = 512  # channels of the last feature map
_EPSILON = 1e-5  # of torchvision's batch normalisation
_BLOCKS = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]


class ResNet18(nn.Module):
    """ResNet-18 (He et al. 2016) up to its average pooling.

    Args:
        state: weights by torchvision's names, without the classifier.

    Raises:
        KeyError, ValueError: a weight is missing, is too much, or has another shape.
    """

    def __init__(self, state: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.trained = count_trained(state)
        left = set(state)
        for name, norm, shape in _convolutions():
            parts = [f"{name}.weight", *(f"{norm}.{part}" for part in _NORM)]
            tensors = [state[part].float() for part in parts]
            if tuple(tensors[0].shape) != shape or {t.shape for t in tensors[1:]} != {shape[:1]}:
                raise ValueError(f"{name} is not of shape {shape}")
            weight, mean, variance, scale, shift = tensors
            kernel, bias = fuse_conv_bn_weights(
                weight, None, mean, variance, _EPSILON, scale, shift
            )
            self.register_buffer(f"{name.replace('.', '_')}_kernel", kernel)
            self.register_buffer(f"{name.replace('.', '_')}_bias", bias)
            left -= {*parts, f"{norm}.num_batches_tracked"}
        if left:
            raise ValueError(f"{sorted(left)[0]} is no part of ResNet-18")

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return features (B, 512) of normalised pictures (B, 3, H, W)."""
        x = functional.relu(self._convolve("conv1", pictures, 2, 3))
        x = functional.max_pool2d(x, 3, 2, 1)
        for block in _BLOCKS:
            stride = 2 if _shrinks(block) else 1
            y = functional.relu(self._convolve(f"{block}.conv1", x, stride, 1))
            y = self._convolve(f"{block}.conv2", y, 1, 1)
            if _shrinks(block):
                x = self._convolve(f"{block}.downsample.0", x, stride, 0)
            x = functional.relu(x + y)
        return functional.adaptive_avg_pool2d(x, 1).flatten(1)

    def _convolve(self, name: str, x: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
        key = name.replace(".", "_")
        kernel, bias = self.get_buffer(f"{key}_kernel"), self.get_buffer(f"{key}_bias")
        return functional.conv2d(x, kernel, bias, stride, padding)


_NORM = ("running_mean", "running_var", "weight", "bias")


def count_trained(state: Mapping[str, torch.Tensor]) -> int:
    """Return how many trained values a state has: batch normalisation's statistics are none."""
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    return sum(t.numel() for name, t in state.items() if not name.endswith(statistics))


def _convolutions() -> Iterator[tuple[str, str, tuple[int, int, int, int]]]:
    """Yield each convolution: its name, its batch normalisation's, the shape of its weight."""
    yield "conv1", "bn1", (64, 3, 7, 7)
    before = 64
    for block in _BLOCKS:
        width = 32 << int(block[5])
        yield f"{block}.conv1", f"{block}.bn1", (width, before, 3, 3)
        yield f"{block}.conv2", f"{block}.bn2", (width, width, 3, 3)
        if _shrinks(block):
            yield f"{block}.downsample.0", f"{block}.downsample.1", (width, before, 1, 1)
        before = width


def _shrinks(block: str) -> bool:
    return block.endswith(".0") and block != "layer1.0"
