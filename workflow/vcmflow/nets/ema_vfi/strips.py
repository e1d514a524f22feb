"""Convolutions of large maps strip by strip: the same result in a bounded amount of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor


def rows_of(*parts: Tensor) -> Callable[[int, int], Tensor]:
    """Rows of several (B, C, H, W) maps, concatenated along the channels."""

    def rows(low: int, high: int) -> Tensor:
        return torch.cat([part[:, :, low:high] for part in parts], 1)

    return rows


@dataclass(frozen=True)
class Strips:
    """Runs local operations on horizontal strips with enough rows around them.

    Attributes:
        values: a strip's input has about this many values at most. A map below that is run whole.
    """

    values: int = 1 << 26

    def run(
        self,
        layer: Callable[[Tensor], Tensor],
        rows: Callable[[int, int], Tensor],
        shape: tuple[int, ...],
        halo: int,
        scale: Fraction | int = 1,
        dim: int = 2,
    ) -> Tensor:
        """Apply ``layer`` to a map whose rows ``rows(low, high)`` makes on demand.

        Args:
            layer: an operation that sees at most ``halo`` input rows beyond those of its output.
            rows: makes the input's rows low..high-1, for all columns.
            shape: of the whole input.
            halo: an even number where ``scale`` < 1, so that strides stay aligned.
            scale: rows of the output per row of the input.
            dim: the dimension of the rows, in input and output.

        Returns:
            What ``layer(rows(0, height))`` would be, up to float rounding.
        """
        height = shape[dim]
        count = 1
        for size in shape:
            count *= size
        # Multiples of 8 keep every stride used here aligned.
        step = max(8, self.values * height // count // 8 * 8)
        if step >= height:
            return layer(rows(0, height))
        result: Tensor | None = None
        for start in range(0, height, step):
            stop = min(start + step, height)
            low, high = max(0, start - halo), min(height, stop + halo)
            part = layer(rows(low, high))
            part = part.narrow(dim, int((start - low) * scale), int((stop - start) * scale))
            if result is None:
                whole = list(part.shape)
                whole[dim] = int(height * scale)
                result = part.new_empty(whole)
            result.narrow(dim, int(start * scale), part.shape[dim]).copy_(part)
        if result is None:
            raise ValueError("a map without rows")
        return result
