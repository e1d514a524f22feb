"""YOLACT++ with the official weights (github.com/dbolya/yolact, MIT)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vcmflow.nets.checkpoint import build
from vcmflow.nets.yolact.config import CONFIGS
from vcmflow.nets.yolact.network import Yolact

# Older files hold the backbone's stages a second time, and strided layers that the network lacks.
IGNORED = re.compile(r"backbone\.layer\d|fpn\.downsample_layers\.([2-9]|\d\d)")


def load(name: str, weights: Path | None) -> Yolact:
    """Build ``yolact_plus_resnet50`` or ``yolact_plus_base``, in evaluation mode on the CPU.

    Args:
        name: one of :data:`vcmflow.nets.yolact.config.CONFIGS`.
        weights: an official ``.pth`` file, or None for fixed random weights.

    Raises:
        VcmflowError: the file cannot be read or is not one of this network.
    """
    return build(lambda: Yolact(CONFIGS[name]), weights, name, _own_names)


def _own_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if not IGNORED.match(key)}
