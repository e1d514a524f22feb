"""Fire and smoke that flicker at random, from frame to frame, whatever the scene's clock does."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vcmrender.surface import Surface
from vcmrender.textures import Colour, Float, TexturePool, to_bytes


@dataclass(frozen=True)
class Blaze:
    """One fire.

    Attributes:
        position: middle of its foot, world metres.
        width, height: size of the flames, metres.
        smoke: height of the smoke above it in metres, 0 for none.
    """

    position: tuple[float, float, float]
    width: float
    height: float
    smoke: float = 0.0


class Flicker:
    """All fires of a scene; every call of ``frame`` draws new flames.

    Args:
        strength: deviation of the light's brightness from frame to frame, 0..1.
    """

    def __init__(self, pool: TexturePool, blazes: tuple[Blaze, ...], strength: float) -> None:
        self.pool = pool
        self.blazes = blazes
        self.strength = strength

    def frame(self) -> tuple[list[Surface], Colour]:
        """The flames and smoke of one frame, and the factor on the picture's channels."""
        rng = self.pool.rng
        surfaces = []
        for blaze in self.blazes:
            if blaze.smoke > 0:
                surfaces.append(self._smoke(blaze))
            surfaces.append(self._glow(blaze))
            surfaces.append(self._flames(blaze))
        warm = float(np.clip(1.0 + self.strength * rng.standard_normal(), 0.55, 1.6))
        cold = 1.0 + 0.35 * (warm - 1.0)
        return surfaces, (warm, 0.5 * (warm + cold), cold)

    def _flames(self, blaze: Blaze) -> Surface:
        rng = self.pool.rng
        rows, columns = 96, 72
        y = np.linspace(1, 0, rows)[:, None]
        lick = self.pool.noise(rows * 2, columns, 1.6, 1.4)
        lick = cv2.resize(lick, (columns, rows)) + 0.5 * self.pool.noise(rows, columns, 1.0)
        tall = float(rng.uniform(0.6, 1.05))
        lean = float(rng.uniform(-0.25, 0.25))
        x = np.linspace(-1, 1, columns)[None, :] - lean * y
        body = 1.1 * (1 - (y / tall)) - np.abs(x) * (0.55 + 0.8 * y) + 0.33 * lick * (0.3 + y)
        heat = np.clip(body * 1.7, 0, 1)
        colour: Float = np.dstack(
            [
                np.clip(0.75 + heat, 0, 1),
                np.clip(heat * 1.25 - 0.12, 0, 1),
                np.clip(heat * 1.5 - 0.85, 0, 0.85),
            ]
        ).astype(np.float32)
        alpha = np.clip(body * 3.0, 0, 1) * 0.95
        px, py, pz = blaze.position
        return Surface(
            (px - blaze.width / 2, py + blaze.height, pz),
            (blaze.width, 0.0, 0.0),
            (0.0, -blaze.height, 0.0),
            np.dstack([to_bytes(colour), to_bytes(alpha)]),
            occluder=True,
            glow=True,
            levels=4,
        )

    def _glow(self, blaze: Blaze) -> Surface:
        """The lit air and ground around a fire."""
        axis = np.linspace(-1, 1, 48)
        distance = np.hypot(axis[None, :], axis[:, None])
        strength = float(self.pool.rng.uniform(0.25, 0.6))
        alpha = strength * np.clip(1 - distance, 0, 1) ** 2
        colour = np.broadcast_to(np.array([1.0, 0.55, 0.18]), (48, 48, 3))
        px, py, pz = blaze.position
        size = 2.2 * blaze.height
        return Surface(
            (px - size, py + blaze.height * 0.4 + size, pz + 0.05),
            (2 * size, 0.0, 0.0),
            (0.0, -2 * size, 0.0),
            np.dstack([to_bytes(colour), to_bytes(alpha)]),
            occluder=True,
            glow=True,
            levels=3,
        )

    def _smoke(self, blaze: Blaze) -> Surface:
        rng = self.pool.rng
        rows, columns = 80, 64
        y = np.linspace(1, 0, rows)[:, None]
        billow = self.pool.noise(rows, columns, 1.6)
        x = np.linspace(-1, 1, columns)[None, :] - float(rng.uniform(-0.2, 0.3)) * y
        density = np.clip(0.75 - np.abs(x) * (1.5 - 0.8 * y) + 0.35 * billow, 0, 1)
        density *= np.clip(2.2 * (1 - y), 0, 1) * 0.75
        grey = np.clip(0.22 + 0.07 * self.pool.noise(rows, columns, 1.0), 0, 1)
        glow = np.clip(0.5 - 1.4 * y, 0, 0.5)
        colour = np.dstack([grey + glow * 0.5, grey + glow * 0.2, grey]).astype(np.float32)
        px, py, pz = blaze.position
        width = blaze.width * 2.6
        return Surface(
            (px - width / 2, py + blaze.height * 0.5 + blaze.smoke, pz + 0.1),
            (width, 0.0, 0.0),
            (0.0, -blaze.smoke, 0.0),
            np.dstack([to_bytes(colour), to_bytes(density)]),
            occluder=True,
            levels=4,
        )
