"""What planning finds of a machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vcmflow.core.machine import local_gpus, processors


@pytest.mark.parametrize(
    ("visible", "count"),
    [(None, 3), ("0,2", 2), ("1", 1), ("", 0), ("-1", 0), ("0,-1,1", 1), ("0,1,2,3,4", 3)],
)
def test_gpus_are_those_of_the_driver_that_cuda_may_see(
    tmp_path: Path, visible: str | None, count: int
) -> None:
    for name in ("0000:01:00.0", "0000:02:00.0", "0000:41:00.0"):
        (tmp_path / name).mkdir()
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert local_gpus(environment, tmp_path) == count


def test_without_the_driver_there_are_none(tmp_path: Path) -> None:
    assert local_gpus({}, tmp_path / "none") == 0
    assert local_gpus({"CUDA_VISIBLE_DEVICES": "0"}, tmp_path / "none") == 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="not on this system")
def test_processors_are_those_that_may_be_used() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert processors() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert processors() == len(allowed)
