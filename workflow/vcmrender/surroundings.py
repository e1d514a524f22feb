"""What scenes share: colours of the ground, the sky of a day, masts and bushes along the line."""

from __future__ import annotations

import math

import numpy as np

from vcmrender import scenery as put
from vcmrender.stage import Stage
from vcmrender.textures import Colour, TexturePool

RIGHT, LEFT, AWAY, NEARER = math.pi / 2, -math.pi / 2, 0.0, math.pi

GRASS: Colour = (0.30, 0.34, 0.16)
GRAVEL: Colour = (0.40, 0.37, 0.33)
ASPHALT: Colour = (0.33, 0.33, 0.34)
PAVING: Colour = (0.52, 0.50, 0.47)
RED: Colour = (0.62, 0.10, 0.10)


def span(ends: tuple[float, float]) -> tuple[float, float]:
    """The two ends in ascending order, whichever side of the track they lie on."""
    return min(ends), max(ends)


def either_side(rng: np.random.Generator) -> float:
    """-1 (left) or 1 (right), at random."""
    return 1.0 if rng.random() < 0.5 else -1.0


def day_sky(pool: TexturePool, stage: Stage, clouds: float, skyline: float = 0.12) -> put.Panorama:
    """A sky with so many clouds (0..1) over a skyline so high (share of the picture's height)."""
    return put.Panorama(
        pool,
        stage.camera.start,
        (0.42, 0.58, 0.80),
        (0.80, 0.84, 0.88),
        clouds,
        skyline,
    )


def masts(stage: Stage, x: float, arm: float, first: float, gap: float = 28.0) -> None:
    """Four catenary masts in a row from z = ``first`` on, with ``arm`` metres of cantilever."""
    for index in range(4):
        stage.add(put.mast(stage.pool, x, first + gap * index, arm))


def bushes(stage: Stage, side: float, x: float, count: int, far: tuple[float, float]) -> None:
    """``count`` trees at least ``x`` metres to one side of the track, farthest first."""
    for z in sorted((stage.between(far) for _ in range(count)), reverse=True):
        stage.add(
            put.tree(stage.pool, side * (x + stage.between((0.0, 6.0))), z, stage.between((4, 9)))
        )
