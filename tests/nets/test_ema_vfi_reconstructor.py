"""EMA-VFI as the reconstruct stage uses it: frames of any size, any number of times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build as make
from vcmflow.core.video import Frame
from vcmflow.reconstruct import ema_vfi
from vcmflow.reconstruct.ema_vfi import EmaVfiReconstructor, build, padding
from vcmflow.reconstruct.rebuild import rebuild
from vcmflow.reconstruct.registry import RECONSTRUCTORS


@pytest.fixture(scope="module")
def small() -> EmaVfiReconstructor:
    return build("random", size="small", device="cpu")


def frames(height: int, width: int, count: int = 2, seed: int = 0) -> list[Frame]:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, -(-height // 8), -(-width // 8), 3))
    fine = np.kron(coarse, np.ones((1, 8, 8, 1), np.int64))[:, :height, :width]
    return list(fine.astype(np.uint8))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (33, 47), (64, 31)])
def test_frames_of_any_size(small: EmaVfiReconstructor, height: int, width: int) -> None:
    first, second = frames(height, width)
    between = small.interpolate(first, second, [0.3, 0.6])
    assert [frame.shape for frame in between] == [(height, width, 3)] * 2
    assert all(frame.dtype == np.uint8 for frame in between)


def test_no_times_need_no_work(small: EmaVfiReconstructor, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("the network ran")

    monkeypatch.setattr(small, "_run", never)
    assert small.interpolate(*frames(16, 16), []) == []
    assert len(list(rebuild(iter(frames(16, 16, 1)), [], small))) == 1
    kept = frames(16, 16, 3)
    for ours, theirs in zip(rebuild(iter(kept), [0, 0], small), kept, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_gap_calls_the_backbone_once(
    small: EmaVfiReconstructor, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    bone = small._network.feature_bone
    monkeypatch.setattr(
        bone, "forward", lambda *args, real=bone.forward: (calls.append(1), real(*args))[1]
    )
    assert len(small.interpolate(*frames(32, 32), [k / 6 for k in range(1, 6)])) == 5
    assert len(calls) == 1


@pytest.mark.parametrize(("time", "own"), [(1e-7, 0), (1 - 1e-7, 1)])
def test_at_the_time_of_a_frame_the_motion_from_it_does_not_count(
    small: EmaVfiReconstructor, monkeypatch: pytest.MonkeyPatch, time: float, own: int
) -> None:
    """And that from the other frame does."""
    pair = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    bone = small._network.feature_bone
    real = bone.forward

    def made(*still: int) -> torch.Tensor:
        """The frame, with the motion from some of the two frames taken out."""

        def forward(*args: Any) -> Any:
            features = real(*args)
            for motion in features.motion:
                motion[list(still)] = 0
            return features

        monkeypatch.setattr(bone, "forward", forward)
        (frame,) = small.between(pair[0], pair[1], [time])
        return frame

    still = made(0, 1)
    torch.testing.assert_close(made(1 - own), still, atol=1e-5, rtol=0)
    assert (made(own) - still).abs().max() > 1e-3


def test_colours_keep_their_places(small: EmaVfiReconstructor) -> None:
    first, second = frames(32, 32)
    seen = []

    def look(a: Any, b: Any, _: Any) -> list[Any]:
        seen.extend((a, b))
        return [a]

    spy = EmaVfiReconstructor(small._network, "cpu", "fp32", False, 1.0)
    spy._run = look  # type: ignore[method-assign]
    (returned,) = spy.interpolate(first, second, [0.5])
    np.testing.assert_array_equal(returned, first)
    np.testing.assert_allclose(seen[1][0, 0].numpy() * 255, second[..., 2], atol=1e-4)


def test_turning_by_half_a_turn_commutes_with_test_time_augmentation(
    small: EmaVfiReconstructor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = frames(32, 64)
    tta = EmaVfiReconstructor(small._network, "cpu", "fp32", True, 1.0)
    (upright,) = tta.interpolate(first, second, [0.5])
    (turned,) = tta.interpolate(first[::-1, ::-1], second[::-1, ::-1], [0.5])
    assert np.abs(turned[::-1, ::-1].astype(int) - upright).max() <= 1
    monkeypatch.setattr(ema_vfi, "BATCHED_PIXELS", 0)
    (single,) = tta.interpolate(first, second, [0.5])
    assert np.abs(single.astype(int) - upright).max() <= 1


@pytest.mark.parametrize("options", [{"down_scale": 0.5}, {"down_scale": 0.25}])
def test_motion_from_smaller_frames(options: dict[str, Any]) -> None:
    first, second = frames(40, 72)
    network = build("random", size="small", device="cpu", **options)
    (between,) = network.interpolate(first, second, [0.5])
    (plain,) = build("random", size="small", device="cpu").interpolate(first, second, [0.5])
    assert between.shape == plain.shape and not np.array_equal(between, plain)


def test_half_precision_is_close() -> None:
    first, second = frames(32, 64)
    (exact,) = build("random", size="small", device="cpu").interpolate(first, second, [0.5])
    half = build("random", size="small", device="cpu", precision="bf16")
    (close,) = half.interpolate(first, second, [0.5])
    difference = np.abs(close.astype(int) - exact)
    assert difference.max() > 0 and difference.mean() < 1


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([1.0, 0.5, 0.25]))
def test_padding_is_centred_and_least(height: int, width: int, down_scale: float) -> None:
    left, right, top, bottom = padding(height, width, down_scale)
    for low, high, side in ((left, right, width), (top, bottom, height)):
        assert 0 <= high - low <= 1
        padded = side + low + high
        assert padded % 32 == 0 and padded * down_scale % 16 == 0
        assert padded - 64 < side


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": None}, "needs its weights.*--name ema_vfi_full"),
        ({"weights": Path("nowhere/ours_t.pkl")}, "ours_t.pkl: no such file"),
        ({"size": "medium"}, "allowed: 'full' or 'small'"),
        ({"precision": "fp8"}, "allowed: 'auto', 'fp32'"),
        ({"precision": "fp16", "device": "cpu"}, "needs a GPU"),
        ({"down_scale": 2}, "allowed: 1, 0.5, 0.25"),
        ({"tta": "yes"}, "allowed: a valid boolean"),
        ({"device": "tpu"}, "device 'tpu'"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], said: str) -> None:
    settings = {"weights": "random", "device": "cpu", **options}
    given = {key: settings.pop(key) for key in ("weights", "device", "threads") if key in settings}
    with pytest.raises(VcmflowError, match=said):
        make(RECONSTRUCTORS, "ema_vfi", "reconstructor", settings, offered=given)


def test_bad_frames_and_times_are_named(small: EmaVfiReconstructor) -> None:
    first, second = frames(16, 16)
    with pytest.raises(VcmflowError, match="16x16 and 8x16"):
        small.interpolate(first, second[:, :8], [0.5])
    for time in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(VcmflowError, match="allowed: above 0 and below 1"):
            small.interpolate(first, second, [0.5, time])
