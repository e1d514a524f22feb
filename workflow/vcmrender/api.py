"""All that other packages use of the renderer.

Light, because planning imports it: what draws is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vcmrender.catalogue import (
    CAMERA,
    CATEGORIES,
    DETECTION_TEST,
    FLICKERING,
    MOTIONS,
    TEST_SETS,
    TestSequence,
)
from vcmrender.speed import SPEED_FILE, ContentSpeed, davis_speed_file, read_speed, write_speed

if TYPE_CHECKING:
    from vcmrender.actions import render_motion
    from vcmrender.draw import random_scene, render_scene
    from vcmrender.scene import RenderedFrame, SceneSpec
    from vcmrender.videos import write_clip
    from vcmrender.warp import from_speeds, rests_and_bursts

__all__ = [
    "CAMERA",
    "CATEGORIES",
    "DETECTION_TEST",
    "FLICKERING",
    "MOTIONS",
    "SPEED_FILE",
    "TEST_SETS",
    "ContentSpeed",
    "RenderedFrame",
    "SceneSpec",
    "TestSequence",
    "davis_speed_file",
    "from_speeds",
    "random_scene",
    "read_speed",
    "render_motion",
    "render_scene",
    "rests_and_bursts",
    "write_clip",
    "write_speed",
]
_DRAWING = {
    "RenderedFrame": "scene",
    "SceneSpec": "scene",
    "from_speeds": "warp",
    "random_scene": "draw",
    "render_motion": "actions",
    "render_scene": "draw",
    "rests_and_bursts": "warp",
    "write_clip": "videos",
}


def __getattr__(name: str) -> Any:
    if name not in _DRAWING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"vcmrender.{_DRAWING[name]}"), name)
