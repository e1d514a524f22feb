"""A trained FST: features of one space in, those of another out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import Features
from vcmflow.nets.fuse import fold_batch_norms
from vcmflow.nets.spaces import SPACES, checked
from vcmflow.nets.transvfc.fst import FeatureSpaceTransfer
from vcmflow.nets.weights import load_halves, read_weights, save_halves

NAME = "fst"
_WIDEST = 1024  # channels inside; a file that says more is damaged


@dataclass(frozen=True)
class Transfer:
    """An FST between two spaces of ``vcmflow.nets.spaces``.

    Attributes:
        source, target: names of the spaces.
        network: on its device, in evaluation mode.
    """

    source: str
    target: str
    network: FeatureSpaceTransfer

    def run(self, features: Iterable[Features]) -> Iterator[Features]:
        """Yield the features of one frame after the other in the target's space.

        What shows the frame is cut out, and resized to what the target has of such a frame; where
        the target has padding, the last row and column are repeated.

        Args:
            features: of each frame, ``source`` -> float32 (C, h, w), and ``size``.

        Raises:
            VcmflowError: features of something else.
        """
        for number, given in enumerate(features):
            maps, height, width = checked(given, self.source, f"frame {number}")
            x = self._run(torch.from_numpy(np.array(maps, np.float32))[None])
            rows, columns = SPACES[self.source].shown(height, width)
            wanted = SPACES[self.target].shown(height, width)
            x = x[..., :rows, :columns]
            if (rows, columns) != wanted:
                x = F.interpolate(x, wanted, mode="bilinear", align_corners=False)
            x = _padded(x, SPACES[self.target].step)
            yield {self.target: x[0].cpu().numpy(), "size": given["size"]}

    @torch.inference_mode()
    def _run(self, x: Tensor) -> Tensor:
        x = _padded(x.to(next(self.network.parameters()).device), 4)
        transferred: Tensor = self.network(x.contiguous(memory_format=torch.channels_last))[0]
        return transferred


def _padded(x: Tensor, step: int) -> Tensor:
    """With sides up to multiples of ``step``, by repeating the last row and column."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % step, 0, -height % step), mode="replicate")


def save(path: Path, network: FeatureSpaceTransfer, notes: Mapping[str, Any]) -> None:
    """Write an FST in half precision.

    Args:
        path: the ``.safetensors`` to write.
        network: it.
        notes: ``source`` and ``target``, its spaces; ``inner``, its width; and what else made it.
    """
    save_halves(path, network, NAME, notes)


def load(path: Path, device: str) -> Transfer:
    """Read what :func:`save` wrote.

    Raises:
        VcmflowError: the file is missing, damaged, or of something else.
    """
    notes = read_weights(path)[1].get("notes")
    named = notes if isinstance(notes, dict) else {}
    source, target = (str(named.get(key)) for key in ("source", "target"))
    inner = named.get("inner")
    known = source in SPACES and target in SPACES
    if not known or type(inner) is not int or not 1 <= inner <= _WIDEST:
        raise VcmflowError(f"{path}: not the weights of an FST between known feature spaces")
    network = FeatureSpaceTransfer(SPACES[source].channels, SPACES[target].channels, inner)
    load_halves(path, network, NAME)
    folded = fold_batch_norms(network).to(device).to(memory_format=torch.channels_last)
    return Transfer(source, target, folded)
