"""Where the true content speed of rendered sequences lies. Light, so that planning can use it."""

from __future__ import annotations

from pathlib import Path

SPEED_FILE = "content_speed.json"


def davis_speed_file(root: Path, name: str) -> Path:
    """The file of a sequence in DAVIS's layout, which has no such folder itself."""
    return root / "ContentSpeed" / "480p" / f"{name}.json"
