"""The hands that set up a scene: put people, bicycles and cars where the camera sees them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from vcmrender.bicycle import Bicycle
from vcmrender.camera import Camera, CameraPath
from vcmrender.car import Car
from vcmrender.lighting import Light
from vcmrender.person import Person
from vcmrender.sprite import Actor
from vcmrender.surface import Haze, Surface
from vcmrender.textures import Colour, TexturePool, mix

Range = tuple[float, float]


@dataclass
class Stage:
    """A scene while it is being set up.

    Attributes:
        pool, rng: material and choices.
        camera: the camera at scene time 0.
        light: the light, chosen before anything is put on.
    """

    pool: TexturePool
    rng: np.random.Generator
    camera: CameraPath
    light: Light
    surfaces: list[Surface] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)

    def between(self, limits: Range) -> float:
        """A uniform random number between the two limits, in either order."""
        return float(self.rng.uniform(min(limits), max(limits)))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def add(self, *parts: Surface | Iterable[Surface]) -> None:
        """Put up scenery."""
        for part in parts:
            if isinstance(part, Surface):
                self.surfaces.append(part)
            else:
                self.surfaces.extend(part)

    def x_at(self, column: float, z: float) -> float:
        """World x of what appears at picture column ``column`` (0 left .. 1 right) at depth z."""
        start = self.camera.start
        angle = start.yaw + math.atan((column - 0.5) * start.width / start.focal)
        return start.position[0] + (z - start.position[2]) * math.tan(angle)

    def person(
        self,
        column: Range,
        z: Range,
        walk: Range = (0.0, 0.0),
        direction: float | None = None,
        y: float = 0.0,
        worker: bool = False,
        x: Range | None = None,
        heading: float | None = None,
    ) -> None:
        """Somebody on foot.

        Args:
            column: where in the picture at scene time 0, shares of its width.
            z: how far away at scene time 0, metres.
            walk: walking speed, m/s; the sign is drawn when ``direction`` is None.
            direction: heading of the walk, radians (0 away from the camera, pi/2 to the right).
            y: height of the floor.
            x: world x instead of ``column``.
            heading: where a standing person faces.
        """
        far = self.between(z)
        side = self.between(x) if x is not None else self.x_at(self.between(column), far)
        speed = self.between(walk)
        if direction is None:
            direction = float(self.rng.choice([0.0, math.pi / 2, -math.pi / 2, math.pi]))
            direction += self.between((-0.35, 0.35))
        velocity = (speed * math.sin(direction), 0.0, speed * math.cos(direction))
        self.actors.append(
            Person(self.pool, self.rng, self.light, (side, y, far), velocity, heading, worker)
        )

    def bicycle(
        self,
        column: Range,
        z: Range,
        ride: Range = (0.0, 0.0),
        direction: float = math.pi / 2,
        y: float = 0.0,
        rider: str | None = None,
        x: Range | None = None,
        heading: float | None = None,
    ) -> None:
        """A bicycle; ridden when it moves, parked when ``ride`` is 0, unless ``rider`` says so."""
        far = self.between(z)
        side = self.between(x) if x is not None else self.x_at(self.between(column), far)
        speed = self.between(ride)
        velocity = (speed * math.sin(direction), 0.0, speed * math.cos(direction))
        if rider is None:
            rider = "ride" if speed > 1.8 else "push" if speed > 0.05 else "none"
        self.actors.append(
            Bicycle(self.pool, self.rng, self.light, (side, y, far), velocity, heading, rider)
        )

    def car(
        self,
        column: Range,
        z: Range,
        drive: Range = (0.0, 0.0),
        direction: float = math.pi / 2,
        y: float = 0.0,
        x: Range | None = None,
        heading: float | None = None,
    ) -> None:
        """A car; parked when ``drive`` is 0."""
        far = self.between(z)
        side = self.between(x) if x is not None else self.x_at(self.between(column), far)
        speed = self.between(drive)
        velocity = (speed * math.sin(direction), 0.0, speed * math.cos(direction))
        self.actors.append(Car(self.pool, self.rng, self.light, (side, y, far), velocity, heading))


def look(
    rng: np.random.Generator,
    width: int,
    height: int,
    focal: Range = (1.05, 1.3),
    camera_height: Range = (2.3, 3.0),
    pitch: Range = (0.0, 0.06),
    yaw: Range = (-0.04, 0.04),
    forward: Range = (0.0, 0.0),
    pan: Range = (0.0, 0.0),
    tremble: float = 0.0,
    x: float = 0.0,
) -> CameraPath:
    """A random camera; ``focal`` in picture widths, ``forward`` in m/s, ``pan`` in radians/s."""
    sign = 1.0 if rng.random() < 0.5 else -1.0
    start = Camera(
        width,
        height,
        float(rng.uniform(*focal)) * width,
        (x, float(rng.uniform(*camera_height)), 0.0),
        float(rng.uniform(*yaw)),
        float(rng.uniform(*pitch)),
        float(rng.normal(0.0, 0.006)),
    )
    return CameraPath(
        start,
        (0.0, 0.0, float(rng.uniform(*forward))),
        sign * float(rng.uniform(*pan)),
        tremble,
        float(rng.uniform(0, 6.28)),
    )


_WARM: Colour = (1.06, 1.0, 0.9)
_COLD: Colour = (0.94, 1.0, 1.07)


def daylight(rng: np.random.Generator, sunny: float = 0.5) -> Light:
    """Light of a day between overcast (``sunny`` 0) and clear (1)."""
    bright = float(np.clip(sunny + rng.uniform(-0.25, 0.25), 0.0, 1.0))
    azimuth = float(rng.uniform(-2.4, 2.4))
    up = float(rng.uniform(0.45, 0.8))
    flat = math.sqrt(1 - up**2)
    tint = mix(_COLD, _WARM, float(rng.uniform(0.15, 0.85)))
    exposure = float(rng.uniform(0.88, 1.1))
    gain = (tint[0] * exposure, tint[1] * exposure, tint[2] * exposure)
    return Light(
        (flat * math.sin(azimuth), up, -flat * math.cos(azimuth)),
        0.25 + 0.75 * bright,
        0.3 + 0.35 * bright,
        Haze((0.74, 0.77, 0.8), float(rng.uniform(140, 420))),
        gain,
        float(rng.uniform(0.9, 1.15)),
        float(rng.uniform(1.2, 2.4)),
        float(rng.uniform(0.05, 0.25)),
        float(rng.uniform(0.35, 0.6)),
    )


def dusk(rng: np.random.Generator) -> Light:
    """Little light: dark, bluish, noisy."""
    dim = float(rng.uniform(0.66, 0.85))
    return Light(
        (0.3, 0.6, -0.74),
        0.3,
        0.35,
        Haze((0.30, 0.32, 0.38), float(rng.uniform(70, 140))),
        (0.95 * dim, dim, 1.12 * dim),
        float(rng.uniform(0.95, 1.1)),
        float(rng.uniform(2.4, 4.0)),
        float(rng.uniform(0.2, 0.4)),
        0.6,
    )


def underground(rng: np.random.Generator) -> Light:
    """A tunnel: dark air, artificial light, much noise."""
    dim = float(rng.uniform(1.0, 1.3))
    return Light(
        (0.0, 0.95, -0.3),
        0.45,
        0.25,
        Haze((0.05, 0.05, 0.06), float(rng.uniform(60, 110))),
        (1.05 * dim, dim, 0.86 * dim),
        float(rng.uniform(1.0, 1.2)),
        float(rng.uniform(2.4, 3.6)),
        float(rng.uniform(0.3, 0.5)),
        0.6,
    )
