"""TransVFC's networks: what they consist of, and what one step promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.faster_rcnn.load import SIDES
from vcmflow.nets.faster_rcnn.network import R50, FasterRcnn
from vcmflow.nets.faster_rcnn.resize import resize, resized_shape
from vcmflow.nets.faster_rcnn_mini import SPACE, network
from vcmflow.nets.spaces import SPACES
from vcmflow.nets.transvfc import transfer
from vcmflow.nets.transvfc.fst import FeatureSpaceTransfer
from vcmflow.nets.transvfc.layers import bits, laplace_probability
from vcmflow.nets.transvfc.network import Config, FeatureCodec
from vcmflow.nets.transvfc.r50 import R50TransVfc
from vcmflow.nets.weights import fixed_weights, load_halves
from vcmflow.nets.yolact.mini import SPACE as SEGMENTER

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


def test_the_published_codec_for_the_published_detector() -> None:
    """Its front takes frames as the detector does; what follows it guides the codec."""
    with torch.device("meta"):
        codec, detector = R50TransVfc(), FasterRcnn(R50)
    learned = [value for value in codec.parameters() if value.requires_grad]
    assert sum(value.numel() for value in learned) == 22_218_176 + 2 * 4 * (96 + 64)
    assert sum(value.numel() for value in codec.codec.task_head.parameters()) == 26_576_896
    frame = np.random.default_rng(1).integers(0, 256, (20, 400, 3), np.uint8)
    prepared = codec.prepare(frame)
    resized = resize(frame, resized_shape(20, 400, *SIDES))
    assert torch.equal(prepared, detector.prepare(torch.from_numpy(resized.copy())[None]))
    shape = codec.front(prepared.to("meta")).shape
    assert shape[1:] == SPACES[codec.space].shape(20, 400)
    levels = codec.codec.task_head(torch.rand(1, 256, 32, 32, device="meta"))
    assert [level.shape[1:] for level in levels] == [
        (256, 32 // 2**k, 32 // 2**k) for k in range(5)
    ]


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


NOTES = {"source": SPACE, "target": SEGMENTER, "inner": 4}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow transfer between the mini networks."""
    module = FeatureSpaceTransfer(32, 32, 4)
    fixed_weights(module)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):  # statistics that folding has to know of
            layer.running_mean.fill_(0.2)
            layer.running_var.fill_(1.5)
    path = tmp_path_factory.mktemp("weights") / "fst.safetensors"
    transfer.save(path, module, NOTES)
    return path


@pytest.mark.parametrize(("height", "width"), [(240, 416), (77, 101), (500, 130), (33, 400)])
def test_features_of_any_frame_are_transferred(weights: Path, height: int, width: int) -> None:
    """From the detector's padded map to the segmenter's, which shows the frame and no more."""
    images = network().transform([torch.zeros(1).expand(3, height, width)])[0]
    rows, columns = (side // 4 for side in images.tensors.shape[2:])
    assert SPACES[SPACE].shape(height, width) == (32, rows, columns)
    assert images.image_sizes == [SPACES[SPACE].resized(height, width)]
    given = {SPACE: np.ones((32, rows, columns), np.float32), "size": np.array([height, width])}
    (found,) = transfer.load(weights, "cpu").run([given])
    assert found[SEGMENTER].shape == (32, 60, 104)
    assert found["size"].tolist() == [height, width]


def test_a_transfer_is_what_was_trained(weights: Path) -> None:
    whole = FeatureSpaceTransfer(32, 32, 4).eval()
    load_halves(weights, whole, transfer.NAME)
    x = np.random.default_rng(1).random((32, 64, 104), np.float32)
    with torch.inference_mode():
        expected = whole(torch.from_numpy(x)[None])[0][0, :, :60]
    (found,) = transfer.load(weights, "cpu").run([{SPACE: x, "size": np.array([240, 416])}])
    np.testing.assert_allclose(found[SEGMENTER], expected, atol=2e-4)


@pytest.mark.parametrize(
    "changes", [{"source": "x"}, {"target": [SPACE]}, {"inner": 0}, {"inner": 4.0}, {"inner": None}]
)
def test_weights_of_no_transfer_are_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    transfer.save(path, FeatureSpaceTransfer(32, 32, 4), NOTES | changes)
    with pytest.raises(VcmflowError, match="not the weights of an FST"):
        transfer.load(path, "cpu")


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
