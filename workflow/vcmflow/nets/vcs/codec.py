"""All networks of a trained codec, and the file that holds them with their tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.factorised import Factorised, Tables, tables_of
from vcmflow.nets.vcs.config import STRIDE, Config
from vcmflow.nets.vcs.lfn import Lfn
from vcmflow.nets.vcs.sem_enc import CODE, SemEnc
from vcmflow.nets.weights import read_weights, write_weights

NAME = "vcs"
LIMIT = 32767  # magnitude of a code

_SCALE = 2.0  # half-width of the code's densities before training; the code's own is about 1
_COUNTS, _LOWEST = "tables.counts", "tables.lowest"


class Vcs(nn.Module):
    """Semantic encoder, density of its code, and fusion network.

    Args:
        config: sizes and variants.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.sem_enc = SemEnc(config)
        self.prior = Factorised(config.channels(CODE), scale=_SCALE)
        self.lfn = Lfn(config)

    def forward(
        self, frames: Tensor, decoded: Tensor, *, rated: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Training on whole clips (B, 3, T, H, W) in 0..1: what comes out, and bits per clip (B,).

        Rounding is replaced by noise (Ballé et al., 2018). Without ``rated`` the bits teach the
        density alone, and the encoder nothing.
        """
        code = self.sem_enc(frames, decoded)
        noisy = code + torch.empty_like(code).uniform_(-0.5, 0.5)
        bits = self.prior.bits(noisy if rated else noisy.detach())
        return self.lfn(decoded, noisy), bits.flatten(1).sum(dim=1)


def rounded(code: Tensor) -> Tensor:
    """The code that is sent."""
    return code.round().clamp(-LIMIT, LIMIT)


def padded(frames: Tensor) -> Tensor:
    """Frames (..., H, W) with their last row and column repeated, up to multiples of 32."""
    height, width = frames.shape[-2:]
    margins = (0, -width % STRIDE, 0, -height % STRIDE)
    flat = F.pad(frames.flatten(0, -4), margins, mode="replicate")
    return flat.reshape(*frames.shape[:-2], *flat.shape[-2:])


def save_codec(path: Path, network: Vcs, notes: Mapping[str, Any]) -> None:
    """Write weights in half precision, and the tables of the density that these halves are.

    Statistics of features are kept whole: they may be larger than a half can be.

    Args:
        path: the ``.safetensors`` to write.
        network: trained.
        notes: what made it, kept in the header.
    """
    state = {
        name: value if ".running_" in name else value.half()
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    prior = Factorised(len(network.prior.biases[0]))
    prior.load_state_dict({name: value.float() for name, value in _prior(state).items()})
    tables = tables_of(prior)
    state[_COUNTS] = torch.from_numpy(tables.counts)
    state[_LOWEST] = torch.from_numpy(tables.lowest)
    write_weights(
        path, state, {"model": NAME, "config": asdict(network.config), "notes": dict(notes)}
    )


def _prior(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix("prior."): v for k, v in state.items() if k.startswith("prior.")}


def load_codec(path: Path) -> tuple[Vcs, Tables]:
    """Read what :func:`save_codec` wrote: the network in evaluation mode, and its tables.

    Raises:
        VcmflowError: the file is missing, damaged or of another model.
    """
    state, header = read_weights(path)
    if header.get("model") != NAME:
        raise VcmflowError(f"{path}: weights of {header.get('model', 'an unknown model')}, not vcs")
    try:
        network = Vcs(Config(**header["config"]))
        counts, lowest = state.pop(_COUNTS).numpy(), state.pop(_LOWEST).numpy()
        tables = Tables(lowest.astype(np.int32), counts.astype(np.int32))
        if not all(bool(torch.isfinite(value).all()) for value in state.values()):
            raise VcmflowError("values that are not finite")
        network.load_state_dict({name: value.float() for name, value in state.items()})
        if len(tables.lowest) != len(network.prior.biases[0]):
            raise VcmflowError("tables of another number of channels")
    except (KeyError, TypeError, RuntimeError, VcmflowError) as error:
        reason = " ".join(str(error).split())[:200]
        raise VcmflowError(f"{path}: damaged weights of vcs ({reason})") from None
    return network.eval(), tables
