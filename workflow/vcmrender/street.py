"""Closer scenes with fewer and larger objects, for the segmentation set."""

from __future__ import annotations

import numpy as np

from vcmrender import scenery as put
from vcmrender.scene import World
from vcmrender.stage import Stage, daylight, look
from vcmrender.surroundings import (
    ASPHALT,
    GRASS,
    GRAVEL,
    LEFT,
    NEARER,
    PAVING,
    RED,
    RIGHT,
    bushes,
    day_sky,
    either_side,
    masts,
    span,
)
from vcmrender.textures import TexturePool


def _street(
    pool: TexturePool,
    rng: np.random.Generator,
    size: tuple[int, int],
    pan: tuple[float, float] = (0.0, 0.05),
    forward: tuple[float, float] = (0.0, 0.0),
    sunny: float = 0.6,
) -> tuple[Stage, float]:
    camera = look(
        rng, *size, focal=(1.1, 1.35), camera_height=(1.6, 2.2), pitch=(0.02, 0.07), pan=pan,
        forward=forward, tremble=0.001,
    )  # fmt: skip
    return Stage(pool, rng, camera, daylight(rng, sunny)), either_side(rng)


def crossing(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Two cars and a cyclist at a level crossing, close by."""
    stage, side = _street(pool, rng, size)
    stage.add(put.ground(pool, GRASS, grass=True), put.track(pool, -3.0 * side))
    stage.add(put.road(pool, -50.0, 50.0, 8.0, 15.0, False, level=0.03))
    stage.add(put.house(pool, *span((side * 4.5, side * 22.0)), 24.0, 50.0, 7.0, "brick"))
    stage.add(put.hedge(pool, -side * 7.0, 17.0, 80.0, 2.2))
    bushes(stage, -side, 5.0, 4, (20, 60))
    stage.add(put.post(pool, side * 1.8, 7.4, 3.2, 0.16, (0.75, 0.75, 0.72)))
    stage.car((0.05, 0.4), (13.0, 13.6), (2.5, 4.5), RIGHT)
    stage.car((0.6, 0.95), (10.4, 10.8), (2.5, 4.5), LEFT)
    stage.bicycle((0.3, 0.7), (8.6, 9.0), (1.9, 3.0), RIGHT * either_side(rng))
    return World(stage.camera, stage.light, day_sky(pool, stage, 0.4), stage.surfaces, stage.actors)


def cycle_path(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A cyclist and somebody walking on a path beside the line."""
    stage, side = _street(pool, rng, size, pan=(0.02, 0.08), sunny=0.8)
    stage.add(put.ground(pool, GRASS, grass=True))
    stage.add(put.road(pool, -40.0, 40.0, 6.5, 9.6, False, False, 0.02, (0.5, 0.38, 0.32)))
    stage.add(put.fence(pool, -30.0, 12.0, 30.0, 12.0, 1.2, 0.0, "mesh", False))
    stage.add(put.train(pool, 16.0 * side, 19.0, 80.0, RED))
    stage.add(put.track(pool, 16.0 * side), put.track(pool, 11.0 * side))
    bushes(stage, -side, 2.0, 5, (15, 40))
    stage.bicycle((0.3, 0.7), (7.4, 8.0), (1.9, 3.0), RIGHT * either_side(rng))
    stage.person((0.15, 0.85), (8.4, 9.2), (0.8, 1.4), RIGHT * either_side(rng))
    if stage.chance(0.5):
        stage.person((0.2, 0.8), (6.6, 7.0), (0.8, 1.4), RIGHT * either_side(rng))
    return World(stage.camera, stage.light, day_sky(pool, stage, 0.5), stage.surfaces, stage.actors)


def forecourt(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A station forecourt: parked car and bicycle, a car that pulls out, a pedestrian."""
    stage, side = _street(pool, rng, size, pan=(0.0, 0.03))
    stage.add(put.ground(pool, PAVING))
    stage.add(put.road(pool, -40.0, 40.0, 8.5, 18.0, False, False, 0.0, ASPHALT))
    stage.add(put.wall_across(pool, -22.0, 22.0, 24.0, 8.5, "brick"))
    stage.add(put.poster(pool, side * 3.0, 1.2, 23.8, 2.6, 1.8))
    bushes(stage, -side, 4.0, 2, (19, 22))
    stage.add(put.post(pool, -side * 2.2, 7.8, 4.0, 0.14, (0.3, 0.3, 0.32)))
    stage.car(
        (0.6, 0.8) if side > 0 else (0.2, 0.4), (14.5, 16.0), heading=stage.between((0.6, 2.5))
    )
    stage.car((0.2, 0.5), (11.0, 12.0), (1.5, 3.0), RIGHT * side + stage.between((-0.3, 0.3)))
    stage.person((0.2, 0.8), (7.5, 9.0), (0.8, 1.5), RIGHT * either_side(rng))
    stage.bicycle(
        (0.1, 0.25) if side > 0 else (0.75, 0.9), (8.6, 9.6), heading=stage.between((1.1, 2.0))
    )
    return World(stage.camera, stage.light, day_sky(pool, stage, 0.5), stage.surfaces, stage.actors)


def platform(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Travellers on a platform, one with a bicycle, a train behind them."""
    stage, side = _street(pool, rng, size, pan=(0.0, 0.04), sunny=0.3)
    stage.add(put.ground(pool, GRAVEL))
    stage.add(put.track(pool, 7.5 * side), put.train(pool, 7.5 * side, 10.0, 80.0, RED))
    stage.add(put.platform(pool, *span((side * 5.6, -side * 6.0)), 5.0, 90.0, 0.1))
    stage.add(put.wall_along(pool, -side * 6.4, 6.0, 60.0, 4.5, "brick"))
    for z in (12.0, 19.0, 26.0):
        stage.add(put.post(pool, -side * 1.6, z, 4.2, 0.26, (0.3, 0.36, 0.36), 0.1))
    stage.add(put.poster(pool, -side * 4.5, 1.0, 18.0, 1.6, 2.0))
    stage.person((0.2, 0.8), (8.0, 9.5), (0.7, 1.4), RIGHT * either_side(rng), 0.1)
    stage.person((0.2, 0.8), (10.5, 12.5), (0.7, 1.4), NEARER, 0.1)
    stage.bicycle((0.3, 0.7), (9.5, 10.5), (0.9, 1.4), RIGHT * either_side(rng), 0.1)
    return World(stage.camera, stage.light, day_sky(pool, stage, 0.9), stage.surfaces, stage.actors)


def yard(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Two workers and their car between sidings."""
    stage, side = _street(pool, rng, size, forward=(0.0, 0.5), sunny=0.7)
    stage.add(put.ground(pool, GRAVEL))
    stage.add(put.track(pool, -3.2 * side), put.track(pool, 9.0 * side))
    stage.add(put.train(pool, 9.0 * side, 20.0, 70.0, (0.3, 0.36, 0.42)))
    stage.add(put.house(pool, *span((-side * 8.5, -side * 26.0)), 18.0, 50.0, 7.0, "brick"))
    masts(stage, side * 2.0, -1.8 * side, 11.0, 20.0)
    stage.person((0.2, 0.8), (7.0, 9.0), (0.8, 1.4), RIGHT * either_side(rng), worker=True)
    stage.person((0.3, 0.7), (10.0, 12.5), (0.7, 1.3), worker=True)
    stage.car((0.25, 0.75), (13.0, 15.0), (1.0, 2.5), RIGHT * side + stage.between((-0.5, 0.5)))
    return World(stage.camera, stage.light, day_sky(pool, stage, 0.4), stage.surfaces, stage.actors)


def bridge(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """On a bridge over the line: a walker, a cyclist and a passing car behind a railing."""
    stage, side = _street(pool, rng, size, pan=(0.02, 0.06))
    stage.add(put.ground(pool, PAVING))
    stage.add(put.road(pool, -40.0, 40.0, 10.0, 17.0, False, True, 0.0))
    stage.add(put.wall_across(pool, -40.0, 40.0, 18.0, 1.1, "plain"))
    stage.add(put.hedge(pool, side * 26.0, 19.0, 90.0, 7.0))
    stage.add(put.fence(pool, -20.0, 6.2, 20.0, 6.2, 0.75, 0.0, "bars"))
    stage.add(put.post(pool, -side * 1.5, 6.4, 4.0, 0.15, (0.35, 0.36, 0.36)))
    stage.person((0.25, 0.75), (7.6, 8.6), (0.8, 1.5), RIGHT * either_side(rng))
    stage.bicycle((0.2, 0.8), (9.0, 9.6), (1.8, 3.0), RIGHT * either_side(rng))
    stage.car((0.2, 0.8), (13.0, 14.5), (2.5, 4.5), RIGHT * either_side(rng))
    return World(
        stage.camera, stage.light, day_sky(pool, stage, 0.6, 0.2), stage.surfaces, stage.actors
    )
