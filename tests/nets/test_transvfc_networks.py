"""TransVFC's networks: what they consist of, and what one step promises."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.transvfc.fst import FeatureSpaceTransfer
from vcmflow.nets.transvfc.layers import bits, laplace_probability
from vcmflow.nets.transvfc.network import Config, FeatureCodec
from vcmflow.nets.weights import fixed_weights

SMALL = Config(
    raw=8,
    pyramid=8,
    inner=(8, 8),
    feature=8,
    condition=4,
    condition_inner=4,
    context=8,
    fused=4,
    hyper=4,
    parameters=16,
    factor=2,
    gains=3,
)


class Means(nn.Module):
    """A pyramid without weights."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, *(F.avg_pool2d(x, 2**level) for level in range(1, 5))]


def small(config: Config = SMALL) -> FeatureCodec:
    network = FeatureCodec(config, Means()).eval()
    fixed_weights(network)
    return network


@pytest.mark.parametrize(
    ("ar", "parameters", "tensors"), [(True, 22_476_320, 329), (False, 22_218_176, 326)]
)
def test_the_published_codec(ar: bool, parameters: int, tensors: int) -> None:
    with torch.device("meta"):
        network = FeatureCodec(Config(ar=ar), nn.Identity())
    assert sum(value.numel() for value in network.parameters()) == parameters
    assert len(network.state_dict()) == tensors


def test_the_published_transfer() -> None:
    with torch.device("meta"):
        network = FeatureSpaceTransfer()
    assert sum(value.numel() for value in network.parameters()) == 4_304_725
    assert len(network.state_dict()) == 347


def test_the_transfer_keeps_sizes() -> None:
    network = FeatureSpaceTransfer(6, 10, 4).eval()
    with torch.inference_mode():
        feature, image = network(torch.rand(1, 6, 16, 24))
    assert feature.shape == (1, 10, 16, 24)
    assert image.shape == (1, 3, 64, 96)
    assert 0 <= float(image.min()) <= float(image.max()) <= 1


def test_a_step_can_be_learned_from() -> None:
    network = small().train()
    current, reference = torch.rand(2, 2, 8, 32, 16).unbind()
    step = network(current, reference, torch.tensor([0, 2]))
    assert step.feature.shape == current.shape
    loss = torch.stack(list(step.bits())).sum() + F.mse_loss(step.feature, current)
    loss.backward()  # type: ignore[no-untyped-call]
    unused = {name for name, one in network.named_parameters() if one.grad is None}
    assert unused == {"mvDecoder.igdn3.beta", "mvDecoder.igdn3.gamma"}


def test_the_autoregressive_part_sees_only_what_came_before() -> None:
    network = small()
    assert network.auto_regressive is not None
    y = torch.randn(1, 8, 5, 6)
    changed = y.clone()
    changed[..., 2, 3] += 1
    with torch.inference_mode():
        same = (network.auto_regressive(y) == network.auto_regressive(changed)).all(1)[0].flatten()
    assert same[: 2 * 6 + 3 + 1].all()
    assert not same[2 * 6 + 3 + 1]


def test_points_have_gains_of_their_own() -> None:
    network = small()
    latent = torch.ones(2, 8, 4, 4)
    with torch.inference_mode():
        network.gain_y.zero_()
        network.gain_y[:, 1] = 1
        point = torch.tensor([0, 1])
        scaled = network.scaled(latent, "y", point)
        back = network.unscaled(scaled, "y", point)
    assert (scaled[0] == 1).all()
    assert (scaled[1] > 2).all()
    torch.testing.assert_close(back, latent)


def test_probabilities_of_all_integers_sum_to_one() -> None:
    values = torch.arange(-400.0, 401)
    for mean, scale in ((0.0, 1.0), (0.3, 5.0), (-2.5, 0.01), (1.5, 30.0)):
        probability = laplace_probability(values, torch.tensor(mean), torch.tensor(scale))
        assert float(probability.sum()) == pytest.approx(1, abs=1e-4)
    assert float(bits(torch.zeros(()))) == pytest.approx(16.61, abs=0.01)
