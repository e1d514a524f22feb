"""The true content speed of a rendered sequence, in a file beside its annotations.

``content_speed.json``: sequence, scene, ``flicker`` (whether something changes at random from frame
to frame, so that the scene's clock is not all that moves), and ``seconds``: how much scene time
passes from each frame to the next, n - 1 values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, write_json
from vcmrender.catalogue import FLICKERING

SPEED_FILE = "content_speed.json"  # in the sequence's folder, in OSDaR23's layout


@dataclass(frozen=True)
class ContentSpeed:
    """How fast the content of a sequence moves.

    Attributes:
        sequence: its name.
        scene: its scene.
        flicker: whether something in it changes at random from frame to frame.
        seconds: scene time from each frame to the next, >= 0.
    """

    sequence: str
    scene: str
    flicker: bool
    seconds: tuple[float, ...]


def davis_speed_file(root: Path, name: str) -> Path:
    """The file of a sequence in DAVIS's layout, which has no such folder itself."""
    return root / "ContentSpeed" / "480p" / f"{name}.json"


def write_speed(path: Path, sequence: str, scene: str, times: Sequence[float]) -> None:
    """Write the content speed of a sequence that was rendered at ``times`` of the scene's clock."""
    from vcmrender.warp import content_speed

    value = {
        "sequence": sequence,
        "scene": scene,
        "flicker": scene in FLICKERING,
        "seconds": [round(seconds, 9) for seconds in content_speed(times)],
    }
    write_json(path, value)


def read_speed(path: Path) -> ContentSpeed:
    """Read the content speed of a sequence.

    Raises:
        VcmflowError: the file is missing or something else.
    """
    content: Any = read_json(path)
    try:
        speed = ContentSpeed(
            str(content["sequence"]),
            str(content["scene"]),
            content["flicker"] is True,
            tuple(float(value) for value in content["seconds"]),
        )
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(
            f"{path}: not a content speed (sequence, scene, flicker, seconds: numbers)"
        ) from None
    if not all(0 <= value < math.inf for value in speed.seconds):
        raise VcmflowError(f"{path}: seconds must be 0 or more")
    return speed
