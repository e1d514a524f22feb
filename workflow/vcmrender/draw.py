"""Rendering in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vcmrender import warp
from vcmrender.catalogue import DETECTION_TEST, SEGMENTATION_TEST
from vcmrender.characters import CHARACTERS, build
from vcmrender.scene import RenderedFrame, SceneSpec, render_world
from vcmrender.textures import Half

FAMILIES: dict[str, tuple[str, ...]] = {
    "detection": tuple(dict.fromkeys(sequence.scene for sequence in DETECTION_TEST)),
    "segmentation": tuple(dict.fromkeys(sequence.scene for sequence in SEGMENTATION_TEST)),
}
# Kinds that no test sequence has.
FAMILIES["videos"] = tuple(
    name for name in CHARACTERS if name not in FAMILIES["detection"] + FAMILIES["segmentation"]
)


def render_scene(spec: SceneSpec, rng: np.random.Generator) -> list[RenderedFrame]:
    """Render a scene: one ``RenderedFrame`` (picture, visible objects) per entry of ``spec.times``.

    The same ``spec`` and generator state give the same bytes. Everything random about the scene
    (textures, people, places, noise) comes from ``rng``; everything about time from ``spec.times``.
    """
    return list(render_world(build(spec, rng), spec, rng))


def random_scene(
    rng: np.random.Generator,
    width: int = 416,
    height: int = 240,
    frames: int = 4,
    mean_step: float = 0.12,
    family: str | Sequence[str] = "detection",
    half: Half = "right",
    warped: bool = True,
) -> SceneSpec:
    """A random scene of a family, ready for ``render_scene``.

    Args:
        rng: source of all choices.
        width, height: picture size in pixels.
        frames: number of frames.
        mean_step: mean scene time between two frames, seconds.
        family: "detection" (the nine railway scenes), "segmentation" (the closer ones), "videos"
            (those of no test set), or a list of characters.
        half: "right" for training; "left" belongs to the test sets.
        warped: rests and bursts; else even steps.
    """
    choices = FAMILIES[family] if isinstance(family, str) else tuple(family)
    character = choices[int(rng.integers(len(choices)))]
    times = (
        warp.rests_and_bursts(rng, frames, mean_step) if warped else warp.even(frames, mean_step)
    )
    return SceneSpec(character, width, height, times, half)
