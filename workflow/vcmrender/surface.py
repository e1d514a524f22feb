"""Textured rectangles in the world, and how they reach the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from vcmrender.camera import NEAR, Array, Camera
from vcmrender.textures import Bytes, Colour, Float

# Depth bands of a long surface: each takes its own level of the texture pyramid.
_BANDS = (NEAR, 3.0, 6.0, 10.0, 16.0, 26.0, 45.0, 90.0, 1000.0)
_SUBPIXEL = 16
_SQUARE = np.array([[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])


@dataclass(frozen=True)
class Haze:
    """Air between camera and object: the colour (0..1) that a black object far away takes.

    ``visibility`` is the distance in metres at which 63 % of the light is lost.
    """

    colour: Colour
    visibility: float

    def share(self, depth: float) -> float:
        """The share of haze at ``depth`` metres, 0..1."""
        return 1.0 - math.exp(-max(depth, 0.0) / self.visibility)


@dataclass(frozen=True)
class Surface:
    """A textured parallelogram: ``origin + u * along + v * up`` for u, v in 0..1.

    Attributes:
        origin, along, up: world metres; texture columns run along ``along``, rows along ``up``.
        texture: uint8 h x w x 3 (opaque) or x 4 (last channel alpha, colours not premultiplied).
        repeat: how often the texture repeats along u and v.
        occluder: drawn among the moving objects, by distance, and able to hide them.
        layer: background surfaces are drawn in ascending layers, and by distance within one.
    """

    origin: tuple[float, float, float]
    along: tuple[float, float, float]
    up: tuple[float, float, float]
    texture: Bytes
    repeat: tuple[float, float] = (1.0, 1.0)
    occluder: bool = False
    layer: int = 0
    glow: bool = False
    levels: int = field(default=6)

    @cached_property
    def pyramid(self) -> list[Bytes]:
        """The texture at full, half, quarter ... size."""
        levels = [self.texture]
        while len(levels) < self.levels and min(levels[-1].shape[:2]) >= 4:
            height, width = levels[-1].shape[:2]
            levels.append(
                np.asarray(
                    cv2.resize(
                        levels[-1],
                        (max(1, width // 2), max(1, height // 2)),
                        interpolation=cv2.INTER_AREA,
                    ),
                    np.uint8,
                )
            )
        return levels

    @cached_property
    def corners(self) -> Array:
        """The four corners, world metres, (4, 3), in order around the rectangle."""
        origin, along, up = (np.asarray(v, float) for v in (self.origin, self.along, self.up))
        return np.stack([origin, origin + along, origin + along + up, origin + up])

    def depth(self, camera: Camera) -> float:
        """Depth of the centre, metres."""
        centre = self.corners.mean(axis=0)
        return camera.depth((float(centre[0]), float(centre[1]), float(centre[2])))


def _outside(plane: Array, width: int, height: int) -> bool:
    """Whether a rectangle that lies wholly before the camera misses the picture."""
    corners = plane @ _SQUARE
    x, y = corners[0] / corners[2], corners[1] / corners[2]
    return bool(x.max() < -1 or y.max() < -1 or x.min() > width or y.min() > height)


def _clip(
    polygon: list[tuple[float, float, float]], low: float, high: float
) -> list[tuple[float, float, float]]:
    """Cut a polygon of points (u, v, depth) to low <= depth <= high."""
    for sign, limit in ((1.0, low), (-1.0, -high)):
        kept: list[tuple[float, float, float]] = []
        for index, here in enumerate(polygon):
            following = polygon[(index + 1) % len(polygon)]
            a, b = sign * here[2] - limit, sign * following[2] - limit
            if a >= 0:
                kept.append(here)
            if (a < 0) != (b < 0):
                share = a / (a - b)
                u, v, depth = (p + (q - p) * share for p, q in zip(here, following, strict=True))
                kept.append((u, v, depth))
        if len(kept) < 3:
            return []
        polygon = kept
    return polygon


def _area(points: list[list[float]]) -> float:
    total = 0.0
    (last_x, last_y) = points[-1]
    for x, y in points:
        total += last_x * y - last_y * x
        last_x, last_y = x, y
    return 0.5 * abs(total)


def draw(
    canvas: Bytes,
    camera: Camera,
    surface: Surface,
    haze: Haze,
    hidden: npt.NDArray[np.int16] | None = None,
) -> None:
    """Paint one surface over ``canvas`` (uint8 H x W x 3, changed in place).

    Where it is opaque, ``hidden`` (object ids, H x W) is set to 0.
    """
    matrix = camera.matrix
    origin, along, up = (np.asarray(v, float) for v in (surface.origin, surface.along, surface.up))
    # From (u, v, 1) to the picture.
    plane = np.stack(
        [
            matrix[:, :3] @ along,
            matrix[:, :3] @ up,
            matrix[:, :3] @ origin + matrix[:, 3],
        ],
        axis=1,
    )
    du, dv, d0 = (float(value) for value in plane[2])
    depths = (d0, d0 + du, d0 + du + dv, d0 + dv)
    nearest, farthest = min(depths), max(depths)
    if farthest <= NEAR:
        return
    if nearest > NEAR and _outside(plane, canvas.shape[1], canvas.shape[0]):
        return
    outline = [(0.0, 0.0, d0), (1.0, 0.0, depths[1]), (1.0, 1.0, depths[2]), (0.0, 1.0, depths[3])]
    for low, high in zip(_BANDS[-2::-1], _BANDS[:0:-1], strict=True):
        if farthest <= low or nearest > high:
            continue
        # Overlap with the nearer band, else its soft edge would show what is behind.
        start = low if low == NEAR else low * 0.93
        part = _clip(outline, start, high)
        if part:
            _draw_part(canvas, plane, np.asarray(part), surface, haze, hidden)


def _draw_part(
    canvas: Bytes,
    plane: Array,
    part: Array,
    surface: Surface,
    haze: Haze,
    hidden: npt.NDArray[np.int16] | None,
) -> None:
    height, width = canvas.shape[:2]
    points = np.column_stack([part[:, :2], np.ones(len(part))]) @ plane.T
    points = points[:, :2] / points[:, 2:]
    low = np.floor(points.min(axis=0)).astype(int) - 1
    high = np.ceil(points.max(axis=0)).astype(int) + 2
    x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
    x1, y1 = min(width, int(high[0])), min(height, int(high[1]))
    if x1 <= x0 or y1 <= y0:
        return
    full_h, full_w = surface.texture.shape[:2]
    repeats = np.array([surface.repeat[0] * full_w, surface.repeat[1] * full_h])
    inside = np.clip(points, [-width, -height], [2 * width, 2 * height])
    seen = _area(inside.tolist())
    if seen < 0.3:
        return
    # Texels per pixel; leaning to the sharper level keeps some of the bite that photographs have.
    texels = _area((part[:, :2] * repeats).tolist())
    ratio = math.sqrt(max(texels / max(_area(points.tolist()), 1e-6), 1e-6))
    level = min(len(surface.pyramid) - 1, max(0, round(math.log2(ratio) + 0.15)))
    texture = surface.pyramid[level]
    tex_h, tex_w = texture.shape[:2]
    unit = np.diag([1 / (surface.repeat[0] * tex_w), 1 / (surface.repeat[1] * tex_h), 1.0])
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    move = np.array([[1.0, 0.0, -x0], [0.0, 1.0, -y0], [0.0, 0.0, 1.0]])
    homography = move @ plane @ unit @ half
    wraps = surface.repeat[0] > 1 or surface.repeat[1] > 1
    size = (x1 - x0, y1 - y0)
    patch: Bytes = np.asarray(
        cv2.warpPerspective(
            texture,
            homography,
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP if wraps else cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )
    mask = np.zeros((size[1], size[0]), np.uint8)
    fixed = np.round((points - [x0, y0]) * _SUBPIXEL)
    cv2.fillConvexPoly(
        mask,
        np.clip(fixed, -(2**26), 2**26).astype(np.int32),
        255,
        cv2.LINE_AA,
        shift=4,
    )
    weight: Float = mask.astype(np.float32) * np.float32(1 / 255)
    if texture.shape[2] == 4:
        weight = weight * (patch[:, :, 3].astype(np.float32) * np.float32(1 / 255))
        patch = np.ascontiguousarray(patch[:, :, :3])
    if not surface.glow:
        share = haze.share(float(part[:, 2].mean()))
        if share > 0.01:
            colour = [255.0 * share * value for value in haze.colour]
            dimmed = np.asarray(cv2.convertScaleAbs(patch, alpha=1.0 - share), np.uint8)
            veil = np.array([*colour, 0.0])
            patch = np.asarray(cv2.add(dimmed, veil), np.uint8)
    region = np.ascontiguousarray(canvas[y0:y1, x0:x1])
    canvas[y0:y1, x0:x1] = cv2.blendLinear(patch, region, weight, np.float32(1.0) - weight)
    if hidden is not None:
        hidden[y0:y1, x0:x1][weight >= 0.5] = 0
