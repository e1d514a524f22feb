"""EMA-VFI as a reconstructor: the paper's choice for the dropped frames.

The network is ``vcmflow.nets.ema_vfi``. Weights: github.com/MCG-NJU/EMA-VFI (Apache-2.0), the
checkpoints for any time step (``ours_t.pkl``, ``ours_small_t.pkl``), see data/weights.csv.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from vcmflow.core.device import autocast, choose_device, choose_precision, set_deterministic
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.nets.ema_vfi.load import load
from vcmflow.nets.ema_vfi.network import EmaVfi
from vcmflow.nets.ema_vfi.strips import Strips

NAME = "ema_vfi"

# Above this many pixels, the flipped copy of test-time augmentation runs by itself, to save memory.
BATCHED_PIXELS = 2_000_000


def padding(height: int, width: int, down_scale: float) -> tuple[int, int, int, int]:
    """Pixels to add at (left, right, top, bottom) so that the network takes the frame.

    Sides become multiples of 32, and of 16 / down_scale where that is more.
    """
    pads = []
    for side in (width, height):
        padded = side + -side % 32
        if padded * down_scale % 16:
            padded = side + -side % max(32, round(16 / down_scale))
        pads += [(padded - side) // 2, padded - side - (padded - side) // 2]
    return (pads[0], pads[1], pads[2], pads[3])


class EmaVfiReconstructor:
    """The network as a reconstructor of uint8 frames."""

    def __init__(
        self, network: EmaVfi, device: str, precision: str, tta: bool, down_scale: float
    ) -> None:
        self._network = network.to(device)
        self._device = device
        self._precision = precision
        self._tta = tta
        self._down_scale = down_scale
        self.parameters = sum(value.numel() for value in network.parameters())

    @torch.inference_mode()
    def interpolate(self, first: Frame, second: Frame, times: Sequence[float]) -> list[Frame]:
        """Frames between two frames; features of the two are computed once for all times.

        Args:
            first, second: uint8 H x W x 3, RGB, of one size; any size.
            times: in (0, 1); k / (g + 1) for frame k of g dropped ones. None of them: no frames.

        Returns:
            One uint8 H x W x 3 RGB frame per time, rounded to the nearest level.

        Raises:
            VcmflowError: frames of different sizes, or a time outside (0, 1).
        """
        if first.shape != second.shape:
            raise VcmflowError(
                f"{NAME}: frames of {first.shape[1]}x{first.shape[0]} and "
                f"{second.shape[1]}x{second.shape[0]}; they must be of one size"
            )
        for time in times:
            if not 0 < time < 1:
                raise VcmflowError(f"{NAME}: time {time}; allowed: above 0 and below 1")
        if len(times) == 0:
            return []
        height, width = first.shape[:2]
        pads = padding(height, width, self._down_scale)
        pair = [self._tensor(frame, pads) for frame in (first, second)]
        results = []
        for picture in self.between(pair[0], pair[1], times):
            inner = picture[0, :, pads[2] : pads[2] + height, pads[0] : pads[0] + width]
            bytes_ = (inner * 255).round().to(torch.uint8).flip(0).permute(1, 2, 0)
            results.append(np.ascontiguousarray(bytes_.cpu().numpy()))
        return results

    @torch.inference_mode()
    def between(self, first: Tensor, second: Tensor, times: Sequence[float]) -> list[Tensor]:
        """The same on padded tensors, (1, 3, H, W), BGR in 0..1, float32 on the device."""
        if not self._tta:
            return self._run(first, second, times)
        flipped = (first.flip(2, 3), second.flip(2, 3))
        if first.shape[2] * first.shape[3] <= BATCHED_PIXELS:
            both = self._run(torch.cat((first, flipped[0])), torch.cat((second, flipped[1])), times)
            return [(x[:1] + x[1:].flip(2, 3)) / 2 for x in both]
        plain = self._run(first, second, times)
        turned = self._run(*flipped, times)
        return [(a + b.flip(2, 3)) / 2 for a, b in zip(plain, turned, strict=True)]

    def _run(self, first: Tensor, second: Tensor, times: Sequence[float]) -> list[Tensor]:
        with autocast(self._device, self._precision):
            results: list[Tensor] = self._network(
                first, second, list(times), self._down_scale, Strips()
            )
        return results

    def _tensor(self, frame: Frame, pads: tuple[int, int, int, int]) -> Tensor:
        # A copy: frames may be read-only or views.
        image = torch.from_numpy(np.array(frame)).to(self._device)
        image = image.permute(2, 0, 1).flip(0)[None].float() / 255
        return F.pad(image, pads, mode="replicate")


def build(
    weights: str | Path | None = None,
    size: Literal["full", "small"] = "full",
    device: str = "auto",
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto",
    tta: Annotated[bool, Field(strict=True)] = False,
    down_scale: float = 1.0,
    threads: int = 1,
) -> EmaVfiReconstructor:
    """Build the reconstructor.

    Args:
        weights: an official checkpoint, or "random" for fixed random values (tests, operation
            counts).
        size: "full" or "small".
        device: "auto", "cpu" or "cuda".
        precision: "fp32", "fp16" or "bf16"; "auto" is fp32 on a CPU and fp16 on a GPU.
        tta: average with the result on frames turned by 180 degrees (twice the time).
        down_scale: estimate motion on frames shrunk by this factor: 1, 0.5 (large frames with
            large motion) or 0.25.
        threads: of the CPU.

    Raises:
        VcmflowError: an option out of range, or weights that are not given, cannot be read or do
            not fit.
    """
    device = choose_device(device)
    chosen = choose_precision(precision, device, NAME, on_gpu="fp16")
    if down_scale not in (1, 0.5, 0.25):
        raise VcmflowError(f"{NAME}: down_scale {down_scale}; allowed: 1, 0.5, 0.25")
    if weights is None:
        raise VcmflowError(
            f"{NAME}: needs its weights; `vcmflow stage weights --name ema_vfi_{size}` says "
            'where to get them ("random" gives random ones, for tests)'
        )
    set_deterministic(threads)
    network = load(size, None if str(weights) == "random" else Path(weights))
    return EmaVfiReconstructor(network, device, chosen, tta, float(down_scale))
