"""Cars: an extruded body of textured faces, so that every aspect is right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from vcmrender.camera import Array, Camera
from vcmrender.lighting import Light
from vcmrender.person import Frame3
from vcmrender.sprite import Layer, Patch, Sprite, shadow
from vcmrender.textures import Colour, Float, TexturePool, pick

_PAINT: tuple[Colour, ...] = (
    (0.08, 0.08, 0.09),
    (0.75, 0.76, 0.78),
    (0.5, 0.52, 0.55),
    (0.55, 0.08, 0.08),
    (0.1, 0.18, 0.42),
    (0.85, 0.85, 0.83),
    (0.2, 0.35, 0.25),
    (0.75, 0.6, 0.1),
    (0.3, 0.24, 0.2),
)


@dataclass(frozen=True)
class Shape:
    """Side profile of a car, metres: (forward, up) from the rear bumper over the roof to the front.

    Vertices: rear low, rear high (boot or hatch edge), roof rear, roof front, bonnet rear, bonnet
    front, front low.
    """

    profile: tuple[tuple[float, float], ...]
    width: float
    axles: tuple[float, float]


SHAPES: dict[str, Shape] = {
    "sedan": Shape(
        ((-2.2, 0.3), (-2.2, 0.95), (-1.55, 1.0), (-0.95, 1.42), (0.3, 1.42), (1.0, 0.96),
         (2.15, 0.78), (2.2, 0.3)),
        1.78,
        (-1.35, 1.35),
    ),
    "hatchback": Shape(
        ((-1.95, 0.3), (-1.98, 0.85), (-1.9, 0.98), (-1.5, 1.48), (0.15, 1.5), (0.95, 1.0),
         (1.9, 0.8), (1.95, 0.3)),
        1.74,
        (-1.25, 1.25),
    ),
    "estate": Shape(
        ((-2.3, 0.3), (-2.32, 0.85), (-2.28, 1.0), (-2.0, 1.48), (0.3, 1.48), (1.05, 0.98),
         (2.2, 0.8), (2.25, 0.3)),
        1.8,
        (-1.4, 1.4),
    ),
    "offroad": Shape(
        ((-2.2, 0.42), (-2.22, 0.95), (-2.2, 1.1), (-1.95, 1.72), (0.3, 1.72), (0.95, 1.15),
         (2.1, 1.02), (2.2, 0.42)),
        1.88,
        (-1.35, 1.35),
    ),
}  # fmt: skip

_RADIUS = 0.33
_TEXELS = 44.0


def _panel(pool: TexturePool, paint: Colour, rows: int, columns: int, gloss: float = 0.12) -> Float:
    """Painted metal: the colour, a soft reflection of the surroundings, a little dirt."""
    sheet = pool.material(paint, rows, columns, 0.03, 0.02)
    mirror = pool.crop(max(4, rows // 6), max(4, columns // 6), 0.25)
    mirror = np.asarray(
        cv2.resize(mirror, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32
    )
    return np.asarray(np.clip(sheet * (1 - gloss) + gloss * mirror, 0, 1), np.float32)


def _glass(pool: TexturePool, rows: int, columns: int) -> Float:
    """A window: dark inside, a photograph's reflection fading downwards."""
    mirror = cv2.GaussianBlur(pool.crop(rows, columns), (0, 0), 1.2)
    fade = np.linspace(0.55, 0.15, rows)[:, None, None]
    return np.asarray(np.clip(0.05 + mirror * fade, 0, 1), np.float32)


def _side(pool: TexturePool, shape: Shape, paint: Colour) -> Float:
    """The flank with windows, door gaps, sill and arches; h x w x 4, premultiplied."""
    outline = np.asarray(shape.profile)
    low, high = outline.min(axis=0), outline.max(axis=0)
    columns = int((high[0] - low[0]) * _TEXELS)
    rows = int((high[1] - low[1]) * _TEXELS)

    def texels(points: Array) -> Array:
        return np.column_stack(
            [(points[:, 0] - low[0]) * _TEXELS, (high[1] - points[:, 1]) * _TEXELS]
        )

    def fill(points: Array) -> Float:
        mask = np.zeros((rows, columns), np.uint8)
        fixed = np.round((texels(points) - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, shift=4)
        return np.asarray(mask, np.float32) / np.float32(255)

    body = _panel(pool, paint, rows, columns)
    up = np.linspace(1.12, 0.72, rows)[:, None, None]
    body = body * up
    belt = shape.profile[5][1]
    roof_rear, roof_front = outline[3], outline[4]
    rear, front = outline[2], outline[5]
    middle = 0.5 * (roof_rear[0] + roof_front[0]) + 0.1
    glass = _glass(pool, rows, columns)
    drop = np.array([0.0, -0.07])
    panes = [
        np.array(
            [
                [max(rear[0] + 0.25, rear[0]), belt + 0.02],
                roof_rear + drop + [0.08, 0.0],
                [middle - 0.05, roof_rear[1] - 0.07],
                [middle - 0.05, belt + 0.0],
            ]
        ),
        np.array(
            [
                [middle + 0.05, belt],
                [middle + 0.05, roof_front[1] - 0.07],
                roof_front + drop + [-0.03, 0.0],
                [front[0] - 0.15, belt],
            ]
        ),
    ]
    for pane in panes:
        weight = fill(pane)[..., None]
        body = body * (1 - weight) + glass * weight
    lines = np.zeros((rows, columns), np.float32)
    for x in (middle, front[0] - 0.12, rear[0] + 0.4):
        column = int((x - low[0]) * _TEXELS)
        top, bottom = int((high[1] - belt) * _TEXELS), rows - 6
        lines[top:bottom, max(0, column - 1) : column + 1] = 1.0
    body = body * (1 - 0.55 * lines[..., None])
    for x in (middle - 0.3, front[0] - 0.95):
        column, row = int((x - low[0]) * _TEXELS), int((high[1] - belt + 0.12) * _TEXELS)
        body[row : row + 2, column : column + 8] *= 0.5
    body[rows - 7 :] *= 0.35
    # Lamps at both ends.
    lamp = int((high[1] - belt + 0.13) * _TEXELS)
    body[lamp : lamp + 8, -13:] = (0.9, 0.9, 0.82)
    body[lamp - 3 : lamp + 8, :8] = (0.7, 0.08, 0.06)
    alpha = fill(outline)
    arches = np.zeros((rows, columns), np.uint8)
    for x in shape.axles:
        centre = (int((x - low[0]) * _TEXELS), int((high[1] - _RADIUS) * _TEXELS))
        cv2.circle(arches, centre, int((_RADIUS + 0.07) * _TEXELS), 255, -1, cv2.LINE_AA)
    dark = (arches.astype(np.float32) / 255)[..., None]
    body = np.clip(body * (1 - dark) + 0.03 * dark, 0, 1)
    return np.dstack([body * alpha[..., None], alpha]).astype(np.float32)


def _wheel(rng: np.random.Generator) -> Patch:
    size = 64
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, axis)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    spokes = int(rng.integers(5, 8))
    alpha = np.clip((1.0 - radius) * size / 2, 0, 1)
    star = (np.cos(angle * spokes) > -0.1) & (radius < 0.62)
    colour = np.full((size, size, 3), 0.05)
    colour[radius < 0.66] = 0.16
    colour[star] = rng.uniform(0.5, 0.75)
    colour[(radius > 0.60) & (radius < 0.67)] = 0.55
    colour[radius < 0.14] = 0.3
    return Patch.shaped(colour.astype(np.float32), alpha.astype(np.float32))


def _end(pool: TexturePool, paint: Colour, front: bool) -> Patch:
    """Front (grille, white lamps) or rear (red lamps), with number plate and bumper."""
    rows, columns = 32, 72
    face = _panel(pool, paint, rows, columns) * np.linspace(1.08, 0.7, rows)[:, None, None]
    lamp: Colour = (0.95, 0.95, 0.86) if front else (0.72, 0.06, 0.05)
    face[4:13, 3:16] = lamp
    face[4:13, -16:-3] = lamp
    if front:
        face[6:14, 22:50] = 0.06
        face[8:9, 22:50] = 0.4
        face[11:12, 22:50] = 0.4
    face[19:25, 26:46] = (0.86, 0.86, 0.84)
    face[21:23, 28:44] = 0.25
    face[26:] *= 0.35
    alpha = np.ones((rows, columns), np.float32)
    return Patch.shaped(np.asarray(np.clip(face, 0, 1), np.float32), alpha)


class Car:
    """A car that drives straight on, or is parked.

    Args:
        start: ground point under the middle at time 0, world metres.
        velocity: metres per second; zero parks it.
        heading: direction of a parked car, radians as in ``Frame3``.
    """

    categories: tuple[str, ...] = ("car",)

    def __init__(
        self,
        pool: TexturePool,
        rng: np.random.Generator,
        light: Light,
        start: tuple[float, float, float],
        velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
        heading: float | None = None,
    ) -> None:
        self.start = start
        self.velocity = velocity
        self.light = light
        self.speed = math.hypot(velocity[0], velocity[2])
        if self.speed > 0.05:
            self.heading = math.atan2(velocity[0], velocity[2])
        else:
            self.heading = float(rng.uniform(-math.pi, math.pi)) if heading is None else heading
        self.shape = SHAPES[str(rng.choice(sorted(SHAPES)))]
        paint = pick(rng, _PAINT, 0.04)
        side = _side(pool, self.shape, paint)
        outline = np.asarray(self.shape.profile)
        top, bottom = outline[:, 1].max(), outline[:, 1].min()
        cut = round(side.shape[0] * (top - self.shape.profile[5][1]) / (top - bottom))
        self.upper_side, self.lower_side = Patch(side[:cut]), Patch(side[cut:])
        self.wheel = _wheel(rng)
        self.front = _end(pool, paint, True)
        self.rear = _end(pool, paint, False)
        opaque = np.ones((40, 64), np.float32)
        self.sheet = Patch.shaped(_panel(pool, paint, 40, 64, 0.25), opaque)
        pane = _glass(pool, 40, 64)
        frame = np.ones((40, 64), np.float32)
        frame[3:-3, 4:-4] = 0
        pane = pane * (1 - frame[..., None]) + np.asarray(paint, np.float32) * frame[..., None]
        self.pane = Patch.shaped(pane.astype(np.float32), opaque)

    def position(self, time: float) -> tuple[float, float, float]:
        """The ground point under the middle, world metres."""
        x, y, z = (s + v * time for s, v in zip(self.start, self.velocity, strict=True))
        return x, y, z

    def layers(self, camera: Camera, time: float) -> list[Layer]:
        """Shadow and car, back to front."""
        base = self.position(time)
        frame = Frame3(base, self.heading)
        profile = np.asarray(self.shape.profile)
        half = self.shape.width / 2
        # The roof is narrower than the body.
        inset = np.where(profile[:, 1] > 1.2, half - 0.17, half)
        left = np.column_stack([profile[:, 0], inset, profile[:, 1]])
        right = left * [1.0, -1.0, 1.0]
        ground = np.array([[x, s * half, 0.0] for x in (-2.2, 2.2) for s in (-1, 1)])
        world = frame.world(np.vstack([left, right, ground]))
        seen = camera.project(world)
        if seen[:, 2].min() < 1.2:
            return []
        sin, cos = math.sin(self.heading), math.cos(self.heading)
        layers: list[Layer] = []
        dark = shadow(
            camera,
            base,
            (2.5 * sin, 2.5 * cos),
            (1.25 * cos, -1.25 * sin),
            min(0.9, self.light.shadow + 0.3),
        )
        if dark is not None:
            layers.append(dark)
        low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
        sprite = Sprite((float(low[0]), float(low[1])), (float(high[0]), float(high[1])), camera)
        if sprite.empty:
            return []
        count = len(profile)
        turn = self.speed * time / _RADIUS
        to_camera = np.array([camera.position[0] - base[0], 0.0, camera.position[2] - base[2]])
        leftward = np.array([-cos, 0.0, sin])
        near = 1.0 if float(to_camera @ leftward) > 0 else -1.0
        self._wheels(sprite, camera, frame, -near * (half - 0.1), turn, 0.6)
        faces = []
        for index in range(count - 1):
            quad = np.stack(
                [
                    seen[index + 1, :2],
                    seen[count + index + 1, :2],
                    seen[count + index, :2],
                    seen[index, :2],
                ]
            )
            edge = profile[index + 1] - profile[index]
            length = max(float(np.hypot(*edge)), 1e-6)
            normal = np.array([-edge[1] / length, 0.0, edge[0] / length])
            outward = frame.world(np.vstack([normal, np.zeros(3)]))
            direction = outward[0] - outward[1]
            middle = world[[index, index + 1, count + index, count + index + 1]].mean(axis=0)
            away = np.asarray(camera.position) - middle
            if float(direction @ away) <= 0:
                continue
            distance = float(seen[[index, index + 1, count + index], 2].mean())
            faces.append((distance, index, quad, direction))
        faces.sort(key=lambda face: -face[0])
        for _, index, quad, direction in faces:
            patch = self._face(index)
            level = self.light.facing(
                (float(direction[0]), float(direction[1]), float(direction[2]))
            )
            # Bonnet and boot run towards the ends: their texture starts at the higher edge.
            flipped = index < 3
            sprite.paint(patch, quad if flipped else quad[[3, 2, 1, 0]], level)
        side_normal = near * leftward
        level = self.light.facing((float(side_normal[0]), 0.0, float(side_normal[2])))
        self._flank(sprite, camera, frame, near, half, level)
        self._wheels(sprite, camera, frame, near * half, turn, 1.0)
        depth = camera.depth(base)
        layers.append(sprite.finish(0, self.light.haze, depth))
        return layers

    def _face(self, index: int) -> Patch:
        if index == 0:
            return self.rear
        if index == 6:
            return self.front
        if index in (2, 4):
            return self.pane
        return self.sheet

    def _flank(
        self,
        sprite: Sprite,
        camera: Camera,
        frame: Frame3,
        near: float,
        half: float,
        level: float,
    ) -> None:
        profile = np.asarray(self.shape.profile)
        low, high = profile.min(axis=0), profile.max(axis=0)
        belt = self.shape.profile[5][1]
        # Below the belt the flank is upright, above it leans inwards.
        for part, bottom, top, out_low, out_high in (
            (self.lower_side, low[1], belt, half, half),
            (self.upper_side, belt, high[1], half, half - 0.17),
        ):
            corners = np.array(
                [
                    [low[0], near * out_high, top],
                    [high[0], near * out_high, top],
                    [high[0], near * out_low, bottom],
                    [low[0], near * out_low, bottom],
                ]
            )
            seen = camera.project(frame.world(corners))[:, :2]
            sprite.paint(part, seen, level)

    def _wheels(
        self,
        sprite: Sprite,
        camera: Camera,
        frame: Frame3,
        offset: float,
        turn: float,
        light: float,
    ) -> None:
        for axle in self.shape.axles:
            corners = []
            for x, y in ((-1, 1), (1, 1), (1, -1)):
                forward = x * math.cos(turn) + y * math.sin(turn)
                up = -x * math.sin(turn) + y * math.cos(turn)
                corners.append([axle + _RADIUS * forward, offset, _RADIUS + _RADIUS * up])
            seen = camera.project(frame.world(np.asarray(corners)))[:, :2]
            sprite.paint(self.wheel, seen, light)
