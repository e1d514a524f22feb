"""People: a jointed figure that stands, walks or rides, seen from any side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vcmrender.camera import Array, Camera
from vcmrender.lighting import Light
from vcmrender.sprite import Layer, Patch, Point, Sprite, shadow
from vcmrender.textures import Colour, Float, TexturePool, mix, pick

Pose = Literal["walk", "stand", "ride"]

_SKIN: tuple[Colour, ...] = ((0.85, 0.65, 0.53), (0.72, 0.50, 0.38), (0.48, 0.31, 0.22))
_HAIR: tuple[Colour, ...] = ((0.10, 0.08, 0.07), (0.28, 0.19, 0.11), (0.62, 0.48, 0.28), (0.5,) * 3)
_TOPS: tuple[Colour, ...] = (
    (0.12, 0.14, 0.2),
    (0.5, 0.12, 0.12),
    (0.15, 0.3, 0.5),
    (0.75, 0.73, 0.68),
    (0.2, 0.36, 0.22),
    (0.55, 0.48, 0.36),
    (0.7, 0.55, 0.12),
    (0.4, 0.25, 0.45),
)
_TROUSERS: tuple[Colour, ...] = (
    (0.1, 0.1, 0.12),
    (0.16, 0.2, 0.33),
    (0.33, 0.3, 0.26),
    (0.42, 0.45, 0.5),
)
_VESTS: tuple[Colour, ...] = ((0.82, 0.36, 0.08), (0.70, 0.76, 0.16))


def _rounded(height: int, width: int, top: float = 1.0, bottom: float = 1.0) -> Float:
    """Alpha of an upright capsule whose width tapers from ``top`` to ``bottom`` (shares of 1)."""
    y = (np.arange(height) + 0.5)[:, None]
    x = (np.arange(width) + 0.5)[None, :] - width / 2
    radius = width / 2 * (top + (bottom - top) * y / height)
    cap_top, cap_bottom = width / 2 * top, width / 2 * bottom
    over = np.maximum(cap_top - y, 0.0) / cap_top
    under = np.maximum(y - (height - cap_bottom), 0.0) / cap_bottom
    squeeze = np.sqrt(np.maximum(1.0 - np.maximum(over, under) ** 2, 0.0))
    return np.asarray(np.clip(radius * squeeze - np.abs(x) + 0.5, 0.0, 1.0), np.float32)


def _cylinder(height: int, width: int, side: float) -> Float:
    """Shading across an upright round body; ``side`` -1..1 says where the light comes from."""
    x = np.linspace(-1, 1, width)[None, :]
    shade = 0.78 + 0.34 * np.sqrt(np.maximum(1 - (0.9 * (x - 0.5 * side)) ** 2, 0.0))
    return np.asarray(np.repeat(shade, height, axis=0)[..., None], np.float32)


@dataclass(frozen=True)
class Wardrobe:
    """The textures of one person."""

    torso_front: Patch
    torso_back: Patch
    upper_arm: Patch
    forearm: Patch
    thigh: Patch
    shin: Patch
    shoe: Patch
    head_front: Patch
    head_back: Patch
    head_side: Patch
    neck: Patch
    bag: Patch | None


def _head(pool: TexturePool, skin: Colour, hair: Colour, view: str, hat: Colour | None) -> Patch:
    height, width = 40, 32
    y = ((np.arange(height) + 0.5) / height)[:, None] * np.ones((1, width))
    x = ((np.arange(width) + 0.5) / width)[None, :] * np.ones((height, 1))
    alpha = np.clip((1 - ((x - 0.5) / 0.46) ** 2 - ((y - 0.5) / 0.49) ** 2) * 8, 0, 1)
    face = pool.material(skin, height, width, 0.04, 0.03)
    locks = pool.material(hair, height, width, 0.18, 0.15)
    if view == "front":
        hairy = (y < 0.27 + 0.25 * (np.abs(x - 0.5) * 2) ** 3).astype(float)
    elif view == "back":
        hairy = (y < 0.8).astype(float)
    else:
        hairy = ((y < 0.28) | ((x < 0.52) & (y < 0.72))).astype(float)
    colour = face * (1 - hairy[..., None]) + locks * hairy[..., None]
    if view == "front":
        for centre in (0.33, 0.67):
            eye = np.exp(-(((x - centre) / 0.07) ** 2) - ((y - 0.46) / 0.045) ** 2)
            colour = colour * (1 - 0.75 * eye[..., None])
        mouth = np.exp(-(((x - 0.5) / 0.13) ** 2) - ((y - 0.76) / 0.03) ** 2)
        colour = colour * (1 - 0.45 * mouth[..., None])
    if hat is not None:
        covered = (y < 0.36).astype(float)[..., None]
        colour = colour * (1 - covered) + pool.material(hat, height, width, 0.05, 0.04) * covered
    colour = colour * _cylinder(height, width, 0.2) * (1.1 - 0.25 * y[..., None])
    return Patch.shaped(np.asarray(np.clip(colour, 0, 1), np.float32), alpha.astype(np.float32))


def dress(pool: TexturePool, rng: np.random.Generator, worker: bool, side: float) -> Wardrobe:
    """Random clothes; ``worker`` wears a high-visibility vest and mostly a helmet."""
    skin, hair = pick(rng, _SKIN, 0.03), pick(rng, _HAIR, 0.03)
    top, legs = pick(rng, _TOPS), pick(rng, _TROUSERS)
    shoe = pick(rng, ((0.08, 0.07, 0.07), (0.55, 0.55, 0.55), (0.3, 0.2, 0.12)))
    hat: Colour | None = None
    if worker:
        top = pick(rng, _VESTS, 0.02)
        hat = pick(rng, ((0.9, 0.9, 0.88), (0.95, 0.8, 0.1), (0.2, 0.3, 0.6)))
    elif rng.random() < 0.25:
        hat = pick(rng, _TOPS)
    sleeve = mix(top, (0.1, 0.12, 0.2), 0.7) if worker else top
    bare = not worker and rng.random() < 0.35
    shorts = not worker and rng.random() < 0.15
    photo = float(rng.uniform(0.08, 0.24))

    def part(colour: Colour, rows: int, columns: int, first: float, last: float) -> Patch:
        cloth = pool.material(colour, rows, columns, photo, 0.08) * _cylinder(rows, columns, side)
        alpha = _rounded(rows, columns, first, last)
        return Patch.shaped(np.asarray(np.clip(cloth, 0, 1), np.float32), alpha)

    stripes = not worker and rng.random() < 0.25
    stripe = pick(rng, _TOPS)

    def torso(back: bool) -> Patch:
        rows, columns = 72, 48
        cloth = pool.material(top, rows, columns, photo, 0.08)
        y = np.linspace(0, 1, rows)[:, None, None]
        if worker:
            band = ((np.abs(y - 0.52) < 0.05) | (np.abs(y - 0.74) < 0.05)).astype(np.float32)
            cloth = cloth * (1 - band) + 0.78 * band
        elif stripes:
            band = (np.sin(y * 40) > 0.3).astype(np.float32)
            cloth = cloth * (1 - band) + np.asarray(stripe, np.float32) * band
        elif not back and rng.random() < 0.5:
            x = np.abs(np.linspace(-1, 1, columns))[None, :, None]
            cloth = cloth * (1 - 0.35 * (x < 0.07))
        cloth = cloth * _cylinder(rows, columns, side) * (1.08 - 0.16 * y)
        alpha = _rounded(rows, columns, 0.98, 0.82)
        return Patch.shaped(np.asarray(np.clip(cloth, 0, 1), np.float32), alpha)

    bag = None
    if rng.random() < 0.35 and not worker:
        bag = part(pick(rng, _TOPS), 48, 36, 1.0, 1.0)
    return Wardrobe(
        torso(False),
        torso(True),
        part(sleeve, 40, 16, 1.0, 0.85),
        part(skin if bare else sleeve, 40, 14, 1.0, 0.7),
        part(legs, 56, 22, 1.0, 0.78),
        part(skin if shorts else legs, 56, 18, 1.0, 0.62),
        part(shoe, 28, 14, 1.0, 0.9),
        _head(pool, skin, hair, "front", hat),
        _head(pool, skin, hair, "back", hat),
        _head(pool, skin, hair, "side", hat),
        part(skin, 20, 16, 1.0, 1.0),
        bag,
    )


@dataclass(frozen=True)
class Skeleton:
    """Joints in the person's own axes (forward, left, up), metres; pairs are left, right."""

    hips: tuple[Array, Array]
    knees: tuple[Array, Array]
    ankles: tuple[Array, Array]
    toes: tuple[Array, Array]
    shoulders: tuple[Array, Array]
    elbows: tuple[Array, Array]
    hands: tuple[Array, Array]
    pelvis: Array
    neck: Array
    head: Array


def _v(forward: float, left: float, up: float) -> Array:
    return np.array([forward, left, up])


def walking(height: float, phase: float, swing: float) -> Skeleton:
    """A walker of ``height`` metres, at ``phase`` radians; ``swing`` 0 stands still."""
    thigh, shin = 0.245 * height, 0.246 * height
    bob = 0.012 * height * swing * math.cos(2 * phase)
    hip_up = 0.525 * height + bob
    sides = (1.0, -1.0)
    hips, knees, ankles, toes, shoulders, elbows, hands = ([] for _ in range(7))
    for side in sides:
        turn = phase if side > 0 else phase + math.pi
        angle = swing * 0.48 * math.sin(turn) + 0.03
        bend = swing * (0.12 + 0.75 * max(0.0, math.sin(turn + 1.9)) ** 2)
        hip = _v(0.0, side * 0.055 * height, hip_up)
        knee = hip + _v(thigh * math.sin(angle), 0.0, -thigh * math.cos(angle))
        lower = angle - bend
        ankle = knee + _v(shin * math.sin(lower), 0.0, -shin * math.cos(lower))
        toe = ankle + _v(0.1 * height * math.cos(lower), side * 0.01, -0.028 * height)
        hips.append(hip)
        knees.append(knee)
        ankles.append(ankle)
        toes.append(toe)
        shoulder = _v(0.01, side * 0.115 * height, 0.815 * height + bob)
        lift = -swing * 0.5 * math.sin(turn)
        elbow = shoulder + 0.175 * height * _v(math.sin(lift), side * 0.12, -math.cos(lift))
        fold = lift + 0.25 + 0.25 * swing
        hand = elbow + 0.165 * height * _v(math.sin(fold), -side * 0.02, -math.cos(fold))
        shoulders.append(shoulder)
        elbows.append(elbow)
        hands.append(hand)
    return Skeleton(
        (hips[0], hips[1]),
        (knees[0], knees[1]),
        (ankles[0], ankles[1]),
        (toes[0], toes[1]),
        (shoulders[0], shoulders[1]),
        (elbows[0], elbows[1]),
        (hands[0], hands[1]),
        _v(0.0, 0.0, hip_up - 0.02),
        _v(0.015, 0.0, 0.845 * height + bob),
        _v(0.03, 0.0, 0.93 * height + bob),
    )


def _knee(hip: Array, foot: Array, thigh: float, shin: float) -> Array:
    """Where the knee bends forward between hip and foot (two-link chain in the sagittal plane)."""
    span = foot - hip
    reach = min(float(np.hypot(span[0], span[2])), 0.999 * (thigh + shin))
    cosine = (thigh**2 + reach**2 - shin**2) / (2 * thigh * max(reach, 1e-6))
    base = math.atan2(-span[2], span[0])
    angle = base - math.acos(max(-1.0, min(1.0, cosine)))
    knee: Array = hip + _v(thigh * math.cos(angle), 0.0, -thigh * math.sin(angle))
    knee[1] = (hip[1] + foot[1]) / 2
    return knee


def riding(height: float, phase: float, saddle: Array, crank: Array, grip: Array) -> Skeleton:
    """A cyclist; ``saddle``, ``crank``, ``grip`` are the bicycle's, (forward, left, up)."""
    thigh, shin = 0.245 * height, 0.25 * height
    hips, knees, ankles, toes, shoulders, elbows, hands = ([] for _ in range(7))
    neck = saddle + _v(0.33, 0.0, 0.30 * height)
    for side in (1.0, -1.0):
        turn = phase if side > 0 else phase + math.pi
        hip = saddle + _v(0.03, side * 0.05 * height, 0.06)
        foot = crank + _v(0.17 * math.cos(turn), side * 0.1, 0.06 - 0.17 * math.sin(turn))
        hips.append(hip)
        knees.append(_knee(hip, foot, thigh, shin))
        ankles.append(foot)
        toes.append(foot + _v(0.14, 0.0, -0.05))
        shoulder = neck + _v(-0.02, side * 0.11 * height, -0.04)
        hand = grip + _v(0.0, side * 0.26, 0.02)
        elbow = (shoulder + hand) / 2 + _v(-0.04, side * 0.05, -0.09)
        shoulders.append(shoulder)
        elbows.append(elbow)
        hands.append(hand)
    return Skeleton(
        (hips[0], hips[1]),
        (knees[0], knees[1]),
        (ankles[0], ankles[1]),
        (toes[0], toes[1]),
        (shoulders[0], shoulders[1]),
        (elbows[0], elbows[1]),
        (hands[0], hands[1]),
        saddle + _v(0.02, 0.0, 0.02),
        neck + _v(0.02, 0.0, 0.02),
        neck + _v(0.08, 0.0, 0.085 * height),
    )


@dataclass(frozen=True)
class Frame3:
    """Where a body stands in the world and which way it faces.

    Attributes:
        base: ground point, world metres.
        heading: radians; 0 faces along +z (away from the camera), pi/2 along +x (to the right).
    """

    base: tuple[float, float, float]
    heading: float

    def world(self, local: Array) -> Array:
        """(k, 3) of (forward, left, up) -> (k, 3) world points."""
        sin, cos = math.sin(self.heading), math.cos(self.heading)
        forward, left, up = local[:, 0], local[:, 1], local[:, 2]
        return np.column_stack(
            [
                self.base[0] + forward * sin - left * cos,
                self.base[1] + up,
                self.base[2] + forward * cos + left * sin,
            ]
        )

    def facing(self, camera: Camera) -> float:
        """Angle between heading and the direction to the camera, 0 = faces it, radians 0..pi."""
        dx = camera.position[0] - self.base[0]
        dz = camera.position[2] - self.base[2]
        cosine = (dx * math.sin(self.heading) + dz * math.cos(self.heading)) / max(
            math.hypot(dx, dz), 1e-6
        )
        return math.acos(max(-1.0, min(1.0, cosine)))


class Body:
    """Paints a skeleton with clothes."""

    def __init__(self, clothes: Wardrobe, height: float, build: float, light: Light) -> None:
        self.clothes = clothes
        self.height = height
        self.build = build
        self.light = light

    def paint(
        self,
        camera: Camera,
        frame: Frame3,
        skeleton: Skeleton,
        member: int,
        between: list[Layer] | None = None,
    ) -> list[Layer]:
        """Layers of the figure; ``between`` (a bicycle) goes behind the near leg and arm."""
        joints = np.stack(
            [
                *skeleton.hips,
                *skeleton.knees,
                *skeleton.ankles,
                *skeleton.toes,
                *skeleton.shoulders,
                *skeleton.elbows,
                *skeleton.hands,
                skeleton.pelvis,
                skeleton.neck,
                skeleton.head,
            ]
        )
        seen = camera.project(frame.world(joints))
        depth = float(seen[14, 2])
        if depth < 1.2:
            return []
        scale = camera.focal / depth
        margin = 0.16 * self.height * scale
        low = seen[:, :2].min(axis=0) - margin
        high = seen[:, :2].max(axis=0) + margin
        corner_low, corner_high = (float(low[0]), float(low[1])), (float(high[0]), float(high[1]))
        near = 0 if seen[8, 2] < seen[9, 2] else 1
        facing = frame.facing(camera)
        layers: list[Layer] = []
        first = Sprite(corner_low, corner_high, camera)
        if first.empty:
            return []
        self._leg(first, seen, 1 - near, scale, 0.86)
        self._arm(first, seen, 1 - near, scale, 0.86)
        if between is not None:
            layers.append(first.finish(member, self.light.haze, depth))
            layers.extend(between)
            first = Sprite(corner_low, corner_high, camera)
        bag = self.clothes.bag
        bag_behind = facing < math.pi / 2
        if bag is not None and bag_behind:
            self._bag(first, bag, frame, camera, skeleton, scale)
        self._leg(first, seen, near, scale, 1.0)
        self._torso(first, seen, scale, facing)
        if bag is not None and not bag_behind:
            self._bag(first, bag, frame, camera, skeleton, scale)
        self._head(first, seen, scale, facing, frame, camera)
        self._arm(first, seen, near, scale, 1.0)
        layers.append(first.finish(member, self.light.haze, depth))
        return layers

    def _leg(self, sprite: Sprite, seen: Array, side: int, scale: float, dim: float) -> None:
        hip, knee = seen[side, :2], seen[2 + side, :2]
        ankle, toe = seen[4 + side, :2], seen[6 + side, :2]
        width = 0.098 * self.height * self.build * scale
        sprite.limb(self.clothes.shoe, _pt(ankle), _pt(toe), 0.055 * self.height * scale, dim)
        sprite.limb(self.clothes.shin, _pt(knee), _pt(ankle), 0.75 * width, dim)
        sprite.limb(self.clothes.thigh, _pt(hip), _pt(knee), width, dim)

    def _arm(self, sprite: Sprite, seen: Array, side: int, scale: float, dim: float) -> None:
        shoulder, elbow, hand = seen[8 + side, :2], seen[10 + side, :2], seen[12 + side, :2]
        width = 0.066 * self.height * self.build * scale
        sprite.limb(self.clothes.neck, _pt(hand), _pt(hand), 0.8 * width, dim)
        sprite.limb(self.clothes.forearm, _pt(elbow), _pt(hand), 0.82 * width, dim)
        sprite.limb(self.clothes.upper_arm, _pt(shoulder), _pt(elbow), width, dim)

    def _torso(self, sprite: Sprite, seen: Array, scale: float, facing: float) -> None:
        breadth = abs(math.cos(facing))
        wide = (0.245 * breadth**2 + 0.165 * (1 - breadth**2)) * self.height * self.build * scale
        patch = self.clothes.torso_front if facing < math.pi / 2 else self.clothes.torso_back
        pelvis, neck = seen[14, :2], seen[15, :2]
        axis = (pelvis - neck) / max(float(np.hypot(*(pelvis - neck))), 1e-6)
        side = np.array([-axis[1], axis[0]]) * (-wide / 2)
        top = neck + axis * 0.005 * self.height * scale
        bottom = pelvis + axis * 0.075 * self.height * scale
        sprite.limb(self.clothes.neck, _pt(neck), _pt(seen[16, :2]), 0.07 * self.height * scale)
        sprite.paint(patch, [top - side, top + side, bottom + side])

    def _head(
        self,
        sprite: Sprite,
        seen: Array,
        scale: float,
        facing: float,
        frame: Frame3,
        camera: Camera,
    ) -> None:
        if facing < math.radians(50):
            patch = self.clothes.head_front
        elif facing > math.radians(130):
            patch = self.clothes.head_back
        else:
            patch = self.clothes.head_side
        centre = seen[16, :2]
        half_w, half_h = 0.052 * self.height * scale, 0.067 * self.height * scale
        # The side view looks to the right; turn it when the person goes left in the picture.
        ahead = camera.project(frame.world(np.array([[0.0, 0.0, 1.5], [0.5, 0.0, 1.5]])))
        flip = -1.0 if ahead[1, 0] < ahead[0, 0] and patch is self.clothes.head_side else 1.0
        x0, x1 = centre[0] - flip * half_w, centre[0] + flip * half_w
        y0, y1 = centre[1] - half_h, centre[1] + half_h
        sprite.paint(patch, [(x0, y0), (x1, y0), (x1, y1)])

    def _bag(
        self,
        sprite: Sprite,
        bag: Patch,
        frame: Frame3,
        camera: Camera,
        skeleton: Skeleton,
        scale: float,
    ) -> None:
        local = np.stack([skeleton.neck, skeleton.pelvis]) + np.array(
            [[-0.17, 0.0, -0.06], [-0.2, 0.0, 0.08]]
        )
        ends = camera.project(frame.world(local))
        breadth = abs(math.cos(frame.facing(camera)))
        width = (0.17 + 0.08 * breadth) * self.height * 0.8 * scale
        top, bottom = ends[0, :2], ends[1, :2]
        side = np.array([width / 2, 0.0])
        sprite.paint(bag, [top - side, top + side, bottom + side])


def _pt(point: Array) -> Point:
    return float(point[0]), float(point[1])


class Person:
    """Somebody on foot.

    Args:
        start: ground point at time 0, world metres.
        velocity: metres per second along x, y, z (0, 0, 0 stands).
        heading: which way a standing person faces; walkers face where they go.
        gait: radians of stride per metre.
    """

    categories: tuple[str, ...] = ("person",)

    def __init__(
        self,
        pool: TexturePool,
        rng: np.random.Generator,
        light: Light,
        start: tuple[float, float, float],
        velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
        heading: float | None = None,
        worker: bool = False,
    ) -> None:
        self.start = start
        self.velocity = velocity
        self.speed = math.hypot(velocity[0], velocity[2])
        self.height = float(rng.uniform(1.55, 1.92))
        build = float(rng.uniform(0.9, 1.2))
        clothes = dress(pool, rng, worker, 0.7 * light.sun[0])
        self.body = Body(clothes, self.height, build, light)
        self.light = light
        self.phase = float(rng.uniform(0, 2 * math.pi))
        if self.speed > 0.05:
            self.heading = math.atan2(velocity[0], velocity[2])
        else:
            self.heading = float(rng.uniform(-math.pi, math.pi)) if heading is None else heading

    def position(self, time: float) -> tuple[float, float, float]:
        """The point between the feet, world metres."""
        x, y, z = (s + v * time for s, v in zip(self.start, self.velocity, strict=True))
        return x, y, z

    def layers(self, camera: Camera, time: float) -> list[Layer]:
        """Shadow and figure, back to front."""
        base = self.position(time)
        if self.speed > 0.05:
            stride = 2 * math.pi * self.speed * time / (0.82 * self.height)
            skeleton = walking(self.height, self.phase + stride, min(1.0, 0.5 + self.speed / 2.5))
            heading = self.heading
        else:
            # Nobody stands quite still.
            skeleton = walking(self.height, self.phase, 0.12)
            heading = self.heading + 0.12 * math.sin(1.3 * time + self.phase)
        layers: list[Layer] = []
        dark = shadow(
            camera,
            base,
            (0.32 * self.height * (0.3 - self.light.sun[0] * self.light.contrast), 0.1),
            (0.0, 0.16),
            self.light.shadow,
        )
        if dark is not None:
            layers.append(dark)
        layers.extend(self.body.paint(camera, Frame3(base, heading), skeleton, 0))
        return layers
