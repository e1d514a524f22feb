"""For all tests: real material where it is there, and no limits of time.

How long an example of Hypothesis takes is the machine's affair.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Workers side by side that all use every processor wait for each other, spinning.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a shell runs in the background ignores interrupts, and so does all that it starts; tests send
# some.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).parents[1].parent / "shared" / "real"


@pytest.fixture
def real() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the shared real material is not at {SHARED.name} beside the checkout")
    return SHARED
