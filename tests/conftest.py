"""Real material that some tests read where it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[1].parent / "shared" / "real"


@pytest.fixture
def real() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the shared real material is not at {SHARED.name} beside the checkout")
    return SHARED
