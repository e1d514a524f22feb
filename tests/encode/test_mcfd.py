"""QPs from deep features: the formulas, and that x265_mcfd spares features at an equal rate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.encode.codec import Video
from vcmflow.encode.mcfd import ALPHA, MARGINS, STEPS, choose, context_distortion, corrected
from vcmflow.encode.registry import CODECS

WIDTH, HEIGHT = 80, 40


def features(seed, channels=3, stride=4):
    shape = (channels, HEIGHT // stride, WIDTH // stride)
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def test_the_distortion_of_a_block_is_that_of_its_contexts():
    one, other = features(1), features(2)
    error = ((one.astype(float) - other) ** 2).mean(0) / np.var(one)
    wanted = 0.0
    for margin, weight in zip(MARGINS, ALPHA, strict=True):
        # Block (1, 3): rows 16..32, columns 48..64 of 40 x 80 px; cells are of 4 px.
        rows = slice(max(16 - margin, 0) // 4, min(32 + margin, HEIGHT) // 4)
        columns = slice(max(48 - margin, 0) // 4, min(64 + margin, WIDTH) // 4)
        wanted += weight * error[rows, columns].mean()
    found = context_distortion([one], [other], WIDTH, HEIGHT)
    assert found.shape == (3, 5)
    assert found[1, 3] == pytest.approx(wanted)
    assert sum(ALPHA) == pytest.approx(1)


def test_units_of_layers_do_not_show_and_constant_ones_are_left_out():
    one, other, coarse = features(1), features(2), features(3, 8, 8)
    found = context_distortion([one, coarse], [other, coarse + 0.1], WIDTH, HEIGHT)
    scaled = context_distortion([9 * one, coarse], [9 * other, coarse + 0.1], WIDTH, HEIGHT)
    np.testing.assert_allclose(found, scaled, rtol=1e-4)
    flat = np.ones((2, 3, 5), np.float32)
    assert not context_distortion([flat], [2 * flat], WIDTH, HEIGHT).any()
    assert not context_distortion([one], [one], WIDTH, HEIGHT).any()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.3, 3))
def test_the_choice_is_within_the_budget_and_beats_one_step_for_all(seed, share):
    random = np.random.default_rng(seed)
    rates = 2 ** (-np.array(STEPS) / 6)[:, None] * random.uniform(0.1, 3, 30)
    harm = np.cumsum(random.uniform(0, 1, (5, 30)), 0) * random.uniform(0.01, 5, 30)
    budget = share * rates[2].sum()
    chosen = np.searchsorted(STEPS, choose(harm, rates, budget))

    def sums(index):
        pick = np.broadcast_to(index, 30)[None]
        return [np.take_along_axis(part, pick, 0).sum() for part in (harm, rates)]

    least = rates[-1].sum()
    distortion, rate = sums(chosen)
    assert rate <= max(budget, least) + 1e-9
    for step in range(5):
        other, cost = sums(step)
        # A block more would fit at most.
        if cost <= rate:
            assert distortion <= other + 1e-9


def test_distortions_follow_what_was_found():
    harm = np.arange(1.0, 6)[:, None] * np.array([1.0, 2, 0])
    fixed = corrected(harm, np.array([0, 6, 3], np.int8), np.array([6.0, 10, 7]))
    np.testing.assert_allclose(fixed[:, 0], 2 * harm[:, 0])
    np.testing.assert_allclose(fixed[:, 1], harm[:, 1])
    np.testing.assert_allclose(fixed[:, 2], 0)


@pytest.fixture
def network():
    """Two layers of a small convolutional network that looks at the left half only."""
    torch.manual_seed(0)
    first = torch.nn.Conv2d(3, 4, 5, stride=4, padding=2)
    second = torch.nn.Conv2d(4, 6, 3, stride=2, padding=1)

    def look(frame):
        with torch.no_grad():
            picture = torch.from_numpy(np.array(frame)).permute(2, 0, 1)[None].float() / 255
            picture[..., picture.shape[-1] // 2 :] = 0
            low = first(picture).relu()
            return [layer[0].numpy() for layer in (low, second(low))]

    return look


def test_x265_mcfd_spares_features_at_an_equal_rate(network, monkeypatch, tmp_path, moving_frames):
    frames = moving_frames(2, 128, 96)
    shape = Shape(128, 96, 2, 10.0)
    monkeypatch.setattr("vcmflow.encode.x265_mcfd.proxy_features", lambda *_: network)

    def harm(name, needs, **options):
        codec = build(CODECS, name, "codec", {"structure": "ai", **options}, offered=offered)
        scratch = tmp_path / f"{name}{len(list(tmp_path.iterdir()))}"
        scratch.mkdir()
        video = Video(shape, lambda: iter(frames), scratch)
        out = {role: scratch / f"out{role}" for role in ("base", "qp")}
        codec.encode(video, needs, 34, out)
        decoded = list(codec.decode({"base": out["base"]}, shape))
        total = sum(
            context_distortion(network(a), network(b), 128, 96).sum()
            for a, b in zip(frames, decoded, strict=True)
        )
        return total, out["base"].read_bytes(), np.load(out["qp"])

    offered = {}
    flat = {"importance": np.ones((2, 6, 8), np.float32)}
    plain, bytes_plain, _ = harm("x265_roi", flat)
    offered = {"weights": tmp_path / "proxy.safetensors"}
    spared, bytes_spared, qps = harm("x265_mcfd", {}, match_rate=True)
    assert harm("x265_mcfd", {}, match_rate=True)[1] == bytes_spared
    assert qps[..., :4].mean() < qps[..., 4:].mean() - 2
    assert abs(len(bytes_spared) / len(bytes_plain) - 1) < 0.02
    assert spared < 0.95 * plain


def test_without_weights_it_says_so(tmp_path, moving_frames):
    codec = build(CODECS, "x265_mcfd", "codec", {}, offered={"weights": None})
    video = Video(Shape(48, 32, 2, 10.0), lambda: iter(moving_frames(2, 48, 32)), tmp_path)
    with pytest.raises(VcmflowError, match="needs --weights, those of network 'proxy_mini'"):
        codec.encode(video, {}, 30, {"base": tmp_path / "a", "qp": tmp_path / "b"})
