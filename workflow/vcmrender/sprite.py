"""Painting one moving object: parts with soft edges on a small, finer canvas of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from vcmrender.camera import Array, Camera
from vcmrender.surface import Haze
from vcmrender.textures import Bytes, Float

Mask = npt.NDArray[np.bool_]
Point = tuple[float, float]


class Patch:
    """A piece of texture with a shape: float32 h x w x 4, colours premultiplied by alpha, 0..1."""

    def __init__(self, pixels: Float) -> None:
        levels = [np.ascontiguousarray(pixels, np.float32)]
        while min(levels[-1].shape[:2]) >= 6 and len(levels) < 5:
            height, width = levels[-1].shape[:2]
            levels.append(
                np.asarray(
                    cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA),
                    np.float32,
                )
            )
        self.levels = levels

    @classmethod
    def shaped(cls, colour: Float, alpha: Float) -> Patch:
        """From straight colours (h x w x 3, 0..1) and alpha (h x w, 0..1)."""
        return cls(np.dstack([colour * alpha[..., None], alpha]).astype(np.float32))


@dataclass(frozen=True)
class Layer:
    """A painted object, or a part of it, on the picture's pixel grid.

    Attributes:
        member: which object of the actor it shows (index into ``Actor.categories``), or -1 for
            things that belong to no object, such as shadows.
        x, y: picture position of the patch's top left pixel.
        pixels: float32 h x w x 4, premultiplied, 0..1.
        mask: bool h x w, the object's silhouette.
    """

    member: int
    x: int
    y: int
    pixels: Float
    mask: Mask


class Actor(Protocol):
    """Something that moves and is annotated.

    Attributes:
        categories: category names of its objects (a rider and a bicycle are two).
    """

    categories: tuple[str, ...]

    def position(self, time: float) -> tuple[float, float, float]:
        """The point on the ground, world metres, at a scene time."""
        ...

    def layers(self, camera: Camera, time: float) -> list[Layer]:
        """What to paint, from back to front; empty when out of the picture."""
        ...


class Sprite:
    """A canvas around the picture rectangle ``low`` .. ``high``, ``fine`` times finer.

    Args:
        low, high: picture coordinates of the corners that the object may reach.
        camera: for the picture's size; what lies outside is cut off.
    """

    def __init__(self, low: Point, high: Point, camera: Camera) -> None:
        self.x0 = max(-2, math.floor(low[0]) - 1)
        self.y0 = max(-2, math.floor(low[1]) - 1)
        self.x1 = min(camera.width + 2, math.ceil(high[0]) + 2)
        self.y1 = min(camera.height + 2, math.ceil(high[1]) + 2)
        self.empty = self.x1 - self.x0 < 1 or self.y1 - self.y0 < 1
        extent = max(high[0] - low[0], high[1] - low[1])
        self.fine = 4 if extent < 28 else 3 if extent < 60 else 2
        rows = max(1, self.y1 - self.y0) * self.fine
        columns = max(1, self.x1 - self.x0) * self.fine
        self.canvas = np.zeros((rows, columns, 4), np.float32)
        self.solid = np.zeros((rows, columns), np.float32)

    def _local(self, points: npt.ArrayLike) -> Array:
        """Picture coordinates -> canvas coordinates (both with pixel centres at integers)."""
        shifted = np.asarray(points, float) - [self.x0 - 0.5, self.y0 - 0.5]
        return shifted * self.fine - 0.5

    def _window(self, points: Array) -> tuple[int, int, int, int] | None:
        low = np.floor(points.min(axis=0)).astype(int) - 1
        high = np.ceil(points.max(axis=0)).astype(int) + 2
        left, top = max(0, int(low[0])), max(0, int(low[1]))
        right = min(self.canvas.shape[1], int(high[0]))
        bottom = min(self.canvas.shape[0], int(high[1]))
        return (left, top, right, bottom) if right > left and bottom > top else None

    def paint(self, patch: Patch, corners: npt.ArrayLike, light: float = 1.0) -> None:
        """Paint ``patch`` into the picture quadrilateral ``corners``.

        Args:
            corners: (4, 2) picture positions of the patch's top left, top right, bottom right and
                bottom left corners; with three rows the fourth follows (a parallelogram).
            light: factor on the colours.
        """
        points = self._local(corners)
        if len(points) == 3:
            points = np.vstack([points, points[0] + points[2] - points[1]])
            affine = True
        else:
            affine = False
        window = self._window(points)
        if window is None:
            return
        left, top, right, bottom = window
        height, width = patch.levels[0].shape[:2]
        wide = max(np.hypot(*(points[1] - points[0])), np.hypot(*(points[2] - points[3])))
        high = max(np.hypot(*(points[3] - points[0])), np.hypot(*(points[2] - points[1])))
        ratio = min(width / max(wide, 0.5), height / max(high, 0.5))
        level = min(len(patch.levels) - 1, max(0, math.floor(math.log2(max(ratio, 1.0)) + 0.3)))
        pixels = patch.levels[level]
        rows, columns = pixels.shape[:2]
        source = np.array(
            [
                [-0.5, -0.5],
                [columns - 0.5, -0.5],
                [columns - 0.5, rows - 0.5],
                [-0.5, rows - 0.5],
            ],
            np.float32,
        )
        target = (points - [left, top]).astype(np.float32)
        size = (right - left, bottom - top)
        if affine:
            turned = cv2.warpAffine(pixels, cv2.getAffineTransform(source[:3], target[:3]), size)
        else:
            turned = cv2.warpPerspective(pixels, cv2.getPerspectiveTransform(source, target), size)
        painted: Float = np.asarray(turned, np.float32)
        region = self.canvas[top:bottom, left:right]
        region *= 1.0 - painted[:, :, 3:]
        if light != 1.0:
            painted[:, :, :3] *= light
        region += painted

    def paint_polygon(
        self, points: npt.ArrayLike, colour: tuple[float, float, float], alpha: float = 1.0
    ) -> None:
        """Fill a convex polygon (picture coordinates) with one colour, 0..1."""
        local = self._local(points)
        window = self._window(local)
        if window is None:
            return
        left, top, right, bottom = window
        mask = np.zeros((bottom - top, right - left), np.uint8)
        fixed = np.round((local - [left, top]) * 16).astype(np.int32)
        cv2.fillConvexPoly(mask, fixed, 255, cv2.LINE_AA, shift=4)
        weight = mask.astype(np.float32)[..., None] * np.float32(alpha / 255)
        region = self.canvas[top:bottom, left:right]
        region *= 1.0 - weight
        region += weight * np.array([*colour, 1.0], np.float32)

    def mark_polygon(self, points: npt.ArrayLike) -> None:
        """Count a polygon as part of the silhouette without painting it (a wheel's disc)."""
        local = np.round(self._local(points) * 16).astype(np.int32)
        cv2.fillPoly(self.solid, [local], 1.0, cv2.LINE_8, shift=4)

    def limb(
        self, patch: Patch, first: Point, second: Point, width: float, light: float = 1.0
    ) -> None:
        """Paint a capsule-shaped patch from joint to joint, ``width`` pixels wide.

        The patch's first and last ``width / 2`` lie beyond the joints.
        """
        start, end = np.asarray(first, float), np.asarray(second, float)
        axis = end - start
        length = float(np.hypot(*axis))
        direction = axis / length if length > 1e-6 else np.array([0.0, 1.0])
        side = np.array([direction[1], -direction[0]]) * (width / 2)
        cap = direction * (width / 2)
        top, bottom = start - cap, end + cap
        self.paint(patch, [top - side, top + side, bottom + side], light)

    def finish(self, member: int, haze: Haze, depth: float) -> Layer:
        """Bring the canvas onto the picture's pixel grid, seen through the air at ``depth``."""
        size = (self.x1 - self.x0, self.y1 - self.y0)
        pixels: Float = np.asarray(
            cv2.resize(self.canvas, size, interpolation=cv2.INTER_AREA), np.float32
        )
        solid = cv2.resize(self.solid, size, interpolation=cv2.INTER_AREA)
        share = np.float32(haze.share(depth))
        if share > 0.01:
            pixels[:, :, :3] *= 1.0 - share
            pixels[:, :, :3] += pixels[:, :, 3:] * (share * np.asarray(haze.colour, np.float32))
        mask = np.maximum(pixels[:, :, 3], solid) >= 0.5
        return Layer(member, self.x0, self.y0, np.asarray(pixels, np.float32), mask)


def shadow(
    camera: Camera,
    ground: tuple[float, float, float],
    along: tuple[float, float],
    across: tuple[float, float],
    strength: float,
) -> Layer | None:
    """A soft shadow on the ground: an ellipse with half axes ``along``, ``across`` (x, z in m)."""
    angles = np.linspace(0, 2 * math.pi, 20, endpoint=False)
    x, y, z = ground
    ring = np.column_stack(
        [
            x + along[0] * np.cos(angles) + across[0] * np.sin(angles),
            np.full(20, y + 0.01),
            z + along[1] * np.cos(angles) + across[1] * np.sin(angles),
        ]
    )
    if camera.project(ring)[:, 2].min() < 0.7:
        return None
    outer = camera.project(ring)[:, :2]
    low, high = outer.min(axis=0), outer.max(axis=0)
    if high[0] < 0 or low[0] > camera.width or low[1] > camera.height:
        return None
    soft = max(0.5, float(high[1] - low[1]) * 0.16)
    margin = 2 * soft
    sprite = Sprite(
        (float(low[0] - margin), float(low[1] - margin)),
        (float(high[0] + margin), float(high[1] + margin)),
        camera,
    )
    if sprite.empty:
        return None
    sprite.paint_polygon(outer, (0.0, 0.0, 0.0), strength)
    size = (sprite.x1 - sprite.x0, sprite.y1 - sprite.y0)
    pixels = cv2.resize(sprite.canvas, size, interpolation=cv2.INTER_AREA)
    pixels = cv2.GaussianBlur(pixels, (0, 0), soft)
    return Layer(
        -1,
        sprite.x0,
        sprite.y0,
        np.asarray(pixels, np.float32),
        np.zeros(pixels.shape[:2], bool),
    )


def composite(canvas: Bytes, layer: Layer, motion: tuple[float, float] = (0.0, 0.0)) -> None:
    """Lay a layer over ``canvas`` (uint8, in place), smeared along ``motion`` pixels."""
    pixels, x, y = layer.pixels, layer.x, layer.y
    length = math.hypot(*motion)
    if length > 0.8:
        pad = math.ceil(min(length, 40.0) / 2) + 1
        padded = cv2.copyMakeBorder(pixels, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
        smeared = cv2.filter2D(padded, -1, _streak(motion), borderType=cv2.BORDER_CONSTANT)
        pixels = np.asarray(smeared, np.float32)
        x, y = x - pad, y - pad
    height, width = canvas.shape[:2]
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(width, x + pixels.shape[1]), min(height, y + pixels.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    part = pixels[y0 - y : y1 - y, x0 - x : x1 - x]
    region = canvas[y0:y1, x0:x1].astype(np.float32)
    region *= 1.0 - part[:, :, 3:]
    region += part[:, :, :3] * np.float32(255)
    canvas[y0:y1, x0:x1] = np.clip(region + 0.5, 0, 255).astype(np.uint8)


def _streak(motion: tuple[float, float]) -> Float:
    """A normalised line kernel of the length and direction of ``motion``."""
    length = math.hypot(*motion)
    shorten = min(1.0, 40.0 / length)
    dx, dy = motion[0] * shorten, motion[1] * shorten
    half = math.ceil(math.hypot(dx, dy) / 2)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    steps = max(3, 4 * half)
    for share in np.linspace(-0.5, 0.5, steps):
        column, row = half + share * dx, half + share * dy
        left, top = math.floor(column), math.floor(row)
        for down in (0, 1):
            for right in (0, 1):
                weight = (1 - abs(column - left - right)) * (1 - abs(row - top - down))
                if weight > 0 and left + right < 2 * half + 1 and top + down < 2 * half + 1:
                    kernel[top + down, left + right] += weight
    return np.asarray(kernel / kernel.sum(), np.float32)
