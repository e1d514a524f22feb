"""The nine railway scenes of the detection set, after those of OSDaR23 that the paper uses."""

from __future__ import annotations

import math

import numpy as np

from vcmrender import scenery as put
from vcmrender.fire import Blaze, Flicker
from vcmrender.scene import World
from vcmrender.stage import Stage, daylight, dusk, look, underground
from vcmrender.surface import Surface
from vcmrender.surroundings import (
    ASPHALT,
    AWAY,
    GRASS,
    GRAVEL,
    LEFT,
    NEARER,
    RED,
    RIGHT,
    bushes,
    day_sky,
    either_side,
    masts,
    span,
)
from vcmrender.textures import Colour, TexturePool, tileable, to_bytes


def calibration(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A depot yard: sidings, a shed, parked and passing cars, people at work. The camera rests."""
    camera = look(rng, *size, camera_height=(2.4, 3.0), pitch=(0.02, 0.06), tremble=0.0004)
    stage = Stage(pool, rng, camera, daylight(rng, 0.7))
    side = either_side(rng)
    stage.add(put.ground(pool, GRAVEL))
    for x in (0.0, -4.6 * side, -9.2 * side):
        stage.add(put.track(pool, x, wooden=stage.chance(0.5)))
    x0, x1 = span((side * 4.2, side * 13.0))
    stage.add(put.road(pool, x0, x1, -5.0, 120.0, True, marked=False, colour=ASPHALT))
    shed0, shed1 = span((side * 13.5, side * 30.0))
    stage.add(put.house(pool, shed0, shed1, 20.0, 60.0, 7.5, "brick"))
    stage.add(put.train(pool, -9.2 * side, 22.0, 90.0, RED, layer=-1))
    stage.add(put.poster(pool, side * 3.2 - 0.9, 0.6, stage.between((15, 18)), 1.6, 1.2))
    masts(stage, -2.4 * side, 3.0 * side, stage.between((17, 24)))
    stage.add(put.signal(pool, 2.6 * side, stage.between((24, 30))))
    bushes(stage, -side, 15.0, 4, (40, 90))
    for z in (14.0, 21.0, 29.0):
        stage.car(
            (0, 1), (z, z + 2), x=(side * 8.5 - 1.0, side * 8.5 + 1.0),
            heading=stage.between((-0.5, 0.5)) + (math.pi if stage.chance(0.5) else 0.0),
        )  # fmt: skip
    stage.car((0, 1), (24, 32), (3.5, 6.0), NEARER if side > 0 else AWAY, x=(side * 5.6,) * 2)
    for _ in range(int(rng.integers(2, 4))):
        stage.person((0.15, 0.85), (11, 20), (0.8, 1.6), worker=stage.chance(0.7))
    stage.person((0.2, 0.8), (10, 15), worker=True)
    if stage.chance(0.7):
        stage.bicycle((0.2, 0.8), (13, 18), (2.5, 4.0), RIGHT * either_side(rng))
    return World(camera, stage.light, day_sky(pool, stage, 0.3), stage.surfaces, stage.actors)


def fire_site(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A fire beside the line at dusk: flames, smoke and their light flicker at random."""
    camera = look(rng, *size, forward=(0.2, 0.9), pitch=(0.02, 0.06), tremble=0.001)
    stage = Stage(pool, rng, camera, dusk(rng))
    side = either_side(rng)
    stage.add(put.ground(pool, (0.33, 0.30, 0.26)))
    for x in (0.0, -4.4 * side):
        stage.add(put.track(pool, x, wooden=True))
    x0, x1 = span((side * 4.0, side * 12.0))
    stage.add(put.road(pool, x0, x1, -5.0, 90.0, True, marked=False))
    stage.add(put.house(pool, *span((side * 11.5, side * 26.0)), 22.0, 50.0, 8.0, "brick"))
    stage.add(put.wall_across(pool, -32.0, 32.0, 62.0, 8.0, "plain"))
    masts(stage, -2.3 * side, 2.6 * side, stage.between((20, 26)))
    bushes(stage, -side, 9.0, 5, (25, 60))
    for _ in range(3):
        stage.person((0.1, 0.9), (11, 19), (0.7, 1.9), worker=stage.chance(0.75))
    stage.person((0.2, 0.8), (12, 16), worker=True)
    stage.car((0, 1), (17, 20), x=(side * 7.0, side * 8.5), heading=stage.between((-2.6, -0.6)))
    stage.car((0, 1), (26, 32), (2.0, 4.0), NEARER, x=(side * 5.4, side * 6.0))
    stage.bicycle((0.15, 0.85), (12, 17), (0.8, 1.2) if stage.chance(0.5) else (2.2, 3.6),
                  RIGHT * either_side(rng))  # fmt: skip
    blazes = (
        Blaze(
            (side * stage.between((2.6, 4.6)), 0.0, stage.between((21.0, 25.0))),
            stage.between((2.6, 4.0)),
            stage.between((3.4, 5.2)),
            stage.between((7.0, 11.0)),
        ),
        Blaze(
            (-side * stage.between((5.5, 8.0)), 0.0, stage.between((24.0, 30.0))),
            stage.between((1.8, 3.0)),
            stage.between((2.4, 3.8)),
            stage.between((4.0, 7.0)),
        ),
    )
    sky = put.Panorama(
        pool, camera.start, (0.20, 0.22, 0.32), (0.46, 0.38, 0.36), 0.6, 0.12, (0.2, 0.19, 0.18)
    )
    return World(
        camera, stage.light, sky, stage.surfaces, stage.actors, Flicker(pool, blazes, 0.22)
    )


def pedestrian_bridge(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A footbridge across the line with people and cyclists on it; a street beside the tracks."""
    camera = look(
        rng, *size, focal=(1.05, 1.2), camera_height=(2.3, 2.7), pitch=(-0.05, -0.02),
        forward=(0.0, 0.0) if rng.random() < 0.5 else (0.8, 2.2), tremble=0.0006,
    )  # fmt: skip
    stage = Stage(pool, rng, camera, daylight(rng, 0.6))
    side = either_side(rng)
    stage.add(put.ground(pool, GRASS, grass=True))
    for x in (0.0, 4.5 * side, -4.5 * side):
        stage.add(put.track(pool, x), put.wire(x, 5.4))
    deck, level, thick = stage.between((21.0, 25.0)), 4.9, 0.5
    beam = pool.material((0.45, 0.47, 0.46), 32, 512, 0.12, 0.1)
    stage.add(
        Surface(
            (-40.0, level, deck), (80.0, 0.0, 0.0), (0.0, -thick, 0.0),
            to_bytes(beam), layer=5,
        ),
        put.fence(pool, -40.0, deck, 40.0, deck, 1.0, level, "bars"),
    )  # fmt: skip
    for x in (-7.5, 7.5):
        stage.add(put.post(pool, x, deck + 0.3, level, 0.8, (0.5, 0.5, 0.48)))
    x0, x1 = span((side * 8.6, side * 15.5))
    stage.add(put.road(pool, x0, x1, -5.0, 160.0, True))
    stage.add(put.house(pool, *span((side * 17.5, side * 40.0)), 26.0, 70.0, 11.0, "house"))
    stage.add(put.hedge(pool, -7.5 * side, 8.0, 80.0, 1.8))
    bushes(stage, -side, 10.0, 6, (28, 80))
    for _ in range(int(rng.integers(3, 6))):
        stage.person(
            (0.08, 0.92), (deck + 0.5, deck + 1.6), (0.9, 1.7), RIGHT * either_side(rng), level
        )
    stage.bicycle(
        (0.25, 0.75), (deck + 0.8, deck + 1.2), (2.6, 4.5), RIGHT * either_side(rng), level
    )
    stage.car((0, 1), (17, 22), (6.0, 10.0), NEARER, x=(side * 10.3,) * 2)
    stage.car((0, 1), (28, 36), (5.0, 9.0), AWAY, x=(side * 13.8,) * 2)
    stage.car((0, 1), (38, 46), (5.0, 9.0), NEARER, x=(side * 10.3,) * 2)
    stage.person((0, 1), (11, 15), (0.9, 1.5), NEARER, x=(-side * 2.3, -side * 2.0), worker=True)
    return World(camera, stage.light, day_sky(pool, stage, 0.55, 0.1), stage.surfaces, stage.actors)


def bergedorf(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """Rolling into a station between two platforms; a train stands at one of them."""
    camera = look(rng, *size, forward=(2.0, 4.5), pitch=(0.0, 0.04), tremble=0.0012)
    stage = Stage(pool, rng, camera, daylight(rng, 0.35))
    side = either_side(rng)
    stage.add(put.ground(pool, GRAVEL))
    stage.add(put.track(pool, 0.0), put.wire(0.0, 5.3))
    stage.add(put.track(pool, -4.4 * side))
    near0, near1 = span((side * 1.9, side * 8.0))
    stage.add(put.platform(pool, near0, near1, 11.0, 120.0))
    far0, far1 = span((-side * 6.3, -side * 11.0))
    stage.add(put.platform(pool, far0, far1, 12.0, 120.0))
    stage.add(put.train(pool, -4.4 * side, 34.0, 120.0, RED))
    stage.add(put.house(pool, *span((side * 10.5, side * 30.0)), 18.0, 80.0, 8.0, "glass"))
    for z in (19.0, 27.0, 35.0, 43.0):
        stage.add(put.post(pool, side * 6.6, z, 3.8, 0.24, (0.32, 0.4, 0.42), 0.76))
    roof = pool.material((0.36, 0.37, 0.38), 64, 256, 0.1, 0.08)
    roof0, roof1 = span((side * 3.6, side * 8.6))
    stage.add(
        Surface(
            (roof0, 4.7, 17.0), (roof1 - roof0, 0.0, 0.0), (0.0, -0.45, 0.0),
            to_bytes(roof), layer=6,
        ),
        Surface(
            (roof0, 4.4, 17.0), (roof1 - roof0, 0.0, 0.0), (0.0, 0.0, 60.0),
            to_bytes(0.6 * roof), (1.0, 8.0), layer=5,
        ),
        put.poster(pool, side * 7.2 - 0.9, 1.6, 24.0, 1.8, 1.4),
    )  # fmt: skip
    for _ in range(int(rng.integers(3, 6))):
        stage.person(
            (0, 1), (14, 30), (0.0, 0.0) if stage.chance(0.45) else (0.8, 1.6),
            y=0.76, x=(side * 2.9, side * 6.8),
        )  # fmt: skip
    stage.person((0, 1), (16, 26), (0.9, 1.5), NEARER, 0.76, x=(-side * 7.2, -side * 9.5))
    stage.bicycle(
        (0, 1), (15, 22), (1.0, 1.5), NEARER if stage.chance(0.5) else RIGHT * -side,
        0.76, x=(side * 3.6, side * 5.6),
    )  # fmt: skip
    stage.add(put.road(pool, *span((-side * 12.5, -side * 22.0)), -4.0, 120.0, True))
    stage.car((0, 1), (27, 33), (5.0, 8.0), NEARER, x=(-side * 14.6,) * 2)
    stage.car((0, 1), (36, 44), (5.0, 8.0), AWAY, x=(-side * 18.2,) * 2)
    return World(
        camera, stage.light, day_sky(pool, stage, 0.75, 0.14), stage.surfaces, stage.actors
    )


def underground_station(
    pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]
) -> World:
    """Out of a dark tunnel towards the lit platform of an underground station."""
    camera = look(
        rng, *size, camera_height=(2.2, 2.6), pitch=(0.0, 0.04), forward=(2.5, 5.5),
        tremble=0.0016,
    )  # fmt: skip
    stage = Stage(pool, rng, camera, underground(rng))
    side = either_side(rng)
    stage.add(put.ground(pool, (0.14, 0.13, 0.12)))
    stage.add(put.track(pool, 0.0, ballast=(0.22, 0.20, 0.18), dark=0.75))
    stage.add(put.track(pool, -4.2 * side, ballast=(0.2, 0.18, 0.17), dark=0.55))
    mouth = 12.0
    for x, glow in ((-6.6 * side, 0.45), (9.5 * side, 0.75)):
        bare = pool.material((0.42, 0.40, 0.36), 96, 256, 0.18, 0.2)
        ribs = (np.arange(256) % 64 < 6).astype(np.float32)[None, :, None]
        stone = bare * (1 - 0.45 * ribs) * np.linspace(0.5, 1.0, 96)[:, None, None]
        stage.add(
            Surface(
                (x, 5.4, mouth), (0.0, 0.0, 120.0), (0.0, -5.4, 0.0),
                to_bytes(tileable((stone * glow).astype(np.float32), along_y=False)),
                (12.0, 1.0), layer=-3,
            )
        )  # fmt: skip
    ceiling = pool.material((0.28, 0.27, 0.25), 128, 256, 0.12, 0.15)
    stage.add(
        Surface(
            (-12.0, 5.3, -2.0), (24.0, 0.0, 0.0), (0.0, 0.0, 130.0),
            to_bytes(tileable(0.5 * ceiling)), (2.0, 16.0), layer=-4,
        )
    )  # fmt: skip
    for z in np.arange(13.0, 90.0, 5.5):
        lamp = np.full((6, 32, 3), (255, 250, 232), np.uint8)
        stage.add(
            Surface(
                (side * 3.6, 4.7, float(z)), (side * 0.4, 0.0, 0.0), (0.0, 0.0, 2.6),
                np.ascontiguousarray(lamp), glow=True, layer=5,
            )
        )  # fmt: skip
    stage.add(
        put.platform(pool, *span((side * 1.9, side * 9.4)), mouth, 110.0, 0.95, (0.66, 0.63, 0.57))
    )
    # The mouth of the tunnel frames the picture.
    portal = pool.material((0.16, 0.15, 0.14), 96, 96, 0.2, 0.2)
    for x0, x1 in ((-9.0, -3.6), (3.2, 9.0)):
        if x0 * side < 0:
            left = x0 if side > 0 else -x1
            stage.add(
                Surface(
                    (left, 6.0, 10.0), (x1 - x0, 0.0, 0.0), (0.0, -6.0, 0.0),
                    to_bytes(portal), layer=-2,
                )
            )  # fmt: skip
    for z in (17.5, 24.5, 31.5, 38.5):
        stage.add(put.post(pool, side * 6.0, z, 4.4, 0.42, (0.45, 0.52, 0.56), 0.95))
    stage.add(put.poster(pool, -6.5 * side, 1.3, 20.0, 3.4, 2.0, across=False))
    stage.add(put.poster(pool, 9.4 * side, 2.0, 26.0, 3.4, 2.0, across=False))
    stage.add(put.signal(pool, -2.3 * side, stage.between((20, 26))))
    if stage.chance(0.5):
        stage.add(put.train(pool, -4.2 * side, 40.0, 100.0, (0.5, 0.5, 0.52)))
    for _ in range(int(rng.integers(3, 6))):
        stage.person(
            (0, 1), (14, 27), (0.0, 0.0) if stage.chance(0.4) else (0.8, 1.7),
            y=0.95, x=(side * 2.9, side * 6.5),
        )  # fmt: skip
    stage.bicycle((0, 1), (14, 21), (1.0, 1.5), NEARER, 0.95, x=(side * 3.4, side * 5.0))
    stage.bicycle(
        (0, 1), (18, 24), y=0.95, x=(side * 6.6, side * 7.4), heading=stage.between((1.0, 2.0))
    )
    stage.person((0, 1), (15, 22), (0.6, 1.2), AWAY, x=(-side * 2.4, -side * 2.0), worker=True)
    dark: Colour = (0.03, 0.03, 0.035)
    sky = put.Panorama(pool, camera.start, dark, dark, 0.0, 0.0, dark)
    return World(camera, stage.light, sky, stage.surfaces, stage.actors)


def altona(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A terminus: many tracks, trains on both sides, a busy platform in the middle."""
    camera = look(
        rng, *size, camera_height=(2.5, 3.0), pitch=(0.0, 0.05), forward=(0.4, 2.0),
        tremble=0.0008, x=0.0,
    )  # fmt: skip
    stage = Stage(pool, rng, camera, daylight(rng, 0.25))
    side = either_side(rng)
    stage.add(put.ground(pool, (0.36, 0.34, 0.32)))
    for x in (0.0, -4.4 * side, 13.4 * side):
        stage.add(put.track(pool, x), put.wire(x, 5.3))
    stage.add(put.platform(pool, *span((side * 1.9, side * 11.6)), 9.5, 120.0))
    stage.add(put.train(pool, 13.4 * side, 16.0, 100.0, (0.62, 0.62, 0.65)))
    stage.add(put.train(pool, -4.4 * side, 20.0, 100.0, RED))
    stage.add(put.wall_across(pool, -40.0, 40.0, 105.0, 17.0, "glass"))
    for z in (16.0, 24.0, 32.0, 40.0):
        stage.add(put.post(pool, side * 6.4, z, 5.2, 0.4, (0.2, 0.28, 0.3), 0.76))
        stage.add(put.poster(pool, side * 6.4 - 0.8, 3.1, z + 0.1, 1.6, 0.7))
    for _ in range(int(rng.integers(5, 8))):
        stage.person(
            (0, 1), (11.5, 28), (0.0, 0.0) if stage.chance(0.3) else (0.8, 1.8),
            y=0.76, x=(side * 2.8, side * 10.0),
        )  # fmt: skip
    stage.bicycle((0, 1), (13, 18), (1.0, 1.6), RIGHT * -side, 0.76, x=(side * 3.6, side * 5.6))
    stage.bicycle((0, 1), (20, 26), (2.4, 3.6), NEARER, 0.76, x=(side * 4.5, side * 8.0))
    # A service car drives on the platform, as they do in large stations.
    stage.car((0, 1), (23, 30), (1.5, 3.0), NEARER, 0.76, x=(side * 4.2, side * 5.4))
    return World(camera, stage.light, day_sky(pool, stage, 0.9, 0.06), stage.surfaces, stage.actors)


def ruebenkamp(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A suburban line on a green embankment: trees, a narrow platform, a street below it."""
    camera = look(rng, *size, forward=(1.5, 6.0), pitch=(0.0, 0.05), tremble=0.0012)
    stage = Stage(pool, rng, camera, daylight(rng, 0.8))
    side = either_side(rng)
    stage.add(put.ground(pool, GRASS, grass=True))
    for x in (0.0, -4.2 * side):
        stage.add(put.track(pool, x))
    stage.add(put.bank(pool, -side * 7.0, -side * 16.0, 6.0, 110.0, 5.0))
    stage.add(put.hedge(pool, -side * 15.5, 8.0, 110.0, 8.0, layer=-5))
    stage.add(put.platform(pool, *span((side * 1.9, side * 5.2)), 13.0, 70.0))
    stage.add(put.fence(pool, side * 5.2, 13.0, side * 5.2, 70.0, 1.1, 0.76, "mesh", False))
    stage.add(put.road(pool, *span((side * 7.0, side * 14.0)), -5.0, 150.0, True))
    stage.add(put.hedge(pool, side * 16.0, 10.0, 120.0, 3.0))
    bushes(stage, side, 16.0, 7, (18, 80))
    masts(stage, -side * 6.4, 2.0 * side, stage.between((16, 24)))
    for _ in range(int(rng.integers(2, 4))):
        stage.person(
            (0, 1), (15, 25), (0.0, 0.0) if stage.chance(0.4) else (0.8, 1.6),
            AWAY if stage.chance(0.5) else NEARER, 0.76, x=(side * 2.8, side * 4.6),
        )  # fmt: skip
    stage.car((0, 1), (20, 26), (7.0, 12.0), NEARER, x=(side * 8.8,) * 2)
    stage.car((0, 1), (30, 38), (6.0, 10.0), AWAY, x=(side * 12.2,) * 2)
    stage.car((0, 1), (22, 28), x=(side * 14.6,) * 2, heading=0.05)
    stage.bicycle((0, 1), (17, 22), (3.0, 5.5), NEARER, x=(side * 7.5,) * 2)
    stage.bicycle((0, 1), (14, 19), (1.0, 1.4), NEARER, 0.76, x=(side * 2.9, side * 4.2))
    stage.person((0, 1), (13, 20), (0.8, 1.4), x=(-side * 2.3, -side * 2.0), worker=True,
                 direction=NEARER)  # fmt: skip
    return World(
        camera, stage.light, day_sky(pool, stage, 0.35, 0.14), stage.surfaces, stage.actors
    )


def suelldorf(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A level crossing in a garden suburb: cars and cyclists cross ahead of the train."""
    camera = look(
        rng, *size, camera_height=(2.4, 2.9), pitch=(0.02, 0.06),
        forward=(0.0, 0.0) if rng.random() < 0.4 else (1.0, 3.0), tremble=0.0006,
    )  # fmt: skip
    stage = Stage(pool, rng, camera, daylight(rng, 0.85))
    stage.add(put.ground(pool, GRASS, grass=True))
    stage.add(put.track(pool, 0.0, wooden=True), put.wire(0.0, 5.2))
    z = stage.between((15.0, 18.0))
    stage.add(put.road(pool, -60.0, 60.0, z, z + 7.0, False, level=0.03))
    stage.add(put.road(pool, -60.0, 60.0, z - 2.6, z - 0.2, False, False, 0.02, (0.5, 0.36, 0.3)))
    for side in (-1.0, 1.0):
        stage.add(put.house(
            pool, *span((side * stage.between((9.0, 13.0)), side * 24.0)),
            z + stage.between((13.0, 22.0)), z + 40.0, stage.between((5.0, 8.0)), "house",
        ))  # fmt: skip
        stage.add(put.hedge(pool, side * 6.5, z + 8.0, 100.0, 2.0))
        bushes(stage, side, 8.0, 4, (z + 10, 80))
        stage.add(put.post(pool, side * 3.4, z - 0.1, 1.2, 0.3, (0.8, 0.8, 0.78)))
        stage.add(put.signal(pool, side * 4.4, z - 0.1))
        if stage.chance(0.6):
            stage.add(put.tree(pool, side * stage.between((5.5, 8)), z - 3.5, 6.5, occluder=True))
    stage.car((0.15, 0.5), (z + 1.7, z + 2.0), (5.0, 9.0), RIGHT)
    stage.car((0.5, 0.9), (z + 5.0, z + 5.4), (5.0, 9.0), LEFT)
    if stage.chance(0.7):
        stage.car((0.85, 1.1), (z + 1.7, z + 2.0), (4.0, 7.0), RIGHT)
    stage.bicycle((0.2, 0.8), (z - 1.5, z - 1.0), (2.8, 4.8), RIGHT * either_side(rng))
    stage.bicycle((0.3, 0.95), (z - 0.9, z - 0.6), (2.6, 4.2), RIGHT * either_side(rng))
    for _ in range(int(rng.integers(2, 4))):
        stage.person((0.1, 0.9), (z - 2.4, z - 1.8), (0.9, 1.6), RIGHT * either_side(rng))
    stage.person((0.05, 0.95), (z - 3.2, z - 2.8))
    return World(camera, stage.light, day_sky(pool, stage, 0.4, 0.14), stage.surfaces, stage.actors)


def ohlsdorf(pool: TexturePool, rng: np.random.Generator, size: tuple[int, int]) -> World:
    """A junction station under a grey sky, the camera panning across its tracks."""
    camera = look(
        rng, *size, camera_height=(2.6, 3.1), pitch=(0.02, 0.06), forward=(0.0, 0.8),
        pan=(0.04, 0.12), tremble=0.0008,
    )  # fmt: skip
    stage = Stage(pool, rng, camera, daylight(rng, 0.1))
    side = either_side(rng)
    stage.add(put.ground(pool, (0.38, 0.36, 0.33)))
    for x in (0.0, 4.6, -4.6, 16.0 * side):
        stage.add(put.track(pool, x, wooden=stage.chance(0.5)), put.wire(x, 5.3))
    stage.add(put.platform(pool, *span((side * 6.8, side * 13.6)), 12.0, 100.0))
    stage.add(put.train(pool, 16.0 * side, 18.0, 90.0, (0.75, 0.6, 0.15), layer=-1))
    stage.add(put.wall_along(pool, side * 19.0, 15.0, 90.0, 9.0, "brick"))
    stage.add(put.road(pool, *span((-side * 7.2, -side * 15.0)), -5.0, 140.0, True))
    stage.add(put.house(pool, *span((-side * 16.5, -side * 34.0)), 20.0, 60.0, 10.0, "house"))
    for x in (2.3, -2.3):
        masts(stage, x, 1.9 if x < 0 else -1.9, stage.between((18, 26)))
    for z in (18.0, 26.0, 34.0):
        stage.add(put.post(pool, side * 10.2, z, 3.6, 0.3, (0.4, 0.42, 0.4), 0.76))
    for _ in range(int(rng.integers(3, 6))):
        stage.person(
            (0, 1), (16, 27), (0.0, 0.0) if stage.chance(0.35) else (0.8, 1.7),
            y=0.76, x=(side * 7.4, side * 10.8),
        )  # fmt: skip
    stage.person((0.3, 0.7), (11, 15), (0.8, 1.4), worker=True)
    stage.bicycle((0, 1), (17, 22), (1.0, 1.5), NEARER, 0.76, x=(side * 7.6, side * 9.4))
    stage.bicycle((0, 1), (18, 24), (3.0, 5.0), AWAY, x=(-side * 8.0,) * 2)
    stage.car((0, 1), (20, 27), (5.0, 9.0), NEARER, x=(-side * 9.4,) * 2)
    stage.car((0, 1), (30, 40), (5.0, 9.0), AWAY, x=(-side * 12.8,) * 2)
    return World(camera, stage.light, day_sky(pool, stage, 1.0, 0.12), stage.surfaces, stage.actors)
