"""Everything that stands still: tracks, platforms, buildings, trains, trees, masts, the sky."""

from __future__ import annotations

import math

import cv2
import numpy as np

from vcmrender.camera import Camera
from vcmrender.surface import Surface
from vcmrender.textures import (
    Bytes,
    Colour,
    Float,
    TexturePool,
    mix,
    pick,
    tileable,
    to_bytes,
)

_FAR = 700.0


def _alpha(colour: Float, alpha: Float) -> Bytes:
    return np.dstack([to_bytes(colour), to_bytes(alpha)])


# -- ground ------------------------------------------------------------------------------------


def ground(pool: TexturePool, colour: Colour, rough: float = 0.2, grass: bool = False) -> Surface:
    """The open ground out to the horizon."""
    size = 256
    picture = pool.material(colour, size, size, 0.5 * rough, rough, 0.4)
    broad = 1.0 + 0.15 * pool.noise(size, size, 1.6)[..., None]
    picture = picture * broad
    if grass:
        blades = 1.0 + 0.25 * pool.noise(size, size, 0.4)[..., None]
        picture = picture * blades * np.array([1.0, 1.05, 0.9])
    texture = to_bytes(tileable(picture.astype(np.float32)))
    tile = 7.0
    return Surface(
        (-90.0, -0.02, -6.0),
        (180.0, 0.0, 0.0),
        (0.0, 0.0, _FAR),
        texture,
        (180.0 / tile, _FAR / tile),
        layer=-10,
    )


def track(
    pool: TexturePool,
    x: float,
    start: float = -6.0,
    end: float = 180.0,
    ballast: Colour = (0.36, 0.33, 0.30),
    wooden: bool = False,
    dark: float = 1.0,
) -> list[Surface]:
    """A straight track along z at ``x``: ballast, sleepers and two rails."""
    per_metre, length, width = 40, 6.4, 3.4
    rows, columns = int(per_metre * length), int(per_metre * width)
    stones = pool.material(ballast, rows, columns, 0.08, 0.38, 0.4)
    bed = stones
    y = np.arange(rows) / per_metre
    x_axis = (np.arange(columns) + 0.5) / per_metre - width / 2
    beam: Colour = (0.27, 0.19, 0.13) if wooden else (0.55, 0.53, 0.50)
    sleeper = pool.material(pick(pool.rng, (beam,), 0.02), rows, columns, 0.08, 0.1)
    along = (np.abs((y % 0.64) - 0.32) < 0.13).astype(np.float32)[:, None]
    across = (np.abs(x_axis) < 1.28).astype(np.float32)[None, :]
    on = (along * across)[..., None]
    bed = bed * (1 - on) + sleeper * on
    for centre in (-0.7175, 0.7175):
        offset = np.abs(x_axis - centre)[None, :, None]
        foot = np.clip((0.10 - offset) * per_metre + 0.5, 0, 1)
        head = np.clip((0.037 - offset) * per_metre + 0.5, 0, 1)
        rust = np.asarray((0.23, 0.15, 0.10), np.float32)
        steel = np.asarray((0.74, 0.75, 0.78), np.float32)
        gloss = 1.0 + 0.06 * pool.noise(rows, 1, 1.0)[..., None]
        bed = bed * (1 - foot) + rust * foot
        bed = bed * (1 - head) + steel * gloss * head
    # The bed's edges fade into whatever lies beside it.
    edge = np.clip((width / 2 - np.abs(x_axis)) / 0.25, 0, 1)[None, :]
    ragged = np.clip(edge * 1.6 - 0.35 * (1 - edge) * np.abs(pool.noise(rows, columns, 0.4)), 0, 1)
    texture = _alpha((bed * dark).astype(np.float32), ragged.astype(np.float32))
    return [
        Surface(
            (x - width / 2, 0.0, start),
            (width, 0.0, 0.0),
            (0.0, 0.0, end - start),
            texture,
            (1.0, (end - start) / length),
            layer=-6,
        )
    ]


def road(
    pool: TexturePool,
    x0: float,
    x1: float,
    z0: float,
    z1: float,
    along_z: bool,
    marked: bool = True,
    level: float = 0.01,
    colour: Colour = (0.30, 0.30, 0.31),
) -> Surface:
    """An asphalt rectangle; the centre line runs along z or along x."""
    rows, columns, tile = 256, 192, 8.0
    width = (x1 - x0) if along_z else (z1 - z0)
    length = (z1 - z0) if along_z else (x1 - x0)
    picture = pool.material(colour, rows, columns, 0.08, 0.12, 0.4)
    picture = picture * (1.0 + 0.08 * pool.noise(rows, columns, 1.6)[..., None])
    across = (np.arange(columns) + 0.5) / columns * width
    forward = np.arange(rows) / rows * tile
    if marked:
        dash = (forward % 4.0 < 2.2)[:, None] & (np.abs(across - width / 2) < 0.09)[None, :]
        edge = (np.abs(across - 0.25) < 0.07) | (np.abs(across - width + 0.25) < 0.07)
        paint = np.maximum(dash, edge[None, :]).astype(np.float32)[..., None]
        worn = np.clip(0.85 + 0.2 * pool.noise(rows, columns, 0.4), 0.3, 1.0)[..., None]
        picture = picture * (1 - paint * worn) + 0.82 * paint * worn
    kerb = ((across < 0.12) | (across > width - 0.12)).astype(np.float32)[None, :, None]
    picture = picture * (1 - kerb) + 0.6 * kerb
    texture = to_bytes(tileable(picture.astype(np.float32), along_x=False))
    if along_z:
        return Surface(
            (x0, level, z0), (x1 - x0, 0.0, 0.0), (0.0, 0.0, z1 - z0), texture,
            (1.0, length / tile), layer=-5,
        )  # fmt: skip
    return Surface(
        (x0, level, z0),
        (x1 - x0, 0.0, 0.0),
        (0.0, 0.0, z1 - z0),
        np.ascontiguousarray(texture.transpose(1, 0, 2)),
        (length / tile, 1.0),
        layer=-5,
    )


def platform(
    pool: TexturePool,
    x0: float,
    x1: float,
    z0: float,
    z1: float,
    height: float = 0.76,
    colour: Colour = (0.58, 0.56, 0.53),
) -> list[Surface]:
    """A raised platform between ``x0`` and ``x1``, with paving, white lines and a concrete edge."""
    rows, columns, tile = 256, 160, 6.0
    width = x1 - x0
    picture = pool.material(pick(pool.rng, (colour,), 0.03), rows, columns, 0.08, 0.08)
    across = (np.arange(columns) + 0.5) / columns * width
    forward = np.arange(rows) / rows * tile
    joint = (forward % 0.75 < 0.04)[:, None] | (across % 0.6 < 0.04)[None, :]
    picture = picture * (1 - 0.22 * joint[..., None])
    for edge in (0.85, width - 0.85):
        line = (np.abs(across - edge) < 0.09).astype(np.float32)[None, :, None]
        picture = picture * (1 - line) + 0.92 * line
    rim = ((across < 0.3) | (across > width - 0.3)).astype(np.float32)[None, :, None]
    picture = picture * (1 + 0.18 * rim)
    top = to_bytes(tileable(picture.astype(np.float32), along_x=False))
    wall = pool.material((0.42, 0.40, 0.38), 32, 256, 0.15, 0.15)
    wall = wall * np.linspace(1.0, 0.55, 32)[:, None, None]
    face = to_bytes(tileable(wall.astype(np.float32), along_y=False))
    length = z1 - z0
    return [
        Surface(
            (x0, height, z0), (width, 0.0, 0.0), (0.0, 0.0, length), top,
            (1.0, length / tile), layer=2,
        ),
        Surface(
            (x0, height, z0), (0.0, 0.0, length), (0.0, -height, 0.0), face,
            (length / 6.0, 1.0), layer=1,
        ),
        Surface(
            (x1, height, z0), (0.0, 0.0, length), (0.0, -height, 0.0), face,
            (length / 6.0, 1.0), layer=1,
        ),
        Surface(
            (x0, height, z0), (width, 0.0, 0.0), (0.0, -height, 0.0), face,
            (1.0, 1.0), layer=1,
        ),
    ]  # fmt: skip


# -- buildings and walls -----------------------------------------------------------------------

_WALLS: tuple[Colour, ...] = (
    (0.55, 0.30, 0.22),
    (0.72, 0.66, 0.55),
    (0.62, 0.61, 0.59),
    (0.45, 0.38, 0.32),
    (0.70, 0.55, 0.40),
)


def facade(pool: TexturePool, width: float, height: float, style: str = "house") -> Bytes:
    """A wall with windows ("house", "glass", "brick") or without ("plain"), uint8 h x w x 3."""
    per_metre = 24.0 if width * height < 900 else 14.0
    columns = int(np.clip(width * per_metre, 64, 900))
    rows = int(np.clip(height * per_metre, 48, 420))
    colour = pick(pool.rng, _WALLS, 0.04)
    if style == "brick":
        colour = pick(pool.rng, (_WALLS[0],), 0.03)
    if style == "plain":
        colour = pick(pool.rng, ((0.5, 0.49, 0.47), (0.42, 0.38, 0.33)), 0.03)
    picture = pool.material(colour, rows, columns, 0.16, 0.12)
    y = (np.arange(rows) + 0.5)[:, None] / rows * height
    x = (np.arange(columns) + 0.5)[None, :] / columns * width
    if style == "brick":
        course = np.floor(y / 0.25)
        mortar = ((y % 0.25) < 0.06) | (((x + 0.25 * (course % 2)) % 0.5) < 0.05)
        picture = picture * (1 - 0.18 * mortar[..., None])
    if style in ("house", "brick", "glass"):
        pitch_x, pitch_y = (1.7, 1.9) if style == "glass" else (2.6, 3.0)
        share_x, share_y = (0.86, 0.8) if style == "glass" else (0.46, 0.52)
        in_x = np.abs((x / pitch_x) % 1.0 - 0.5) < share_x / 2
        in_y = np.abs((y / pitch_y) % 1.0 - 0.5) < share_y / 2
        pane = (in_x & in_y).astype(np.float32)[..., None]
        mirror = pool.crop(rows, columns)
        cells = pool.rng.uniform(0.25, 1.1, (64, 128))
        row_index = np.floor(y / pitch_y).astype(int) % 64
        column_index = np.floor(x / pitch_x).astype(int) % 128
        tone = cells[row_index, column_index][..., None]
        glass = np.clip(0.1 + 0.45 * mirror * tone, 0, 1)
        rim_x = np.abs((x / pitch_x) % 1.0 - 0.5) < share_x / 2 + 0.05
        rim_y = np.abs((y / pitch_y) % 1.0 - 0.5) < share_y / 2 + 0.04
        rim = (rim_x & rim_y).astype(np.float32)[..., None]
        picture = picture * (1 - rim) + 0.78 * rim
        picture = picture * (1 - pane) + glass * pane
    picture = picture * np.linspace(1.04, 0.86, rows)[:, None, None]
    return to_bytes(picture.astype(np.float32))


def wall_along(
    pool: TexturePool,
    x: float,
    z0: float,
    z1: float,
    height: float,
    style: str = "house",
    base: float = 0.0,
    layer: int = -3,
) -> Surface:
    """A wall parallel to the tracks."""
    length = z1 - z0
    return Surface(
        (x, base + height, z0),
        (0.0, 0.0, length),
        (0.0, -height, 0.0),
        facade(pool, length, height, style),
        layer=layer,
    )


def wall_across(
    pool: TexturePool,
    x0: float,
    x1: float,
    z: float,
    height: float,
    style: str = "house",
    base: float = 0.0,
    layer: int = -4,
) -> Surface:
    """A wall that faces the camera."""
    return Surface(
        (x0, base + height, z),
        (x1 - x0, 0.0, 0.0),
        (0.0, -height, 0.0),
        facade(pool, x1 - x0, height, style),
        layer=layer,
    )


def house(
    pool: TexturePool, x0: float, x1: float, z0: float, z1: float, height: float, style: str
) -> list[Surface]:
    """A block: the front and the flank that the camera (near x = 0) sees."""
    inner = x1 if x1 < 0 else x0
    return [
        wall_along(pool, inner, z0, z1, height, style, layer=-3),
        wall_across(pool, x0, x1, z0, height, style, layer=-3),
    ]


def poster(
    pool: TexturePool,
    x: float,
    y: float,
    z: float,
    width: float,
    height: float,
    across: bool = True,
) -> Surface:
    """A photograph on a board."""
    picture = pool.crop(96, 128)
    gain = 0.8 + 0.3 * pool.rng.random(3)
    picture = np.clip(picture[..., pool.rng.permutation(3)] * gain, 0, 1)
    picture[:4] = picture[-4:] = 0.85
    picture[:, :4] = picture[:, -4:] = 0.85
    along = (width, 0.0, 0.0) if across else (0.0, 0.0, width)
    return Surface(
        (x, y + height, z),
        along,
        (0.0, -height, 0.0),
        to_bytes(picture),
        occluder=across,
        layer=3,
    )


# -- trains ------------------------------------------------------------------------------------


def train(
    pool: TexturePool, x: float, z0: float, z1: float, colour: Colour, layer: int = 0
) -> list[Surface]:
    """A standing train: long side with windows and doors, and the end that the camera sees."""
    rows, columns, coach = 96, 512, 20.0
    picture = pool.material(colour, rows, columns, 0.05, 0.04)
    mirror = cv2.GaussianBlur(pool.crop(rows, columns), (0, 0), 1.0)
    picture = np.asarray(0.85 * picture + 0.15 * mirror)
    y = (np.arange(rows) + 0.5)[:, None] / rows * 3.9
    across = (np.arange(columns) + 0.5)[None, :] / columns * coach
    band = ((y > 0.95) & (y < 2.0)).astype(np.float32)[..., None]
    stripe: Colour = pick(pool.rng, ((0.9, 0.9, 0.9), (0.1, 0.1, 0.12), (0.8, 0.7, 0.2)), 0.03)
    picture = picture * (1 - band) + np.asarray(mix(colour, (0.1, 0.1, 0.12), 0.55)) * band
    window = ((y > 1.02) & (y < 1.9) & (np.abs((across / 1.9) % 1.0 - 0.5) < 0.4)).astype(
        np.float32
    )[..., None]
    picture = picture * (1 - window) + (0.08 + 0.5 * mirror) * window
    for door in (3.6, 10.0, 16.4):
        leaf = ((np.abs(across - door) < 0.7) & (y > 0.8)).astype(np.float32)[..., None]
        gap = (np.abs(np.abs(across - door) - 0.7) < 0.04) | (np.abs(across - door) < 0.02)
        tint = np.asarray(mix(colour, stripe, 0.75))
        glass = (np.abs(np.abs(across - door) - 0.35) < 0.2) & (y > 1.1) & (y < 2.3)
        picture = picture * (1 - leaf) + tint * leaf
        picture = picture * (1 - 0.6 * (gap & (y > 0.8))[..., None])
        picture = np.where(glass[..., None], 0.08 + 0.35 * mirror, picture)
    line = (np.abs(y - 2.55) < 0.1).astype(np.float32)[..., None]
    picture = picture * (1 - line) + np.asarray(stripe) * line
    under = (y > 3.0).astype(np.float32)[..., None]
    gear = 0.06 + 0.05 * np.abs(pool.noise(rows, columns, 1.0))[..., None]
    picture = picture * (1 - under) + gear * under
    picture = picture * np.linspace(1.1, 0.85, rows)[:, None, None]
    seam = (np.abs(across % coach) < 0.12).astype(np.float32)[..., None]
    picture = picture * (1 - 0.8 * seam)
    inner = x - 1.45 if x > 0 else x + 1.45
    length = z1 - z0
    front = pool.material(colour, 96, 72, 0.05, 0.04)
    fy = (np.arange(96) + 0.5)[:, None] / 96 * 3.9
    fx = np.abs((np.arange(72) + 0.5)[None, :] / 72 * 2 - 1)
    screen = ((fy > 0.9) & (fy < 1.9) & (fx < 0.82)).astype(np.float32)[..., None]
    reflection = 0.06 + 0.4 * pool.crop(96, 72)
    front = front * (1 - screen) + reflection * screen
    lamps = (np.hypot((fx - 0.68) * 1.45, fy - 2.7) < 0.14)[..., None]
    front = np.where(lamps, 0.98, front)
    front = np.where((fy > 3.0)[..., None], 0.07, front)
    corner = np.clip((1.0 - np.maximum(fx - 0.75, 0) * 3.0 - np.maximum(0.5 - fy, 0)) * 8, 0, 1)
    return [
        Surface(
            (inner, 3.9, z0), (0.0, 0.0, length), (0.0, -3.9, 0.0),
            to_bytes(picture.astype(np.float32)), (length / coach, 1.0), layer=layer,
        ),
        Surface(
            (x - 1.45, 3.9, z0), (2.9, 0.0, 0.0), (0.0, -3.9, 0.0),
            _alpha(front.astype(np.float32), corner.astype(np.float32)), layer=layer,
        ),
    ]  # fmt: skip


# -- slender things ----------------------------------------------------------------------------


def _bar_texture(pool: TexturePool, colour: Colour) -> Bytes:
    across = 1.2 - 0.55 * np.abs(np.linspace(-0.7, 1, 12))[None, :, None]
    return to_bytes((pool.material(colour, 64, 12, 0.08, 0.08) * across).astype(np.float32))


def mast(
    pool: TexturePool, x: float, z: float, arm: float = 0.0, occluder: bool = True
) -> list[Surface]:
    """A catenary mast; ``arm`` metres of cantilever towards the track (sign gives the side)."""
    colour = pick(pool.rng, ((0.42, 0.45, 0.43), (0.5, 0.5, 0.5), (0.3, 0.32, 0.3)), 0.03)
    texture = _bar_texture(pool, colour)
    width = 0.32
    parts = [
        Surface(
            (x - width / 2, 7.2, z), (width, 0.0, 0.0), (0.0, -7.2, 0.0), texture,
            occluder=occluder, layer=4,
        )
    ]  # fmt: skip
    if arm:
        parts.append(
            Surface(
                (x, 6.35, z), (arm, 0.0, 0.0), (0.0, -0.12, 0.0),
                np.ascontiguousarray(texture.transpose(1, 0, 2)), layer=4,
            )
        )  # fmt: skip
        parts.append(
            Surface(
                (x, 5.2, z), (arm, 0.9, 0.0), (0.0, -0.1, 0.0),
                np.ascontiguousarray(texture.transpose(1, 0, 2)), layer=4,
            )
        )  # fmt: skip
    return parts


def wire(x: float, height: float, start: float = -4.0, end: float = 160.0) -> Surface:
    """The contact wire above a track."""
    texture = np.full((4, 4, 4), (52, 54, 58, 190), np.uint8)
    return Surface((x, height, start), (0.0, 0.0, end - start), (0.0, -0.02, 0.0), texture, layer=4)


def post(
    pool: TexturePool,
    x: float,
    z: float,
    height: float,
    width: float,
    colour: Colour,
    base: float = 0.0,
) -> Surface:
    """An upright post or column that can hide what is behind it."""
    return Surface(
        (x - width / 2, base + height, z),
        (width, 0.0, 0.0),
        (0.0, -height, 0.0),
        _bar_texture(pool, colour),
        occluder=True,
        layer=4,
    )


def signal(pool: TexturePool, x: float, z: float) -> list[Surface]:
    """A railway signal: post, black screen, one lit lamp."""
    screen = np.full((48, 24, 3), 0.05, np.float32)
    rows, columns = np.mgrid[0:48, 0:24]
    red = bool(pool.rng.random() < 0.5)
    centre = (14, 12) if red else (32, 12)
    lamp = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / 14.0)[..., None]
    colour = np.asarray((1.0, 0.1, 0.08) if red else (0.2, 1.0, 0.35))
    screen = np.clip(screen + lamp * colour, 0, 1)
    return [
        post(pool, x, z, 4.0, 0.15, (0.4, 0.4, 0.4)),
        Surface(
            (x - 0.27, 4.5, z), (0.54, 0.0, 0.0), (0.0, -1.05, 0.0),
            to_bytes(screen.astype(np.float32)), occluder=True, layer=4,
        ),
    ]  # fmt: skip


def fence(
    pool: TexturePool,
    x0: float,
    z0: float,
    x1: float,
    z1: float,
    height: float = 1.1,
    base: float = 0.0,
    kind: str = "bars",
    occluder: bool = True,
) -> Surface:
    """A fence between two ground points: "bars", "mesh" or "boards"."""
    rows, columns, tile = 64, 128, 2.5
    y = np.arange(rows)[:, None] / rows
    x = np.arange(columns)[None, :] / columns * tile
    if kind == "mesh":
        diagonal = ((x * 12 + y * 10) % 1.0 < 0.2) | ((x * 12 - y * 10) % 1.0 < 0.2)
        alpha = np.where(diagonal, 0.55, 0.06) * np.ones((rows, columns))
        alpha = np.where((y < 0.05) | (x % tile < 0.08), 1.0, alpha)
    elif kind == "boards":
        alpha = np.where((x % 0.16) < 0.145, 1.0, 0.0) * np.ones((rows, columns))
    else:
        alpha = np.where((x % 0.14) < 0.03, 0.9, 0.0) * np.ones((rows, columns))
        alpha = np.where((y < 0.06) | ((y > 0.86) & (y < 0.92)) | (x % tile < 0.07), 1.0, alpha)
    colour = pick(
        pool.rng,
        ((0.45, 0.33, 0.22),) if kind == "boards" else ((0.35, 0.38, 0.37), (0.2, 0.3, 0.25)),
        0.04,
    )
    picture = pool.material(colour, rows, columns, 0.1, 0.1)
    length = math.hypot(x1 - x0, z1 - z0)
    return Surface(
        (x0, base + height, z0),
        (x1 - x0, 0.0, z1 - z0),
        (0.0, -height, 0.0),
        _alpha(picture, alpha.astype(np.float32)),
        (max(1.0001, length / tile), 1.0),
        occluder=occluder,
        layer=3,
    )


# -- plants ------------------------------------------------------------------------------------

_GREENS: tuple[Colour, ...] = (
    (0.22, 0.33, 0.12),
    (0.30, 0.36, 0.14),
    (0.16, 0.26, 0.12),
    (0.42, 0.38, 0.14),
    (0.38, 0.27, 0.13),
)


def tree(pool: TexturePool, x: float, z: float, height: float, occluder: bool = False) -> Surface:
    """A tree: a cloud of photographed leaves on a trunk."""
    rows, columns = 160, 128
    leaves = pool.leaves(rows, columns, pick(pool.rng, _GREENS, 0.03))
    leaves = leaves * (1 + 0.22 * pool.noise(rows, columns, 0.4)[..., None])
    y, x_axis = np.mgrid[0:rows, 0:columns]
    u, v = (x_axis / columns - 0.5) / 0.46, (y / rows - 0.42) / 0.41
    lumps = 0.34 * pool.noise(rows, columns, 1.6) + 0.16 * pool.noise(rows, columns, 1.0)
    crown = np.clip((1.0 - np.sqrt(u**2 + v**2) + lumps * 0.6) * 9, 0, 1)
    # Nothing may touch the texture's border, or the tree would end in a straight line.
    border = np.minimum.reduce([x_axis, columns - 1 - x_axis, y]) / 6.0
    crown = crown * np.clip(border + 0.4 * pool.noise(rows, columns, 1.0), 0, 1)
    light = np.clip(1.15 - 0.5 * v[..., None] * 0.6 - 0.15 * u[..., None], 0.5, 1.5)
    leaves = np.clip(leaves * light, 0, 1)
    trunk = ((np.abs(x_axis / columns - 0.5) < 0.03) & (y / rows > 0.6)).astype(np.float32)
    bark = np.asarray((0.22, 0.17, 0.12), np.float32)
    colour = np.where(crown[..., None] > 0.5, leaves, bark)
    alpha = np.maximum(crown, trunk)
    width = height * 0.78
    return Surface(
        (x - width / 2, height, z),
        (width, 0.0, 0.0),
        (0.0, -height, 0.0),
        _alpha(colour.astype(np.float32), alpha.astype(np.float32)),
        occluder=occluder,
        layer=-2 if not occluder else 4,
    )


def hedge(
    pool: TexturePool, x: float, z0: float, z1: float, height: float, layer: int = -1
) -> Surface:
    """A row of bushes parallel to the tracks."""
    length = z1 - z0
    rows, columns = 96, int(np.clip(length * 14, 128, 640))
    leaves = pool.leaves(rows, columns, pick(pool.rng, _GREENS, 0.03))
    leaves = leaves * np.linspace(1.2, 0.6, rows)[:, None, None]
    top = 0.22 + 0.12 * pool.noise(1, columns, 1.6) + 0.06 * pool.noise(1, columns, 1.0)
    y = (np.arange(rows) / rows)[:, None]
    alpha = np.clip((y - top) * 14 + 0.8 * pool.noise(rows, columns, 0.4) * 0.6, 0, 1)
    return Surface(
        (x, height, z0),
        (0.0, 0.0, length),
        (0.0, -height, 0.0),
        _alpha(np.clip(leaves, 0, 1).astype(np.float32), alpha.astype(np.float32)),
        layer=layer,
    )


def bank(pool: TexturePool, x0: float, x1: float, z0: float, z1: float, height: float) -> Surface:
    """A grassy slope that rises from ``x0`` to ``x1``."""
    rows, columns = 128, 256
    picture = pool.leaves(rows, columns, pick(pool.rng, _GREENS[:3], 0.03), 0.35)
    picture = picture * (1 + 0.1 * pool.noise(rows, columns, 0.4)[..., None])
    texture = to_bytes(tileable(picture.astype(np.float32), along_y=False))
    length = z1 - z0
    return Surface(
        (x0, 0.0, z0),
        (0.0, 0.0, length),
        (x1 - x0, height, 0.0),
        texture,
        (max(1.0001, length / 10.0), 1.0),
        layer=-4,
    )


# -- the sky -----------------------------------------------------------------------------------


class Panorama:
    """What lies infinitely far: sky, clouds, a skyline. Turns with the camera, never comes closer.

    Args:
        zenith, horizon: colours of the sky.
        clouds: 0 (clear) .. 1 (overcast).
        skyline: height of the skyline as a share of the picture's height, 0 for none.
        below: colour under the horizon, where no ground is drawn.
    """

    def __init__(
        self,
        pool: TexturePool,
        camera: Camera,
        zenith: Colour,
        horizon: Colour,
        clouds: float = 0.5,
        skyline: float = 0.12,
        below: Colour = (0.4, 0.38, 0.35),
    ) -> None:
        width, height = int(camera.width * 2.6), int(camera.height * 1.6)
        self.horizon = int(height * 0.62)
        # Clouds are soft: half the resolution is enough.
        rows, columns = self.horizon // 2, width // 2
        y = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None]
        sky = np.asarray(zenith, np.float32) * (1 - y) + np.asarray(horizon, np.float32) * y
        puffs = pool.noise(rows, columns, 1.6, 3.0) + 0.35 * pool.noise(rows, columns, 1.6)
        # Clouds flatten towards the horizon and melt into its haze.
        mist = np.clip(0.3 * puffs + 0.15 + 0.75 * clouds, 0, 1)[..., None] * (1 - 0.6 * y)
        white = np.asarray(mix(horizon, (1.0, 1.0, 1.0), 0.55), np.float32)
        shade = 1.0 - 0.05 * np.clip(puffs - 0.4 * np.roll(puffs, 4, axis=0), -2, 2)[..., None]
        sky = np.clip(sky * (1 - mist) + white * shade * mist, 0, 1).astype(np.float32)
        picture = np.empty((height, width, 3), np.float32)
        picture[: self.horizon] = cv2.resize(sky, (width, self.horizon))
        picture[self.horizon :] = below
        if skyline > 0:
            self._skyline(pool, picture, int(skyline * camera.height), horizon)
        self.picture = to_bytes(picture)

    def _skyline(self, pool: TexturePool, picture: Float, rows: int, horizon: Colour) -> None:
        width = picture.shape[1]
        rows = max(rows, 8)
        leaves = pool.leaves(rows, width, pick(pool.rng, _GREENS, 0.03))
        leaves = 0.55 * leaves + 0.45 * np.asarray(horizon, np.float32)
        top = 0.35 + 0.22 * pool.noise(1, width, 1.6, 1.5) + 0.07 * pool.noise(1, width, 1.0)
        y = np.linspace(0, 1, rows)[:, None]
        alpha = np.clip((y - np.clip(top, 0.0, 0.8)) * rows / 2, 0, 1)
        left = 0
        houses = pool.rng.random() < 0.7
        while houses and left < width:
            step = int(pool.rng.integers(30, 120))
            if pool.rng.random() < 0.45:
                tall = int(rows * pool.rng.uniform(0.5, 1.0))
                wide = min(step, int(pool.rng.integers(14, 50)), width - left)
                if wide > 4 and tall > 4:
                    block = facade(pool, wide * 0.35, tall * 0.35).astype(np.float32) / 255
                    block = np.asarray(
                        cv2.resize(block, (wide, tall), interpolation=cv2.INTER_AREA)
                    )
                    leaves[rows - tall :, left : left + wide] = 0.6 * block + 0.4 * np.asarray(
                        horizon, np.float32
                    )
                    alpha[rows - tall :, left : left + wide] = 1.0
            left += step
        region = picture[self.horizon - rows : self.horizon]
        region *= 1 - alpha[..., None]
        region += np.clip(leaves, 0, 1) * alpha[..., None]

    def draw(self, canvas: Bytes, camera: Camera) -> None:
        """Fill ``canvas`` (uint8 H x W x 3, in place) with the view in the camera's direction."""
        height, width = canvas.shape[:2]
        dx = self.picture.shape[1] / 2 + camera.focal * math.tan(camera.yaw) - (width - 1) / 2
        dy = self.horizon + camera.focal * math.tan(camera.pitch) - (height - 1) / 2
        move = np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]])
        canvas[:] = cv2.warpAffine(
            self.picture,
            move,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
