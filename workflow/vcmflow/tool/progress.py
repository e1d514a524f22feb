"""How far a command is, on one line of a terminal; nothing where there is none."""

from __future__ import annotations

import sys
import time

_WIDTH = 24
_EVERY = 0.2  # seconds


class Bar:
    """A progress bar on standard error.

    Args:
        total: frames; None where they are not known beforehand.
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._start = self._last = time.perf_counter()
        self._shown = False

    def __call__(self, frames: int, seconds: float) -> None:
        """Say that so many frames, so many seconds of video are done."""
        now = time.perf_counter()
        if not sys.stderr.isatty() or now - self._last < _EVERY:
            return
        self._last, self._shown = now, True
        passed = now - self._start
        words = f"{frames} frames, {frames / passed:.1f}/s, {seconds / passed:.2f} x real time"
        if self._total:
            share = min(1.0, frames / self._total)
            left = (self._total - frames) * passed / frames
            bar = "#" * round(share * _WIDTH)
            words = f"[{bar:<{_WIDTH}}] {share:4.0%}  {words}, {max(0.0, left):.0f} s left"
        print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Clear the line."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
