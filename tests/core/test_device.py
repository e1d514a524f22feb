"""A run has the threads it asks for, and leaves nothing to chance or timing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch

from vcmflow.core.device import set_deterministic
from vcmflow.core.models import load_model
from vcmflow.reconstruct.ema_vfi import build
from vcmflow.task.registry import DETECTORS

SWITCHES = [
    (torch.backends.cudnn, "benchmark", False),
    (torch.backends.cudnn, "deterministic", True),
    (torch.backends.cuda.matmul, "allow_tf32", False),
    (torch.backends.cudnn, "allow_tf32", False),
]


@pytest.fixture(autouse=True)
def _everything_the_other_way() -> Iterator[None]:
    threads, before = torch.get_num_threads(), [getattr(part, key) for part, key, _ in SWITCHES]
    torch.set_num_threads(2)
    for part, key, wanted in SWITCHES:
        setattr(part, key, not wanted)
    yield
    torch.set_num_threads(threads)
    for (part, key, _), value in zip(SWITCHES, before, strict=True):
        setattr(part, key, value)


@pytest.mark.parametrize(
    "start",
    [
        set_deterministic,
        partial(load_model, DETECTORS, "detector", "faster_rcnn_mini", None, "cpu"),
        lambda threads: build("random", size="small", device="cpu", threads=threads),
    ],
)
def test_a_run_is_deterministic_on_as_many_threads_as_it_asks_for(
    start: Callable[[int], object],
) -> None:
    start(3)
    assert torch.get_num_threads() == 3
    for part, key, wanted in SWITCHES:
        assert getattr(part, key) is wanted, key
