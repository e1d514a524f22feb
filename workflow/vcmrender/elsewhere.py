"""Scenes far from railways, for unlabelled training clips: no test set has one of these kinds."""

from __future__ import annotations

import numpy as np

from vcmrender import scenery as put
from vcmrender.camera import CameraPath
from vcmrender.lighting import Light
from vcmrender.scene import World
from vcmrender.stage import Range, Stage, daylight, dusk, look, underground
from vcmrender.surface import Surface
from vcmrender.surroundings import (
    ASPHALT,
    AWAY,
    GRASS,
    LEFT,
    NEARER,
    PAVING,
    RIGHT,
    bushes,
    day_sky,
    either_side,
    span,
)
from vcmrender.textures import Colour, TexturePool, tileable, to_bytes

SAND: Colour = (0.62, 0.54, 0.40)
EARTH: Colour = (0.42, 0.32, 0.24)
SNOW: Colour = (0.82, 0.84, 0.88)
ALONG = (0.0, 0.0)


def _stage(
    pool: TexturePool,
    rng: np.random.Generator,
    size: tuple[int, int],
    light: Light,
    forward: Range = ALONG,
    pan: Range = (0.0, 0.06),
    height: Range = (1.5, 2.6),
) -> tuple[Stage, float]:
    camera = look(
        rng, *size, focal=(0.95, 1.3), camera_height=height, pitch=(0.0, 0.07), forward=forward,
        pan=pan, tremble=0.001,
    )  # fmt: skip
    return Stage(pool, rng, camera, light), either_side(rng)


def _roof(stage: Stage, height: float, colour: Colour) -> None:
    """A ceiling over everything."""
    picture = stage.pool.material(colour, 128, 256, 0.12, 0.15)
    stage.add(
        Surface(
            (-30.0, height, -2.0), (60.0, 0.0, 0.0), (0.0, 0.0, 90.0),
            to_bytes(tileable(0.6 * picture)), (5.0, 12.0), layer=-4,
        )
    )  # fmt: skip


def _dark_sky(pool: TexturePool, camera: CameraPath) -> put.Panorama:
    dark: Colour = (0.04, 0.04, 0.05)
    return put.Panorama(pool, camera.start, dark, dark, 0.0, 0.0, dark)


def _world(stage: Stage, clouds: float, skyline: float = 0.12) -> World:
    sky = day_sky(stage.pool, stage, clouds, skyline)
    return World(stage.camera, stage.light, sky, stage.surfaces, stage.actors)


def motorway(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """From a bridge: four lanes of fast cars between crash barriers."""
    stage, side = _stage(pool, rng, size, daylight(rng, 0.5), pan=ALONG, height=(4.5, 6.0))
    stage.add(put.ground(pool, GRASS, grass=True))
    stage.add(
        put.road(pool, -9.0, -1.0, -5.0, 170.0, True), put.road(pool, 1.0, 9.0, -5.0, 170.0, True)
    )
    stage.add(put.fence(pool, 0.0, 6.0, 0.0, 120.0, 0.8, 0.0, "boards", False))
    stage.add(put.bank(pool, -side * 12.0, -side * 22.0, 8.0, 120.0, 6.0))
    bushes(stage, side, 14.0, 7, (20, 90))
    for x, direction in ((-7.0, NEARER), (-3.2, NEARER), (3.2, AWAY), (7.0, AWAY)):
        for _ in range(int(rng.integers(1, 3))):
            stage.car((0, 1), (14, 60), (18.0, 32.0), direction, x=(x, x))
    return _world(stage, 0.5)


def park(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Lawns and trees, people and cyclists on winding ways."""
    stage, side = _stage(pool, rng, size, daylight(rng, 0.8))
    stage.add(put.ground(pool, (0.26, 0.40, 0.15), grass=True))
    stage.add(put.road(pool, -40.0, 40.0, 9.0, 11.5, False, False, 0.02, SAND))
    stage.add(put.road(pool, *span((side * 2.0, side * 4.4)), 11.0, 80.0, True, False, 0.01, SAND))
    for way in (-1.0, 1.0):
        bushes(stage, way, 4.0, 5, (14, 60))
    stage.add(put.hedge(pool, -side * 9.0, 14.0, 70.0, 1.4))
    stage.add(put.tree(pool, -side * stage.between((1.5, 4.0)), 7.5, 7.0, occluder=True))
    for _ in range(int(rng.integers(2, 5))):
        stage.person((0.1, 0.9), (9.3, 11.2), (0.8, 2.8), RIGHT * either_side(rng))
    stage.bicycle((0.2, 0.8), (10.0, 11.0), (2.5, 5.0), RIGHT * either_side(rng))
    stage.person((0, 1), (16, 24), (0.8, 1.5), NEARER, x=(side * 3.2,) * 2)
    return _world(stage, 0.3)


def car_park(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Rows of parked cars in front of a store; one looks for a place."""
    stage, side = _stage(pool, rng, size, daylight(rng, 0.5), forward=(0.0, 2.5))
    stage.add(put.ground(pool, ASPHALT))
    stage.add(put.wall_across(pool, -60.0, 60.0, 58.0, 9.0, "plain"))
    for row, z in enumerate((13.0, 21.0, 29.0)):
        for x in np.arange(-13.0, 14.0, 2.9):
            if abs(x) > 2.0 and stage.chance(0.7):
                stage.car((0, 1), (z, z), x=(float(x),) * 2, heading=AWAY if row % 2 else NEARER)
    stage.car((0, 1), (16.5, 17.5), (1.5, 4.0), RIGHT * side, x=(-side * 8.0, 0.0))
    stage.person((0.2, 0.8), (9.0, 12.0), (0.8, 1.6), RIGHT * either_side(rng))
    for x in (-8.7, 8.7):
        stage.add(put.post(pool, x, 17.0, 7.0, 0.2, (0.6, 0.6, 0.62)))
    return _world(stage, 0.7, 0.05)


def market_hall(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Under a roof: stalls, pillars, a crowd in lamplight."""
    stage, side = _stage(pool, rng, size, underground(rng), pan=(0.0, 0.08))
    stage.add(put.ground(pool, (0.45, 0.36, 0.30)))
    _roof(stage, 6.0, (0.5, 0.44, 0.36))
    stage.add(put.wall_across(pool, -30.0, 30.0, 40.0, 6.0, "glass"))
    for x in (-7.5, 7.5):
        stage.add(put.wall_along(pool, x, 8.0, 40.0, 2.4, "plain"))
    for z in (10.0, 16.0, 22.0):
        stage.add(put.poster(pool, side * 3.6, 0.9, z, 2.6, 1.3))
        stage.add(put.post(pool, -side * 3.0, z + 2.0, 6.0, 0.4, (0.35, 0.2, 0.16)))
    for _ in range(int(rng.integers(5, 9))):
        stage.person((0.05, 0.95), (7, 20), (0.0, 0.0) if stage.chance(0.3) else (0.5, 1.3))
    return World(
        stage.camera, stage.light, _dark_sky(pool, stage.camera), stage.surfaces, stage.actors
    )


def shopping_street(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Between two rows of shops: walkers, cyclists, signs; the camera walks, too."""
    stage, side = _stage(pool, rng, size, daylight(rng, 0.4), forward=(0.6, 1.6))
    stage.add(put.ground(pool, PAVING))
    for way in (-1.0, 1.0):
        stage.add(put.house(pool, *span((way * 6.0, way * 22.0)), 7.0, 80.0, 10.0, "house"))
        for z in (11.0, 18.0, 27.0):
            stage.add(put.poster(pool, way * 5.9, 2.4, z + stage.between((0, 3)), 1.8, 1.0, False))
    for _ in range(int(rng.integers(4, 8))):
        stage.person(
            (0, 1), (8, 28), (0.7, 1.7), AWAY if stage.chance(0.5) else NEARER, x=(-4.5, 4.5)
        )
    stage.bicycle((0, 1), (14, 24), (2.5, 4.5), NEARER, x=(side * 0.6, side * 2.4))
    return _world(stage, 0.6, 0.05)


def country_lane(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A drive between fields and hedges, another car ahead."""
    stage, side = _stage(pool, rng, size, daylight(rng, 0.7), forward=(5.0, 11.0), pan=ALONG)
    stage.add(put.ground(pool, (0.48, 0.42, 0.18), grass=True))
    stage.add(put.road(pool, -2.8, 2.8, -6.0, 180.0, True))
    stage.add(
        put.hedge(pool, side * 5.0, 6.0, 150.0, 1.6),
        put.fence(pool, -side * 5.0, 6.0, -side * 5.0, 120.0, 1.1, 0.0, "mesh", False),
    )
    bushes(stage, side, 7.0, 4, (25, 110))
    bushes(stage, -side, 9.0, 3, (30, 110))
    stage.car((0, 1), (16, 26), (6.0, 12.0), AWAY, x=(1.4, 1.4))
    stage.car((0, 1), (45, 70), (9.0, 16.0), NEARER, x=(-1.4, -1.4))
    stage.bicycle((0, 1), (20, 34), (3.0, 5.0), AWAY, x=(2.3, 2.3))
    return _world(stage, 0.5, 0.16)


def beach(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Sand before a promenade: walkers, runners, somebody with a bicycle."""
    stage, side = _stage(pool, rng, size, daylight(rng, 0.95), pan=(0.03, 0.12))
    stage.add(put.ground(pool, SAND, rough=0.3))
    stage.add(put.road(pool, -60.0, 60.0, 30.0, 90.0, False, False, 0.02, (0.20, 0.36, 0.44)))
    stage.add(put.fence(pool, -30.0, 13.0, 30.0, 13.0, 1.0, 0.0, "boards", False))
    stage.add(put.poster(pool, side * 4.0, 0.0, 18.0, 3.0, 2.2))
    for _ in range(int(rng.integers(3, 6))):
        stage.person((0.05, 0.95), (8, 24), (0.7, 3.5), RIGHT * either_side(rng))
    stage.bicycle((0.2, 0.8), (10, 12), (0.8, 1.4), RIGHT * either_side(rng))
    return _world(stage, 0.2, 0.02)


def building_site(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Earth, a shell of a house, boards, workers and their cars."""
    stage, side = _stage(pool, rng, size, daylight(rng, 0.3))
    stage.add(put.ground(pool, EARTH, rough=0.45))
    stage.add(put.bank(pool, side * 6.0, side * 13.0, 10.0, 40.0, 3.0))
    stage.add(put.house(pool, *span((-side * 4.0, -side * 26.0)), 20.0, 50.0, 12.0, "brick"))
    stage.add(put.fence(pool, -18.0, 7.0, 18.0, 7.6, 1.0, 0.0, "mesh"))
    for z in (13.0, 17.0, 21.0):
        stage.add(put.post(pool, -side * 3.4, z, 9.0, 0.22, (0.75, 0.62, 0.2)))
    for _ in range(int(rng.integers(3, 6))):
        stage.person(
            (0.1, 0.9), (8.5, 18), (0.0, 0.0) if stage.chance(0.4) else (0.6, 1.5), worker=True
        )
    stage.car((0.2, 0.8), (14, 20), (0.8, 2.5), RIGHT * either_side(rng))
    return _world(stage, 0.8)


def night_square(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A town square after dark: lit windows, taxis, people going home."""
    stage, side = _stage(pool, rng, size, dusk(rng), pan=(0.02, 0.08))
    stage.add(put.ground(pool, (0.30, 0.29, 0.31)))
    stage.add(put.wall_across(pool, -50.0, 50.0, 36.0, 14.0, "glass"))
    stage.add(put.house(pool, *span((side * 9.0, side * 30.0)), 12.0, 36.0, 11.0, "house"))
    stage.add(put.road(pool, -60.0, 60.0, 18.0, 26.0, False))
    for x in (-6.0, 0.0, 6.0):
        stage.add(put.post(pool, x + stage.between((-1, 1)), 15.0, 5.0, 0.18, (0.2, 0.2, 0.2)))
    for direction, z in ((RIGHT, 20.0), (LEFT, 24.0)):
        stage.car((0.1, 0.9), (z, z), (5.0, 11.0), direction)
    for _ in range(int(rng.integers(2, 5))):
        stage.person((0.1, 0.9), (8, 15), (0.8, 1.8))
    sky = put.Panorama(
        pool, stage.camera.start, (0.05, 0.06, 0.12), (0.16, 0.15, 0.20), 0.3, 0.1, (0.1, 0.1, 0.12)
    )
    return World(stage.camera, stage.light, sky, stage.surfaces, stage.actors)


def winter_village(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Snow on everything, a cleared road, a few people wrapped up."""
    stage, side = _stage(pool, rng, size, daylight(rng, 0.15), forward=(0.0, 1.0))
    stage.add(put.ground(pool, SNOW, rough=0.08))
    stage.add(put.road(pool, -60.0, 60.0, 12.0, 16.0, False, False, 0.02, (0.55, 0.56, 0.58)))
    stage.add(put.house(pool, *span((side * 5.0, side * 16.0)), 20.0, 34.0, 7.0, "house"))
    stage.add(put.house(pool, *span((-side * 8.0, -side * 20.0)), 26.0, 44.0, 6.0, "plain"))
    stage.add(put.fence(pool, -30.0, 18.0, 30.0, 18.0, 1.0, 0.0, "boards", False))
    stage.car((0.1, 0.5), (13.0, 13.4), (2.0, 6.0), RIGHT)
    stage.car((0.6, 0.9), (14.8, 15.2), (2.0, 6.0), LEFT)
    for _ in range(int(rng.integers(2, 4))):
        stage.person((0.1, 0.9), (8, 11.5), (0.6, 1.3), RIGHT * either_side(rng))
    return _world(stage, 1.0, 0.1)
