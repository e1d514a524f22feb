"""Importance from gradients: PLIS, the pixel-level importance score for machines.

The thesis (Huang, "High efficiency image/video coding for machine", 2024) names the idea, gradients
of a proxy task's network, and gives no formula; those here are ours. What coding does to a pixel
changes features by the Jacobian J, so that the squared change of all features is, to first order
and for errors that are independent, a sum over pixels of squared error times the diagonal of J'J.
That diagonal is sketched: for Gaussian v, E (J'v)^2 = diag J'J, at one backward pass per v.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Count, Seed
from vcmflow.core.registry import build
from vcmflow.core.video import Frame
from vcmflow.importance.maps import Pixels, Score
from vcmflow.importance.registry import NETWORKS, PROXY


@dataclass(frozen=True)
class Network:
    """What gradients are taken of. Both functions take (1, 3, H, W), RGB in 0..255.

    Attributes:
        module: what moves to a device; in evaluation mode.
        features: maps of several layers, of any shape.
        confidences: what the network is sure of, (k,) in 0..1.
    """

    module: torch.nn.Module
    features: Callable[[Tensor], Sequence[Tensor]]
    confidences: Callable[[Tensor], Tensor]


def scales(features: Sequence[Tensor]) -> list[float]:
    """What every layer is multiplied with: 1 / (standard deviation * sqrt(size)), 0 for constants.

    No layer outweighs another by its units or its size.
    """
    deviations = [float(layer.detach().double().std(correction=0)) for layer in features]
    return [
        0.0 if deviation == 0 else 1 / (deviation * layer.numel() ** 0.5)
        for deviation, layer in zip(deviations, features, strict=True)
    ]


def sketch(
    outputs: Sequence[Tensor], weights: Sequence[float], image: Tensor, probes: int, seed: int
) -> Tensor:
    """Estimate the diagonal of J'J, summed over colours, of weighted outputs with respect to image.

    Args:
        outputs: made of ``image``.
        weights: factor of each output.
        image: (1, 3, H, W), requires a gradient.
        probes: Gaussian vectors; the standard deviation of the estimate is sqrt(2 / probes) of it,
            less where it is summed over pixels.
        seed: of the vectors, which are the same for every frame.

    Returns:
        (H, W), >= 0.
    """
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(image.shape[-2:], dtype=image.dtype, device=image.device)
    for probe in range(probes):
        vectors = [
            torch.randn(output.shape, generator=generator).to(output) * weight
            for output, weight in zip(outputs, weights, strict=True)
        ]
        kept = probe + 1 < probes
        (gradient,) = torch.autograd.grad(
            outputs, image, vectors, retain_graph=kept, materialize_grads=True
        )
        total += gradient[0].square().sum(dim=0)
    return total / probes


def _score(network: Network, device: str, look: Callable[[Tensor], Tensor]) -> Score:
    network.module.to(device).requires_grad_(False)

    def score(frame: Frame, index: int) -> Pixels:
        picture = torch.from_numpy(np.array(frame)).to(device).permute(2, 0, 1)[None].float()
        pixels: Pixels = look(picture.requires_grad_()).cpu().numpy()
        if not np.isfinite(pixels).all():
            raise VcmflowError(f"frame {index}: its gradients are not finite; check the weights")
        return pixels

    return score


def _of_features(network: Network, device: str, probes: int, seed: int) -> Score:
    def look(picture: Tensor) -> Tensor:
        features = network.features(picture)
        return sketch(features, scales(features), picture, probes, seed)

    return _score(network, device, look)


def _trained(name: str, weights: Path | None, what: str) -> Network:
    if weights is None:
        raise VcmflowError(f"map {what!r} needs --weights, those of network {name!r}")
    network: Network = build(NETWORKS, name, "network", {}, weights=Path(weights), seed=0)
    return network


def plis(
    weights: Path | None,
    device: str = "cpu",
    network: str = PROXY,
    probes: Count = 8,
    seed: Seed = 0,
) -> Score:
    """Build the map: how much a pixel moves the features of several layers (diag J'J).

    Args:
        weights: of the network.
        device: "cpu" or "cuda".
        network: name in ``NETWORKS``; the evaluated detector's own makes it a control.
        probes: Gaussian vectors of the sketch.
        seed: of those.

    Raises:
        VcmflowError: no or unfit weights, an unknown network.
    """
    return _of_features(_trained(network, weights, "plis"), device, probes, seed)


def confidence(
    weights: Path | None,
    device: str = "cpu",
    network: str = PROXY,
    top: Count = 100,
    probes: Count = 8,
    seed: Seed = 0,
) -> Score:
    """Build the map: how much a pixel moves what the network is most sure of.

    Args:
        weights: of the network.
        device: "cpu" or "cuda".
        network: name in ``NETWORKS``.
        top: the largest confidences that count, all where there are fewer.
        probes: Gaussian vectors of the sketch.
        seed: of those.

    Raises:
        VcmflowError: no or unfit weights, an unknown network.
    """
    trained = _trained(network, weights, "confidence")

    def look(picture: Tensor) -> Tensor:
        found = trained.confidences(picture)
        best = found.topk(min(top, len(found))).values
        return sketch([best], [1.0], picture, probes, seed)

    return _score(trained, device, look)


def untrained(
    device: str = "cpu", network: str = PROXY, probes: Count = 8, seed: Seed = 0
) -> Score:
    """Build the control ``random``: PLIS of a network as it is before training.

    Args:
        device: "cpu" or "cuda".
        network: name in ``NETWORKS``.
        probes: Gaussian vectors of the sketch.
        seed: of those, and of the network's first weights.

    Raises:
        VcmflowError: an unknown network.
    """
    made: Network = build(NETWORKS, network, "network", {}, weights=None, seed=seed)
    return _of_features(made, device, probes, seed)
