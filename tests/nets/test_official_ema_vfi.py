"""EMA-VFI against outputs of the official code."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from golden import Golden
from torch import Tensor

from vcmflow.nets.ema_vfi.backbone import Features
from vcmflow.nets.ema_vfi.load import load
from vcmflow.nets.ema_vfi.network import EmaVfi, warp
from vcmflow.nets.ema_vfi.strips import Strips
from vcmflow.reconstruct.ema_vfi import EmaVfiReconstructor, padding

STRIPS = Strips()


def official_file(golden: Golden, path: Path) -> Path:
    """The weights as the authors publish theirs: prefixed, and with the cached masks."""
    state = {f"module.{key}": value for key, value in golden.state().items()}
    state["module.feature_bone.block4.1.attn_mask"] = torch.zeros(25, 49, 49)
    state["module.feature_bone.block4.1.HW"] = torch.tensor([1225])
    torch.save(state, path)
    return path


class Case:
    """One pair of frames, padded as the network needs it."""

    def __init__(self, golden: Golden, name: str) -> None:
        frames = [golden.array(f"img{index}_{name}") for index in (0, 1)]
        height, width = frames[0].shape[:2]
        left, right, top, bottom = padding(height, width, 1.0)
        self.first, self.second = (
            torch.nn.functional.pad(
                torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255,
                (left, right, top, bottom),
                mode="replicate",
            )
            for frame in frames
        )
        self.rgb = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
        self.rows, self.columns = slice(top, top + height), slice(left, left + width)

    def crop(self, picture: Tensor) -> Tensor:
        return picture[0, :, self.rows, self.columns]


def check_features(golden: Golden, features: Features, case: str) -> None:
    for index, x in enumerate(features.appearance):
        steps = [max(1, size // n) for size, n in zip(x.shape[1:], (4, 16, 12), strict=True)]
        part = x[:, :: steps[0], :: steps[1], :: steps[2]]
        golden.check(f"af{index}_slice_{case}", part, atol=1e-4)
        golden.check_stats(f"af{index}", x)
    for index, x in enumerate(features.motion, start=3):
        steps = [max(1, size // n) for size, n in zip(x.shape[1:], (16, 16, 12), strict=True)]
        part = x[:, :: steps[0], :: steps[1], :: steps[2]]
        golden.check(f"mf{index}_slice_{case}", part, atol=1e-4)
        golden.check_stats(f"mf{index}", x)


def check_motion(golden: Golden, network: EmaVfi, pair: Case, name: str, time: float) -> None:
    features = network.feature_bone(pair.first, pair.second, STRIPS)
    if f"af0_slice_{name}" in golden.arrays:
        check_features(golden, features, name)
    steps = network.motion(pair.first, pair.second, features, time, STRIPS)
    for index, motion in enumerate(steps):
        share = torch.sigmoid(motion.mask)
        merged = warp(pair.first, motion.flow[:, :2]) * share
        merged = merged + warp(pair.second, motion.flow[:, 2:]) * (1 - share)
        for key, value in (
            ("flow", motion.flow),
            ("mask_sigmoid", share),
            ("merged", merged),
        ):
            full, part = f"{key}{index}_{name}", f"{key}{index}_slice_{name}"
            if part in golden.arrays:
                golden.check(part, value[0, :, ::4, ::4], atol=1e-4)
                golden.check_stats(f"{key}{index}", value)
            if full in golden.arrays:
                golden.check(full, value[0], atol=1e-4)


def check_case(golden: Golden, network: EmaVfi, name: str) -> None:
    pair = Case(golden, name)
    outputs = [key for key in golden.arrays if key.endswith(f"_{name}")]
    times = [re.fullmatch(rf"inference_t(\d+)_{name}", key) for key in outputs]
    for match in filter(None, times):
        time = int(match[1]) / 100
        (picture,) = network(pair.first, pair.second, [time])
        golden.check(match[0], pair.crop(picture), atol=1e-4)
        reconstructor = EmaVfiReconstructor(network, "cpu", "fp32", False, 1.0)
        (frame,) = reconstructor.interpolate(*pair.rgb, [time])
        expected = golden.arrays[match[0]][::-1].transpose(1, 2, 0) * 255
        assert np.abs(frame - expected).max() <= 0.5 + 0.03
    for key in outputs:
        if key.startswith("multi_inference"):
            pictures = network(pair.first, pair.second, [0.25, 0.5, 0.75])
            golden.check(key, torch.stack([pair.crop(x) for x in pictures]), atol=1e-4)
        if key.startswith("inference_TTA_t050"):
            turning = EmaVfiReconstructor(network, "cpu", "fp32", True, 1.0)
            (picture,) = turning.between(pair.first, pair.second, [0.5])
            golden.check(key, pair.crop(picture), atol=1e-4)
        if key.startswith("hr_inference_down05_t050"):
            (picture,) = network(pair.first, pair.second, [0.5], down_scale=0.5)
            golden.check(key, pair.crop(picture), atol=1e-4)
    time = 0.3 if "inference_t030_256x192" in golden.arrays else 0.5
    check_motion(golden, network, pair, name, time)


def test_small_on_the_smallest_pair(tmp_path: Path) -> None:
    golden = Golden("ema_vfi_small")
    network = load("small", official_file(golden, tmp_path / "ours_small_t.pkl"))
    with torch.inference_mode():
        check_case(golden, network, "96x64_dark")


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "full"])
def test_every_array(size: str, tmp_path: Path) -> None:
    golden = Golden(f"ema_vfi_{size}")
    network = load(size, official_file(golden, tmp_path / "weights.pkl"))
    names = sorted(key.removeprefix("img0_") for key in golden.arrays if key.startswith("img0_"))
    with torch.inference_mode():
        # One network for all sizes: equal areas of other aspect must not share masks.
        for name in names:
            check_case(golden, network, name)
    assert golden.left == set()
