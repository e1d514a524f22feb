"""Light, air and the camera's electronics."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vcmrender.surface import Haze
from vcmrender.textures import Bytes, Colour, Float


@dataclass(frozen=True)
class Light:
    """The light of one scene.

    Attributes:
        sun: unit vector towards the sun (x right, y up, z forward).
        contrast: how much brighter a sunlit face is than one in the shade, 0 (overcast) .. 1.
        shadow: darkness of ground shadows, 0..1.
        haze: the air.
        gain: exposure factor per colour channel.
        gamma: tone curve, 1 = none; > 1 darkens the middle tones.
        noise: sensor noise at mid grey, 8-bit steps (standard deviation).
        vignette: loss of light in the corners, 0..1.
        softness: radius of the lens blur, pixels.
    """

    sun: tuple[float, float, float]
    contrast: float
    shadow: float
    haze: Haze
    gain: Colour = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    noise: float = 2.0
    vignette: float = 0.15
    softness: float = 0.5

    def facing(self, normal: tuple[float, float, float]) -> float:
        """Brightness factor of a face with this unit normal, about 0.55..1.25."""
        cosine = sum(a * b for a, b in zip(self.sun, normal, strict=True))
        return 0.92 + self.contrast * (0.42 * max(cosine, 0.0) - 0.22)


class Sensor:
    """Turns the painted picture into what the camera delivers.

    Args:
        light: exposure, tone curve, noise.
        rng: draws the noise; one sensor serves one scene, frame by frame.
    """

    def __init__(self, light: Light, rng: np.random.Generator, width: int, height: int) -> None:
        self.light = light
        self.rng = rng
        # One large field, cut at random offsets: drawing fresh normals for every frame would cost
        # more than the rest of the sensor.
        self.field = rng.standard_normal((height + 31, width + 37, 3), dtype=np.float32)
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
        fall = 1.0 - light.vignette * 0.5 * (x**2 + y**2)
        self.gain: Float = np.asarray(
            fall[..., None] * np.asarray(light.gain, np.float32), np.float32
        )
        levels = np.arange(256) / 255.0
        self.curve = np.asarray(np.round(255.0 * levels**light.gamma), np.float32)

    def expose(self, picture: Bytes, factor: Colour = (1.0, 1.0, 1.0)) -> Bytes:
        """One frame, uint8 H x W x 3; ``factor`` multiplies the channels (flicker)."""
        light = self.light
        if light.softness > 0:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), light.softness), np.uint8)
        values: Float = np.asarray(cv2.LUT(picture, self.curve), np.float32)
        values *= self.gain * np.asarray(factor, np.float32)
        height, width = picture.shape[:2]
        top = int(self.rng.integers(0, self.field.shape[0] - height + 1))
        left = int(self.rng.integers(0, self.field.shape[1] - width + 1))
        noise = self.field[top : top + height, left : left + width]
        # Photon noise grows with the root of the signal.
        values += noise * (light.noise * np.sqrt(0.25 + values * np.float32(1 / 170)))
        return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)
