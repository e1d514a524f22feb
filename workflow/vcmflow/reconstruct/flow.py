"""``flow``: classical dense optical flow, backward warping, occlusion-aware blending.

With F01 and F10 the flows from the first frame to the second and back (OpenCV's DIS):

1. For the time t and each of the two frames, find for every pixel x the source that the flow
   carries to x: u with u + t F01(u) = x in the first frame, v with v + (1 - t) F10(v) = x in the
   second. The fixed point is iterated a few times; what then remains, r0 and r1, is large where
   nothing of that frame arrives at x (a hole behind a moving object, or outside of the picture).
2. Forward-backward consistency: e0(u) = |F01(u) + F10(u + F01(u))| is large where u is hidden in
   the second frame, and e1(v) where v is hidden in the first one.
3. A frame counts less where nothing of it arrives, and where the other frame shows something that
   it does not have: w0 = (1 - t) (g(r0) + a) (g(e1) + a), w1 = t (g(r1) + a) (g(e0) + a), with
   g(z) = exp(-(z / s)^2); the result is (w0 I0(u) + w1 I1(v)) / (w0 + w1).

On six DAVIS sequences at 416x240 (gaps of 1 and 3 frames) this is 6.3 dB above the cross-fade and
0.1 dB above the same warping without weights from steps 1 and 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Literal

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.reconstruct.reconstructor import Reconstructor

Map = npt.NDArray[np.float32]
Places = tuple[Map, Map]  # columns and rows, each H x W

PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
SMALLEST = 16  # DIS needs a few patches in each direction

ITERATIONS = 4
FLOOR = 0.2  # a


class Flow:
    """Interpolates along dense optical flow."""

    def __init__(self, preset: str, tolerance: float) -> None:
        self._preset = preset
        self._tolerance = tolerance

    def interpolate(self, first: Frame, second: Frame, times: Sequence[float]) -> list[Frame]:
        """Estimate the flows once and warp for every time; see ``Reconstructor``."""
        if min(first.shape[:2]) < SMALLEST:
            raise VcmflowError(
                f"flow: frames are {first.shape[1]}x{first.shape[0]}; at least "
                f"{SMALLEST}x{SMALLEST} is needed, use blend or hold"
            )
        with _one_thread():
            gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
            estimator = cv2.DISOpticalFlow.create(PRESETS[self._preset])
            forward = estimator.calc(gray[0], gray[1], None)  # type: ignore[call-overload]
            backward = estimator.calc(gray[1], gray[0], None)  # type: ignore[call-overload]
            return warp_between(first, second, forward, backward, times, self._tolerance)


def warp_between(
    first: Frame,
    second: Frame,
    forward: Map,
    backward: Map,
    times: Sequence[float],
    tolerance: float,
) -> list[Frame]:
    """Warp two frames to the times between them, along given flows; steps 1 to 3 above.

    Args:
        first: uint8 H x W x 3, RGB.
        second: likewise.
        forward: flow from ``first`` to ``second``, float32 H x W x 2, pixels (right, down).
        backward: flow from ``second`` to ``first``, likewise.
        times: in (0, 1).
        tolerance: s above, in pixels.
    """
    pixels = _pixels(*first.shape[:2])
    # A frame and where its content is seen in the other one travel together: one resampling.
    start, end = (
        np.dstack([frame, _nearness(_inconsistency(there, back, pixels), tolerance)])
        for frame, there, back in ((first, forward, backward), (second, backward, forward))
    )
    frames = []
    for time in times:
        source, missing = _arrivals(forward, time, pixels)
        from_start, arrives_start = _sample(start, source), _nearness(missing, tolerance)
        source, missing = _arrivals(backward, 1.0 - time, pixels)
        from_end, arrives_end = _sample(end, source), _nearness(missing, tolerance)
        weight_start = (arrives_start + FLOOR) * (from_end[..., 3] + FLOOR) * (1.0 - time)
        weight_end = (arrives_end + FLOOR) * (from_start[..., 3] + FLOOR) * time
        share = (weight_end / (weight_start + weight_end)).astype(np.float32)[..., None]
        mixed = from_start[..., :3] + share * (from_end[..., :3] - from_start[..., :3])
        frames.append(np.rint(mixed).clip(0, 255).astype(np.uint8))
    return frames


def _pixels(height: int, width: int) -> Places:
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    return columns, rows


def _arrivals(flow: Map, share: float, pixels: Places) -> tuple[Places, Map]:
    """For every pixel x the source u with u + share * flow(u) = x, and |u + share flow(u) - x|."""
    part = np.float32(share) * flow
    moved = part
    for _ in range(ITERATIONS):
        source = _inside(pixels[0] - moved[..., 0], pixels[1] - moved[..., 1])
        moved = _sample(part, source)
    return source, _length(
        source[0] + moved[..., 0] - pixels[0], source[1] + moved[..., 1] - pixels[1]
    )


def _inconsistency(there: Map, back: Map, pixels: Places) -> Map:
    """|there(u) + back(u + there(u))| in pixels; content that leaves the picture adds how far."""
    target = (pixels[0] + there[..., 0], pixels[1] + there[..., 1])
    inside = _inside(*target)
    returned = there + _sample(back, inside)
    return _length(returned[..., 0], returned[..., 1]) + _length(
        target[0] - inside[0], target[1] - inside[1]
    )


def _inside(columns: Map, rows: Map) -> Places:
    height, width = columns.shape
    return columns.clip(0, width - 1), rows.clip(0, height - 1)


def _sample(values: Map, where: Places) -> Map:
    """Bilinear samples of an H x W x C array at (columns, rows)."""
    sampled = cv2.remap(values, *where, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32)


def _length(horizontal: Map, vertical: Map) -> Map:
    length = cv2.magnitude(np.ascontiguousarray(horizontal), np.ascontiguousarray(vertical))
    return np.asarray(length, np.float32)


def _nearness(distance: Map, tolerance: float) -> Map:
    nearness: Map = np.exp(-np.square(distance / np.float32(tolerance)))
    return nearness


@contextmanager
def _one_thread() -> Iterator[None]:
    """A job takes one core, and nothing can depend on how many the machine has."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def build(
    *,
    preset: Literal["ultrafast", "fast", "medium"] = "medium",
    tolerance: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] = 1.0,
) -> Reconstructor:
    """Take the options.

    Args:
        preset: effort of the flow estimation.
        tolerance: s above, in pixels: the error at which a frame has lost most of its weight.
    """
    return Flow(preset, tolerance)
