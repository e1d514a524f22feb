"""Maps made of gradients, against finite differences and against what must not change them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.importance.gradient import Network, confidence, plis, scales, sketch, untrained
from vcmflow.importance.registry import MAPS, NETWORKS
from vcmflow.nets.proxy_mini import NAME, ProxyNetwork
from vcmflow.nets.weights import save_halves

MINI = ("proxy_mini", "faster_rcnn_mini", "yolact_mini")
RNG = np.random.default_rng(1)
FRAME = RNG.integers(0, 256, (70, 101, 3), np.uint8)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "proxy.safetensors"
    torch.manual_seed(3)
    save_halves(path, ProxyNetwork(), NAME, {})
    return path


class Toy(nn.Module):
    """Two smooth layers of other sizes and units."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, 2, padding=1)
        self.factor = factor

    def forward(self, image: Tensor) -> list[Tensor]:
        one = torch.tanh(self.first(image / 50))
        return [one, self.factor * torch.sigmoid(self.second(one))]


def picture() -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.rand(1, 3, 5, 6, generator=generator, dtype=torch.float64) * 255


def weighted(module: nn.Module, image: Tensor, factors: list[float]) -> Tensor:
    """All features as one vector, each layer times its factor."""
    parts = zip(module(image), factors, strict=True)
    return torch.cat([factor * layer.flatten() for layer, factor in parts])


def test_the_sketch_is_the_diagonal_of_the_jacobian_by_finite_differences() -> None:
    module, image, step = Toy().double(), picture(), 1e-3
    factors = scales(module(image))
    columns = []
    for index in range(image.numel()):
        moved = torch.zeros(image.numel(), dtype=torch.float64)
        moved[index] = step
        moved = moved.view_as(image)
        up, down = (weighted(module, image + sign * moved, factors) for sign in (1, -1))
        columns.append(((up - down) / (2 * step)).square().sum())
    wanted = torch.stack(columns).view(3, 5, 6).sum(dim=0).detach()
    image.requires_grad_()
    estimate = sketch(module(image), factors, image, 2000, 0)
    torch.testing.assert_close(estimate, wanted, rtol=0.1, atol=0)
    # More probes come closer, few are right to the order that they promise.
    errors = [
        float((sketch(module(image), factors, image, probes, 1) / wanted - 1).square().mean())
        for probes in (8, 800)
    ]
    assert errors[1] < errors[0] / 10 and errors[0] < 1


def test_one_probe_is_the_squared_slope_along_it() -> None:
    module, image, step = Toy().double(), picture(), 1e-3
    factors = scales(module(image))
    generator = torch.Generator().manual_seed(9)
    vector = torch.cat(
        [
            torch.randn(layer.shape, generator=generator).double().flatten()
            for layer in module(image)
        ]
    )
    slopes = torch.zeros(3, 5, 6, dtype=torch.float64)
    for place in np.ndindex(3, 5, 6):
        moved = torch.zeros_like(image)
        moved[(0, *place)] = step
        up, down = (weighted(module, image + sign * moved, factors) for sign in (1, -1))
        slopes[place] = (vector @ (up - down)).detach() / (2 * step)
    image.requires_grad_()
    found = sketch(module(image), factors, image, 1, 9)
    torch.testing.assert_close(found, slopes.square().sum(dim=0), rtol=1e-6, atol=0)


def test_the_units_of_a_layer_do_not_count() -> None:
    maps = []
    for factor in (1.0, 1000.0):
        module, image = Toy(factor).double(), picture().requires_grad_()
        maps.append(sketch(module(image), scales(module(image)), image, 4, 0))
    torch.testing.assert_close(*maps)


def test_a_layer_without_variation_says_nothing() -> None:
    image = picture().requires_grad_()
    constant = torch.ones(1, 2, 3, 3, dtype=torch.float64) + 0 * image.sum()
    layers = [Toy().double()(image)[0], constant]
    assert scales(layers)[1] == 0
    assert bool(torch.isfinite(sketch(layers, scales(layers), image, 2, 0)).all())


@pytest.mark.parametrize("name", MINI)
def test_every_network_is_differentiated_at_the_pixels_of_the_frame(name: str) -> None:
    network: Network = build(NETWORKS, name, "network", {}, weights=None, seed=0)
    network.module.requires_grad_(False)
    base = torch.from_numpy(FRAME.copy()).permute(2, 0, 1)[None].float()
    image = base.clone().requires_grad_()
    features = network.features(image)
    assert len(features) >= 3
    vectors = [
        torch.randn(layer.shape, generator=torch.Generator().manual_seed(0)) for layer in features
    ]
    factors = scales(features)
    (gradient,) = torch.autograd.grad(
        features, image, [v * f for v, f in zip(vectors, factors, strict=True)]
    )
    assert gradient.shape == base.shape
    # Along its own direction the slope is steepest: rounding matters least.
    direction = gradient / gradient.norm()

    def value(picture: Tensor) -> float:
        with torch.no_grad():
            found = network.features(picture)
        return sum(
            f * float((v.double() * x.double()).sum())
            for v, f, x in zip(vectors, factors, found, strict=True)
        )

    step = 2.0
    slope = (value(base + step * direction) - value(base - step * direction)) / (2 * step)
    assert slope == pytest.approx(float(gradient.norm()), rel=0.05)
    confidences = network.confidences(image)
    assert confidences.ndim == 1
    assert bool(((confidences >= 0) & (confidences <= 1)).all())


def test_a_frame_is_scored_by_itself(weights: Path) -> None:
    for score in (plis(weights), confidence(weights), untrained()):
        first = score(FRAME, 0)
        assert first.shape == FRAME.shape[:2] and first.dtype == np.float32
        assert (first >= 0).all() and first.any()
        score(255 - FRAME, 1)
        np.testing.assert_array_equal(score(FRAME, 2), first)


def test_training_the_seed_and_the_number_of_probes_count(weights: Path) -> None:
    maps = [
        score(FRAME, 0)
        for score in (plis(weights), plis(weights, seed=1), plis(weights, probes=2), untrained())
    ]
    for index, one in enumerate(maps):
        assert not any(np.allclose(one, other, rtol=1e-3) for other in maps[:index])


def test_where_nothing_is_found_no_pixel_matters() -> None:
    network: Network = build(NETWORKS, "faster_rcnn_mini", "network", {}, weights=None, seed=0)
    image = torch.zeros(1, 3, 64, 64, requires_grad=True)
    none = network.confidences(image)[:0]
    assert not sketch([none], [1.0], image, 2, 0).any()


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - set(MINI)))
def test_published_networks_are_taken_by_their_weights(name: str, tmp_path: Path) -> None:
    from vcmflow.importance.networks.published import network

    torch.save(network(name).state_dict(), tmp_path / "w.pth")
    pixels = plis(tmp_path / "w.pth", network=name, probes=1)(FRAME, 0)
    assert pixels.shape == FRAME.shape[:2] and pixels.any()
    other = "resnet50" if name != "resnet50" else "resnet18"
    with pytest.raises(VcmflowError, match=f"not a checkpoint of torchvision's {other}"):
        plis(tmp_path / "w.pth", network=other)


def test_trained_maps_need_weights_of_their_network(weights: Path, tmp_path: Path) -> None:
    for name in ("plis", "confidence"):
        with pytest.raises(VcmflowError, match=f"map '{name}' needs --weights"):
            build(MAPS, name, "map", {}, offered={"weights": None, "device": "cpu"})
    with pytest.raises(VcmflowError, match="weights of proxy_mini, not yolact_mini"):
        plis(weights, network="yolact_mini")
    with pytest.raises(VcmflowError, match="no such weights file"):
        plis(tmp_path / "gone.safetensors")
    with pytest.raises(VcmflowError, match="unknown network 'proxy'"):
        plis(weights, network="proxy")
