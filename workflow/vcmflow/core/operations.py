"""Counting what networks compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def multiply_accumulates(call: Callable[[], Any]) -> float:
    """Return the multiply-accumulates of convolutions and matrix products that ``call`` makes.

    ``torch.utils.flop_counter`` counts an addition and a multiplication as two; this is half of it.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops()) / 2
