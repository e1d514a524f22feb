"""EMA-VFI with the official weights (github.com/MCG-NJU/EMA-VFI, Apache-2.0)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.checkpoint import build
from vcmflow.nets.ema_vfi.config import CONFIGS
from vcmflow.nets.ema_vfi.network import EmaVfi

PREFIX = "module."


def load(size: str, weights: Path | None) -> EmaVfi:
    """Build the ``full`` or the ``small`` network, in evaluation mode on the CPU.

    Args:
        size: one of :data:`vcmflow.nets.ema_vfi.config.CONFIGS`.
        weights: an official file (``ours_t.pkl``, ``ours_small_t.pkl``), or None for fixed random
            weights.

    Raises:
        VcmflowError: no such size; the file cannot be read or is not one of this network.
    """
    if size not in CONFIGS:
        raise VcmflowError(f"EMA-VFI size {size!r}; allowed: {', '.join(CONFIGS)}")
    return build(lambda: EmaVfi(CONFIGS[size]), weights, f"EMA-VFI ({size})", _own_names)


def _own_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo what distributed training and the mask cache leave in the official files."""
    if any(PREFIX in key for key in state):
        state = {key.replace(PREFIX, ""): v for key, v in state.items() if PREFIX in key}
    return {key: v for key, v in state.items() if "attn_mask" not in key and "HW" not in key}
