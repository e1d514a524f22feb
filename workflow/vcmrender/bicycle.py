"""Bicycles: two turning wheels, a frame, and often somebody on it."""

from __future__ import annotations

import math

import numpy as np

from vcmrender.camera import Array, Camera
from vcmrender.lighting import Light
from vcmrender.person import Body, Frame3, dress, riding, walking
from vcmrender.sprite import Layer, Patch, Sprite, shadow
from vcmrender.textures import Colour, Float, TexturePool, pick

_PAINT: tuple[Colour, ...] = (
    (0.08, 0.08, 0.09),
    (0.65, 0.1, 0.1),
    (0.12, 0.25, 0.55),
    (0.8, 0.8, 0.78),
    (0.15, 0.4, 0.22),
    (0.85, 0.55, 0.08),
)

# Points of a bicycle (forward, left, up), metres.
REAR = np.array([-0.53, 0.0, 0.34])
FRONT = np.array([0.53, 0.0, 0.34])
CRANK = np.array([-0.08, 0.0, 0.29])
SADDLE = np.array([-0.24, 0.0, 0.93])
SEAT_CLUSTER = np.array([-0.20, 0.0, 0.80])
HEAD_TOP = np.array([0.33, 0.0, 0.90])
HEAD_LOW = np.array([0.37, 0.0, 0.70])
STEM = np.array([0.31, 0.0, 1.02])
GRIP = np.array([0.26, 0.0, 1.05])
WHEEL = 0.34


def _wheel(rng: np.random.Generator) -> Patch:
    """A wheel: dark tyre, bright rim, thin spokes, hub, and a reflector that shows the turning."""
    size = 96
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, axis)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    edge = 2.0 / size
    tyre = np.clip((0.99 - radius) / edge, 0, 1) * np.clip((radius - 0.86) / edge, 0, 1)
    rim = np.clip((0.87 - radius) / edge, 0, 1) * np.clip((radius - 0.80) / edge, 0, 1)
    spokes = 14
    nearest = np.abs((angle * spokes / (2 * math.pi)) % 1.0 - 0.5) * 2 * math.pi / spokes
    spoke = np.clip((0.024 - np.abs(nearest * radius - 0.0)) / edge, 0, 1) * (radius < 0.82)
    hub = np.clip((0.10 - radius) / edge, 0, 1)
    reflector = ((np.abs(radius - 0.6) < 0.08) & (np.abs(angle) < 0.22)).astype(float)
    alpha = np.maximum.reduce([tyre, rim, 0.6 * spoke, hub, reflector])
    dark = np.asarray((0.06, 0.06, 0.06))
    bright = np.asarray((0.62, 0.62, 0.64))
    amber = np.asarray((0.95, 0.55, 0.1)) * rng.uniform(0.8, 1.0)
    colour = np.broadcast_to(dark, (size, size, 3)).copy()
    for weight, tint in ((rim, bright), (spoke * (radius < 0.8), bright), (hub, bright)):
        colour = colour * (1 - weight[..., None]) + tint * weight[..., None]
    colour = colour * (1 - reflector[..., None]) + amber * reflector[..., None]
    return Patch.shaped(colour.astype(np.float32), alpha.astype(np.float32))


def _tube(pool: TexturePool, colour: Colour) -> Patch:
    rows, columns = 48, 8
    across = 1.15 - 0.5 * np.abs(np.linspace(-0.8, 1, columns))[None, :, None]
    pixels = np.clip(pool.material(colour, rows, columns, 0.05, 0.05) * across, 0, 1)
    alpha: Float = np.ones((rows, columns), np.float32)
    return Patch.shaped(pixels.astype(np.float32), alpha)


class Bicycle:
    """A bicycle, ridden, pushed along or parked.

    Objects: the bicycle, and (when ridden or pushed) the person, two separate objects. The
    bicycle's silhouette counts the whole discs of the wheels, as COCO's annotators do.

    Args:
        start: ground point under the middle at time 0, world metres.
        velocity: metres per second; zero parks it.
        heading: direction of a parked bicycle, radians as in ``Frame3``.
        rider: "ride", "push" or "none".
    """

    def __init__(
        self,
        pool: TexturePool,
        rng: np.random.Generator,
        light: Light,
        start: tuple[float, float, float],
        velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
        heading: float | None = None,
        rider: str = "ride",
    ) -> None:
        self.start = start
        self.velocity = velocity
        self.light = light
        self.speed = math.hypot(velocity[0], velocity[2])
        if self.speed > 0.05:
            self.heading = math.atan2(velocity[0], velocity[2])
        else:
            self.heading = float(rng.uniform(-math.pi, math.pi)) if heading is None else heading
        self.rider = rider
        self.categories: tuple[str, ...] = (
            ("bicycle",) if rider == "none" else ("bicycle", "person")
        )
        self.scale = float(rng.uniform(0.95, 1.08))
        self.wheel = _wheel(rng)
        self.paint = _tube(pool, pick(rng, _PAINT))
        self.black = _tube(pool, (0.07, 0.07, 0.07))
        self.metal = _tube(pool, (0.6, 0.6, 0.62))
        self.phase = float(rng.uniform(0, 2 * math.pi))
        self.low_frame = bool(rng.random() < 0.4)
        self.basket = (
            _tube(pool, pick(rng, ((0.35, 0.25, 0.15), (0.2, 0.2, 0.22))))
            if rng.random() < 0.35
            else None
        )
        self.height = float(rng.uniform(1.6, 1.9))
        self.body = Body(
            dress(pool, rng, False, 0.7 * light.sun[0]),
            self.height,
            float(rng.uniform(0.92, 1.1)),
            light,
        )

    def position(self, time: float) -> tuple[float, float, float]:
        """The ground point under the middle, world metres."""
        x, y, z = (s + v * time for s, v in zip(self.start, self.velocity, strict=True))
        return x, y, z

    def layers(self, camera: Camera, time: float) -> list[Layer]:
        """Shadow, far leg, bicycle, rider, back to front."""
        base = self.position(time)
        frame = Frame3(base, self.heading)
        layers: list[Layer] = []
        sin, cos = math.sin(self.heading), math.cos(self.heading)
        dark = shadow(
            camera, base, (0.9 * sin, 0.9 * cos), (0.18 * cos, -0.18 * sin), self.light.shadow
        )
        if dark is not None:
            layers.append(dark)
        machine = self._machine(camera, frame, time)
        if machine is None:
            return []
        if self.rider == "ride":
            pedal = self.phase + 0.42 * self.speed * time / WHEEL
            skeleton = riding(self.height, pedal, SADDLE * self.scale, CRANK, GRIP * self.scale)
            layers.extend(self.body.paint(camera, frame, skeleton, 1, [machine]))
        elif self.rider == "push":
            # Walks at the left of the bicycle.
            x, y, z = base
            beside = Frame3((x - 0.42 * cos, y, z + 0.42 * sin), self.heading)
            stride = 2 * math.pi * self.speed * time / (0.82 * self.height)
            walker = self.body.paint(
                camera, beside, walking(self.height, self.phase + stride, 0.8), 1
            )
            nearer = camera.depth(beside.base) < camera.depth(base)
            layers.extend([machine, *walker] if nearer else [*walker, machine])
        else:
            layers.append(machine)
        return layers

    def _machine(self, camera: Camera, frame: Frame3, time: float) -> Layer | None:
        left = np.array([0.0, 0.28, 0.0])
        scale = self.scale
        crank_angle = self.phase + 0.42 * self.speed * time / WHEEL
        swing = 0.17 * np.array([math.cos(crank_angle), 0.0, -math.sin(crank_angle)])
        points = [
            REAR,
            FRONT,
            CRANK,
            SADDLE,
            SEAT_CLUSTER,
            HEAD_TOP,
            HEAD_LOW,
            STEM,
            GRIP + left,
            GRIP - left,
            STEM + 0.4 * left,
            STEM - 0.4 * left,
            SADDLE + np.array([0.13, 0.0, 0.02]),
            SADDLE + np.array([-0.13, 0.0, 0.02]),
            CRANK + swing,
            CRANK - swing,
            HEAD_TOP + np.array([0.3, 0.0, -0.02]),
            REAR + np.array([-0.1, 0.0, 0.38]),
            REAR + np.array([0.3, 0.0, 0.42]),
        ]
        local = np.stack(points) * scale
        ring = np.linspace(0, 2 * math.pi, 24, endpoint=False)
        disc = np.column_stack([WHEEL * np.cos(ring), np.zeros_like(ring), WHEEL * np.sin(ring)])
        discs = [(centre + disc) * scale for centre in (REAR, FRONT)]
        everything = np.vstack([local, *discs])
        seen = camera.project(frame.world(everything))
        depth = float(seen[2, 2])
        if seen[:, 2].min() < 1.0:
            return None
        pixels = camera.focal / depth
        low, high = seen[:, :2].min(axis=0) - 2, seen[:, :2].max(axis=0) + 2
        sprite = Sprite((float(low[0]), float(low[1])), (float(high[0]), float(high[1])), camera)
        if sprite.empty:
            return None
        p = seen[:, :2]
        turn = self.speed * time / (WHEEL * scale)
        for index, centre in enumerate((REAR, FRONT)):
            self._paint_wheel(sprite, camera, frame, centre * scale, turn, pixels)
            outline = p[len(local) + 24 * index : len(local) + 24 * (index + 1)]
            sprite.mark_polygon(outline)
        tube = max(0.042 * pixels, 0.7)

        def bar(patch: Patch, first: int, second: int, width: float = 1.0) -> None:
            a, b = p[first], p[second]
            sprite.limb(patch, (a[0], a[1]), (b[0], b[1]), tube * width)

        bar(self.metal, 0, 4, 0.6)
        bar(self.paint, 0, 2, 0.7)
        bar(self.black, 14, 15, 0.8)
        bar(self.paint, 2, 4)
        bar(self.metal, 4, 3, 0.7)
        bar(self.paint, 2, 6, 1.1)
        if self.low_frame:
            bar(self.paint, 2, 5, 1.0)
        else:
            bar(self.paint, 4, 5)
        bar(self.paint, 6, 5, 1.2)
        bar(self.metal, 6, 1, 0.8)
        bar(self.black, 5, 7, 0.8)
        bar(self.black, 17, 18, 0.7)
        for first, second in ((10, 8), (11, 9), (10, 11)):
            bar(self.black, first, second, 0.8)
        bar(self.black, 12, 13, 1.6)
        if self.basket is not None:
            bar(self.basket, 5, 16, 6.0)
        return sprite.finish(0, self.light.haze, depth)

    def _paint_wheel(
        self,
        sprite: Sprite,
        camera: Camera,
        frame: Frame3,
        centre: Array,
        turn: float,
        pixels: float,
    ) -> None:
        radius = WHEEL * self.scale
        corners = []
        for x, y in ((-1, 1), (1, 1), (1, -1)):
            forward = x * math.cos(turn) + y * math.sin(turn)
            up = -x * math.sin(turn) + y * math.cos(turn)
            corners.append(centre + radius * np.array([forward, 0.0, up]))
        seen = camera.project(frame.world(np.stack(corners)))[:, :2]
        ends = camera.project(
            frame.world(centre + np.array([[0.0, 0.0, 0.9 * radius], [0.0, 0.0, -0.9 * radius]]))
        )[:, :2]
        # Seen from ahead a wheel is as wide as its tyre.
        a, b = ends
        sprite.limb(self.black, (a[0], a[1]), (b[0], b[1]), max(0.045 * pixels, 0.5))
        sprite.paint(self.wheel, seen)
