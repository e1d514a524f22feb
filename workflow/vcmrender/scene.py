"""A scene on its clock -> frames with exact ground truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmrender.camera import Camera, CameraPath
from vcmrender.fire import Flicker
from vcmrender.lighting import Light, Sensor
from vcmrender.scenery import Panorama
from vcmrender.sprite import Actor, Layer, Mask, composite
from vcmrender.surface import Surface, draw
from vcmrender.textures import Bytes, Colour, Half

# Objects with less to see than this are not annotated.
MIN_PIXELS = 40
MIN_VISIBLE = 0.2


@dataclass(frozen=True)
class SceneSpec:
    """What to render.

    Attributes:
        character: a key of ``characters.CHARACTERS``.
        width, height: picture size in pixels, >= 64.
        times: scene time of every frame in seconds, never decreasing: the time warp.
        half: which halves of the photographs the textures come from ("left" for test data,
            "right" for training data).
        shutter: share of the step to the next frame during which the shutter is open (motion
            blur), 0..1.
    """

    character: str
    width: int
    height: int
    times: tuple[float, ...]
    half: Half = "right"
    shutter: float = 0.12

    def __post_init__(self) -> None:
        if self.width < 64 or self.height < 64:
            raise VcmflowError(
                f"a scene of {self.width}x{self.height} pixels is too small; allowed: 64 and more"
            )
        if not self.times:
            raise VcmflowError("a scene needs at least one frame time")
        if any(b < a for a, b in zip(self.times, self.times[1:], strict=False)):
            raise VcmflowError("the frame times of a scene must not decrease")


@dataclass(frozen=True)
class VisibleObject:
    """One object in one frame.

    Attributes:
        category: "person", "bicycle" or "car".
        object_id: from 1, constant over the scene.
        mask: bool H x W, its visible pixels.
        bbox: x, y, w, h of the visible pixels' extent, px (the edges of pixels, so w, h >= 1).
        occlusion: share of its silhouette inside the picture that something hides, 0..1.
    """

    category: str
    object_id: int
    mask: Mask
    bbox: tuple[int, int, int, int]
    occlusion: float


@dataclass(frozen=True)
class World:
    """A scene ready to be rendered; scene time 0 is the middle of the sequence."""

    camera: CameraPath
    light: Light
    sky: Panorama
    surfaces: Sequence[Surface]
    actors: Sequence[Actor]
    flicker: Flicker | None = None


@dataclass(frozen=True)
class RenderedFrame:
    """One picture, uint8 H x W x 3 RGB, and the objects to be seen in it (ascending ids)."""

    picture: Bytes
    objects: tuple[VisibleObject, ...]


def render_world(
    world: World, spec: SceneSpec, rng: np.random.Generator
) -> Iterator[RenderedFrame]:
    """Render every frame of ``spec.times``, shifted so that their middle is the world's time 0."""
    width, height = spec.width, spec.height
    sensor = Sensor(world.light, rng, width, height)
    middle = (spec.times[0] + spec.times[-1]) / 2
    background: tuple[tuple[Camera, ...], Bytes] | None = None
    for index, frame_time in enumerate(spec.times):
        time = frame_time - middle
        last = index + 1 >= len(spec.times)
        step = spec.times[index] - spec.times[index - 1] if last and index else 0.0
        if not last:
            step = spec.times[index + 1] - frame_time
        open_for = spec.shutter * step
        camera = world.camera.at(time)
        poses = _poses(world.camera, time, open_for)
        if background is None or background[0] != poses:
            background = (poses, _background(world, poses))
        canvas = background[1].copy()
        ids = np.zeros((height, width), np.int16)
        factor: Colour = (1.0, 1.0, 1.0)
        extra: list[Surface] = []
        if world.flicker is not None:
            extra, factor = world.flicker.frame()
        areas = _foreground(world, extra, canvas, ids, camera, time, open_for)
        yield RenderedFrame(sensor.expose(canvas, factor), _objects(world, ids, areas))


def _poses(path: CameraPath, time: float, open_for: float) -> tuple[Camera, ...]:
    """The camera while the shutter is open: one pose, or up to four when the picture smears."""
    first, last = path.at(time - open_for / 2), path.at(time + open_for / 2)
    turned = abs(last.yaw - first.yaw) + abs(last.pitch - first.pitch)
    moved = float(np.abs(np.subtract(last.position, first.position)).max())
    # Pixels that something 8 m away moves.
    smear = first.focal * (turned + 0.35 * moved / 8.0)
    count = 1 if smear < 1.0 else 2 if smear < 2.5 else 3 if smear < 6 else 4
    if count == 1:
        return (path.at(time),)
    return tuple(path.at(time + open_for * (k / (count - 1) - 0.5)) for k in range(count))


def _background(world: World, poses: tuple[Camera, ...]) -> Bytes:
    start = poses[0]
    pictures = []
    for camera in poses:
        picture = np.empty((start.height, start.width, 3), np.uint8)
        world.sky.draw(picture, camera)
        still = [surface for surface in world.surfaces if not surface.occluder]
        still.sort(key=lambda surface: (surface.layer, -surface.depth(camera)))
        for surface in still:
            draw(picture, camera, surface, world.light.haze)
        pictures.append(picture)
    if len(pictures) == 1:
        return pictures[0]
    total = np.zeros(pictures[0].shape, np.float32)
    for picture in pictures:
        cv2.accumulate(picture, total)
    return np.asarray(total / len(pictures) + 0.5, np.uint8)


def _foreground(
    world: World,
    extra: list[Surface],
    canvas: Bytes,
    ids: npt.NDArray[np.int16],
    camera: Camera,
    time: float,
    open_for: float,
) -> dict[int, int]:
    """Paint movers and occluders far to near; returns the silhouette's area of every object."""
    queue: list[tuple[float, int, int]] = []
    occluders = [surface for surface in (*world.surfaces, *extra) if surface.occluder]
    for index, surface in enumerate(occluders):
        queue.append((surface.depth(camera), 0, index))
    for index, actor in enumerate(world.actors):
        queue.append((camera.depth(actor.position(time)), 1, index))
    queue.sort(key=lambda item: -item[0])
    first_ids = _first_ids(world.actors)
    silhouettes: dict[int, Mask] = {}
    areas: dict[int, int] = {}
    before = world.camera.at(time - open_for / 2) if open_for > 0 else camera
    after = world.camera.at(time + open_for / 2) if open_for > 0 else camera
    for depth, kind, index in queue:
        if depth < 0.8:
            continue
        if kind == 0:
            draw(canvas, camera, occluders[index], world.light.haze, ids)
            continue
        actor = world.actors[index]
        layers = actor.layers(camera, time)
        if not layers:
            continue
        motion = (0.0, 0.0)
        if open_for > 0:
            ends = [
                pose.project(np.asarray([actor.position(moment)]))[0, :2]
                for pose, moment in (
                    (before, time - open_for / 2),
                    (after, time + open_for / 2),
                )
            ]
            motion = (float(ends[1][0] - ends[0][0]), float(ends[1][1] - ends[0][1]))
        silhouettes.clear()
        for layer in layers:
            composite(canvas, layer, motion)
            if layer.member >= 0:
                number = first_ids[index] + layer.member
                _mark(ids, layer, number, silhouettes)
        for number, silhouette in silhouettes.items():
            areas[number] = int(np.count_nonzero(silhouette))
    return areas


def _mark(
    ids: npt.NDArray[np.int16], layer: Layer, number: int, silhouettes: dict[int, Mask]
) -> None:
    height, width = ids.shape
    x0, y0 = max(0, layer.x), max(0, layer.y)
    x1 = min(width, layer.x + layer.mask.shape[1])
    y1 = min(height, layer.y + layer.mask.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    mask = layer.mask[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x]
    ids[y0:y1, x0:x1][mask] = number
    silhouette = silhouettes.setdefault(number, np.zeros((height, width), bool))
    silhouette[y0:y1, x0:x1] |= mask


def _first_ids(actors: Sequence[Actor]) -> list[int]:
    numbers, following = [], 1
    for actor in actors:
        numbers.append(following)
        following += len(actor.categories)
    return numbers


def _objects(
    world: World, ids: npt.NDArray[np.int16], areas: dict[int, int]
) -> tuple[VisibleObject, ...]:
    categories = [name for actor in world.actors for name in actor.categories]
    visible = np.bincount(ids.ravel(), minlength=len(categories) + 1)
    found = []
    for number, category in enumerate(categories, start=1):
        area = areas.get(number, 0)
        seen = int(visible[number])
        if area == 0 or seen < MIN_PIXELS or seen < MIN_VISIBLE * area:
            continue
        mask = ids == number
        rows = np.flatnonzero(mask.any(axis=1))
        columns = np.flatnonzero(mask.any(axis=0))
        bbox = (
            int(columns[0]),
            int(rows[0]),
            int(columns[-1] - columns[0] + 1),
            int(rows[-1] - rows[0] + 1),
        )
        found.append(VisibleObject(category, number, mask, bbox, 1.0 - seen / area))
    return tuple(found)
