"""Importance maps are checked where they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vcmflow.core.arrays import read_importance
from vcmflow.core.errors import VcmflowError


def importance(**changes: Any) -> Any:
    """Two frames of 3 x 4 blocks, the mean of each 1, changed at (1, 0, 0)."""
    maps = np.ones((2, 3, 4), np.float32)
    maps[0, 0, :2] = (2, 0)
    for value in changes.values():
        maps[1, 0, 0] = value
    return maps


def test_what_is_written_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "i.npy", importance())
    np.testing.assert_array_equal(read_importance(tmp_path / "i.npy"), importance())


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (importance(one=np.nan), "frame 1 has an importance that is negative or not finite"),
        (importance(one=np.inf), "frame 1 has an importance that is negative or not finite"),
        (importance(one=-0.5), "frame 1 has an importance that is negative or not finite"),
        (importance(one=7), "the mean of frame 1 is 1.5; wanted: 1"),
        (importance().astype(np.float64), "not an array of float32"),
        (importance()[0], "frames x rows x columns of blocks"),
        (importance()[:0], "frames x rows x columns of blocks"),
        (np.array([{}]), "not an .npy file"),
    ],
)
def test_what_is_no_importance_is_refused(tmp_path: Path, maps: Any, message: str) -> None:
    np.save(tmp_path / "i.npy", maps)
    with pytest.raises(VcmflowError, match=message):
        read_importance(tmp_path / "i.npy")


def test_a_missing_map_is_named(tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match=r"gone\.npy: no such file"):
        read_importance(tmp_path / "gone.npy")
