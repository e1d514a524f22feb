"""Pinhole camera over a flat world.

World axes: x right, y up, z forward, metres. Picture axes: x right, y down, pixels, the centre of
the top left pixel at (0, 0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
NEAR = 0.6


@dataclass(frozen=True)
class Camera:
    """One pose of the camera.

    Attributes:
        width, height: picture size in pixels.
        focal: focal length in pixels.
        position: world position in metres.
        yaw: heading in radians, positive to the right.
        pitch: radians, positive looks down.
        roll: radians.
    """

    width: int
    height: int
    focal: float
    position: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    @cached_property
    def matrix(self) -> Array:
        """The 3x4 projection; the third row gives the depth in metres."""
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        # Rows: right, down, forward before pitch.
        base = np.array([[cos, 0.0, -sin], [0.0, -1.0, 0.0], [sin, 0.0, cos]])
        cos, sin = math.cos(self.pitch), math.sin(self.pitch)
        tilt = np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        spin = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        rotation = spin @ tilt @ base
        lens = np.array(
            [
                [self.focal, 0.0, (self.width - 1) / 2],
                [0.0, self.focal, (self.height - 1) / 2],
                [0.0, 0.0, 1.0],
            ]
        )
        turned: Array = lens @ rotation
        return np.hstack([turned, -(turned @ np.asarray(self.position))[:, None]])

    def project(self, points: Array) -> Array:
        """World points (k, 3) -> (k, 3): picture x, y in pixels, and depth in metres."""
        homogeneous = points @ self.matrix[:, :3].T + self.matrix[:, 3]
        depth = np.maximum(homogeneous[:, 2:], 1e-6)
        return np.hstack([homogeneous[:, :2] / depth, homogeneous[:, 2:]])

    def depth(self, point: tuple[float, float, float]) -> float:
        """Distance in front of the camera, in metres."""
        return float(self.matrix[2] @ np.array([*point, 1.0]))


@dataclass(frozen=True)
class CameraPath:
    """A camera that rolls, pans and trembles evenly on the scene's clock.

    Attributes:
        start: pose at time 0.
        velocity: metres per second along x, y, z.
        yaw_rate: radians per second.
        tremble: amplitude of the pitch's tremble, radians; it stops when the clock stops.
        phase: phase of the tremble.
    """

    start: Camera
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_rate: float = 0.0
    tremble: float = 0.0
    phase: float = 0.0

    def at(self, time: float) -> Camera:
        """The pose at ``time`` (seconds of scene time)."""
        start = self.start
        shake = self.tremble * (
            math.sin(9.0 * time + self.phase) + 0.6 * math.sin(23.0 * time + 2.0 * self.phase)
        )
        return Camera(
            start.width,
            start.height,
            start.focal,
            (
                start.position[0] + self.velocity[0] * time,
                start.position[1] + self.velocity[1] * time,
                start.position[2] + self.velocity[2] * time,
            ),
            start.yaw + self.yaw_rate * time,
            start.pitch + shake,
            start.roll,
        )
