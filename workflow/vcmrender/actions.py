"""Clips whose class is how something moves, and nothing that a single frame shows.

One textured thing lies on a textured ground. Its state is a place, a size and an angle, each a
point of a circle: what leaves the picture on one side comes back on the other, and beyond the
largest size begins the smallest. A class is a path from wherever the thing is at first. That is
drawn evenly from all states, so that at any other time it is spread evenly, too, whatever the
class: what a network gets right of these clips beyond chance, it has seen between frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from vcmrender.textures import Bytes, Float, Half, TexturePool, to_bytes

# Time 0..1 -> how far place (x, y), size and angle have gone, in turns of their circles.
Path = Callable[[float], npt.NDArray[np.float64]]

SIZES = (0.6, 1.8)  # of the thing, from the smallest to the largest
RADIUS = 0.13  # of the thing at size 1, as a share of the picture
NOISE = 0.006  # of the camera


def render_motion(
    motion: str, frames: int, side: int, rng: np.random.Generator, half: Half
) -> Iterator[Bytes]:
    """Draw a clip.

    Args:
        motion: one of ``catalogue.MOTIONS``.
        frames: 2 or more; the motion takes the whole clip.
        side: of the square pictures in px.
        rng: decides all else.
        half: of the photographs that textures come from.

    Yields:
        uint8 side x side x 3, RGB.
    """
    pool = TexturePool(rng, half)
    ground = pool.crop(side, side, magnify=0.7) * np.float32(0.8) + np.float32(0.1)
    thing, reach = _thing(pool, rng, side)
    state = rng.random(4)
    camera = rng.spawn(1)[0]
    path = _path(motion, rng)
    for index in range(frames):
        picture = ground.copy()
        x, y, share, angle = (state + path(index / (frames - 1)) - path(0)) % 1
        size = SIZES[0] * (SIZES[1] / SIZES[0]) ** share
        turned: Float = np.array(
            cv2.getRotationMatrix2D((side / 2, side / 2), -360 * angle, size), np.float64
        )
        for down in _ends(y, size * reach):
            for right in _ends(x, size * reach):
                _paint(picture, thing, turned, (right, down))
        picture += np.asarray(camera.normal(0, NOISE, (side, side, 1)), np.float32)
        yield to_bytes(picture)


def _path(motion: str, rng: np.random.Generator) -> Path:
    """The class's path; how far and, where the class is not a direction, whither is drawn."""
    heading = 2 * math.pi * rng.random()
    towards = {"right": 0.0, "down": 0.25, "left": 0.5, "up": 0.75}
    if motion in towards:
        heading = 2 * math.pi * towards[motion] + rng.uniform(-0.25, 0.25)
    ahead = np.array([math.cos(heading), math.sin(heading), 0, 0])
    aside = np.array([-math.sin(heading), math.cos(heading), 0, 0])
    far = rng.uniform(0.35, 0.65)
    phase = rng.random()
    if motion == "stop_and_go":  # twice as fast half of the time
        return lambda t: far * _share_gone(2 * t + phase) * ahead
    if motion == "zigzag":
        return lambda t: far * t * ahead + 0.4 * abs((2 * t + phase) % 1 - 0.5) * aside
    turned = {
        "approach": (2, 1),
        "recede": (2, -1),
        "clockwise": (3, 1),
        "counterclockwise": (3, -1),
    }
    if motion in turned:
        axis, sign = turned[motion]
        return lambda t: sign * far * t * np.eye(4)[axis]
    return lambda t: far * t * ahead


def _share_gone(periods: float) -> float:
    """How far something has come that moves in the first half of every period, 1/2 in each."""
    whole, part = divmod(periods, 1)
    return (whole + min(1.0, 2 * part)) / 2


def _thing(pool: TexturePool, rng: np.random.Generator, side: int) -> tuple[Float, float]:
    """A blob unlike its turned copies, in the middle of a picture, and how far it reaches.

    Returns:
        float32 RGB times alpha, and alpha; the reach as a share of the picture.
    """
    angles = np.linspace(0, 2 * math.pi, 120, endpoint=False)
    waves = np.zeros(len(angles))
    for k in (1, 2, 3, 5):
        size, phase = rng.uniform(0.1, 0.3), rng.random()
        waves += size / k**0.5 * np.cos(k * angles + 2 * math.pi * phase)
    reach = RADIUS * side * (1 + waves)
    outline = side / 2 + np.column_stack([reach * np.cos(angles), reach * np.sin(angles)])
    alpha = np.zeros((side, side), np.float32)
    cv2.fillPoly(alpha, [np.round(outline * 16).astype(np.int32)], 1.0, cv2.LINE_8, shift=4)
    alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), side / 240), np.float32)
    tint = np.asarray(rng.uniform(0.3, 1.0, 3), np.float32)
    skin = np.clip(pool.crop(side, side, magnify=1.5) * tint * np.float32(1.4), 0, 1)
    return np.dstack([skin * alpha[..., None], alpha]), float(reach.max() / side + 0.02)


def _paint(picture: Float, thing: Float, turned: Float, place: tuple[float, float]) -> None:
    """Lay the thing over a picture, its middle at a place (x, y) in shares of the picture."""
    side = picture.shape[0]
    matrix = turned.copy()
    matrix[:, 2] += side * (np.array(place) - 0.5)
    layer = cv2.warpAffine(thing, matrix, (side, side), flags=cv2.INTER_LINEAR)
    picture *= 1 - layer[..., 3:]
    picture += layer[..., :3]


def _ends(place: float, reach: float) -> list[float]:
    """A place on a circle, and its like beyond the other side if that reaches into the picture."""
    return [like for like in (place - 1, place, place + 1) if -reach < like < 1 + reach]
