"""Reference outputs of the official networks: weights made by rule, arrays to compare with."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

SHARED = Path(__file__).parents[3] / "shared"


def fill(
    name: str, shape: tuple[int, ...], overrides: list[dict[str, Any]], transposed: list[str]
) -> Tensor:
    """A tensor that depends on its name and shape alone."""
    x = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith("running_var"):
        w = 0.5 + 0.5 * np.abs(x)
    elif name.endswith(("running_mean", "bias")):
        w = 0.05 * x
    elif len(shape) == 1:
        w = 1 + 0.05 * x
    else:
        fan_in = shape[0] * np.prod(shape[2:]) if name in transposed else np.prod(shape[1:])
        w = x * np.sqrt(1.5 / fan_in)
    chosen = [
        rule
        for rule in overrides
        if re.fullmatch(rule["pattern"], name) and len(shape) >= rule.get("min_ndim", 0)
    ]
    if chosen:
        rule = chosen[-1]
        w = rule["abs_mul"] * np.abs(x) if "abs_mul" in rule else w
        w = w * rule.get("mul", 1.0) + rule.get("add", 0.0)
    return torch.from_numpy(np.asarray(w, np.float32))


class Golden:
    """One network's reference: its weights, and which arrays have been compared so far."""

    def __init__(self, folder: str) -> None:
        path = SHARED / "golden" / folder
        if not path.is_dir():
            pytest.skip(f"reference outputs ../shared/golden/{folder} are not here")
        self.manifest = json.loads((path / "manifest.json").read_text("utf-8"))
        with np.load(path / "arrays.npz") as arrays:
            self.arrays: dict[str, npt.NDArray[Any]] = dict(arrays)
        self.left = set(self.arrays)

    def state(self, network: str = "") -> dict[str, Tensor]:
        """The official state dict, filled by the published rule and checked against it.

        Args:
            network: ending of the manifest's keys, where it describes several.
        """
        rule = self.manifest["fill"]
        state: dict[str, Tensor] = {}
        keys = "conv_transpose_keys", f"conv_transpose_keys{network}"
        transposed = next(rule[key] for key in reversed(keys) if key in rule)
        described = f"state_dict{network}" if network else "state_dict"
        for name, shape, _ in self.manifest[described]:
            if name in rule["not_filled"]:
                state[name] = torch.zeros(shape, dtype=torch.int64)
            else:
                state[name] = fill(name, tuple(shape), rule["overrides"], transposed)
        checks = rule.get(f"fill_check{network}", rule["fill_check"])
        for name, expected in checks.get("fill_offset 0", checks).items():
            assert state[name].flatten()[:3].tolist() == pytest.approx(expected["first3"])
            assert float(state[name].double().abs().sum()) == pytest.approx(expected["abs_sum"])
        return state

    def array(self, name: str) -> npt.NDArray[Any]:
        """An input, which counts as used."""
        self.left.discard(name)
        return self.arrays[name]

    def check(self, name: str, value: Any, atol: float | None = None, rtol: float = 0.0) -> None:
        """Compare with an array; without a tolerance, integers exactly and others as suggested."""
        expected = self.array(name)
        actual = value.numpy() if isinstance(value, Tensor) else np.asarray(value)
        assert actual.shape == expected.shape, name
        if atol is None and not np.issubdtype(expected.dtype, np.floating):
            np.testing.assert_array_equal(actual, expected, err_msg=name)
            return
        if atol is None:
            atol = self.manifest["outputs"][name]["suggested_atol"]
        difference = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
        worst = float((difference - rtol * np.abs(expected)).max(initial=0.0))
        assert worst <= atol, f"{name}: off by {float(difference.max())}"

    def check_stats(self, name: str, value: Tensor) -> None:
        """Compare a complete tensor with its recorded statistics."""
        expected: Mapping[str, Any] = self.manifest["stats"][name]
        assert list(value.shape) == expected["shape"], name
        value = value.double()
        scale = max(abs(expected["min"]), abs(expected["max"]))
        for key, actual in (
            ("mean", value.mean()),
            ("std", value.std(correction=0)),
            ("min", value.min()),
            ("max", value.max()),
        ):
            assert float(actual) == pytest.approx(expected[key], abs=1e-4 * scale), (name, key)
        assert float(value.abs().sum()) == pytest.approx(expected["abs_sum"], rel=1e-4), name
