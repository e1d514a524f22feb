"""``flow``: classical dense optical flow, backward warping, occlusion-aware blending.

With F01 and F10 the flows from the first frame to the second and back (OpenCV's DIS):

1. For the time t and each of the two frames, find for every pixel x the source that the flow
   carries to x: u with u + t F01(u) = x in the first frame, v with v + (1 - t) F10(v) = x in the
   second. The fixed point is iterated a few times; what then remains, r0 and r1, is large where
   nothing of that frame arrives at x (a hole behind a moving object, or outside of the picture).
2. Forward-backward consistency: e0(u) = |F01(u) + F10(u + F01(u))| is large where u is hidden in
   the second frame, and e1(v) likewise.
3. A source counts fully where it arrives and is seen in both frames. Where neither does, one that
   arrives but is seen in its own frame only is preferred to one that does not arrive:
   w0 = (1 - t) (g(r0) g(e0) + a g(r0) + b), w1 = t (g(r1) g(e1) + a g(r1) + b), with
   g(z) = exp(-(z / s)^2); the frame is (w0 I0(u) + w1 I1(v)) / (w0 + w1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.errors import VcmflowError
from vcmflow.reconstruct.interpolator import Interpolator
from vcmflow.video import Frame

Map = npt.NDArray[np.float32]
Places = tuple[Map, Map]  # columns and rows, each H x W

PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
SMALLEST = 16  # DIS needs a few patches in each direction

ITERATIONS = 4
SEEN_ONCE = 0.05  # a
ANYTHING = 1e-4  # b


class Flow:
    """Interpolates along dense optical flow."""

    def __init__(self, preset: str, tolerance: float) -> None:
        self._preset = preset
        self._tolerance = tolerance

    def interpolate(self, first: Frame, second: Frame, times: Sequence[float]) -> list[Frame]:
        """Estimate the flows once and warp for every time; see ``Interpolator``."""
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
            return _warp_all(first, second, forward, backward, times, self._tolerance)


def _warp_all(
    first: Frame,
    second: Frame,
    forward: Map,
    backward: Map,
    times: Sequence[float],
    tolerance: float,
) -> list[Frame]:
    pixels = _pixels(*first.shape[:2])
    seen = [
        _nearness(_inconsistency(there, back, pixels), tolerance)
        for there, back in ((forward, backward), (backward, forward))
    ]
    # The picture and where it is seen travel together: one resampling instead of two.
    layers = [
        np.dstack([frame.astype(np.float32), visible])
        for frame, visible in zip((first, second), seen, strict=True)
    ]
    frames = []
    for time in times:
        total: Map = np.zeros(first.shape[:2], np.float32)
        mixed: Map = np.zeros(first.shape, np.float32)
        for layer, flow, share, weight in (
            (layers[0], forward, time, 1.0 - time),
            (layers[1], backward, 1.0 - time, time),
        ):
            source, rest = _arrivals(flow, share, pixels)
            sampled = _sample(layer, source)
            arrives = _nearness(rest, tolerance)
            counts = np.float32(weight) * (arrives * (sampled[..., 3] + SEEN_ONCE) + ANYTHING)
            mixed += counts[..., None] * sampled[..., :3]
            total += counts
        frames.append(np.rint(mixed / total[..., None]).clip(0, 255).astype(np.uint8))
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


def build(*, preset: str = "fast", tolerance: float = 1.5) -> Interpolator:
    """Check the options.

    Args:
        preset: effort of the flow estimation: ultrafast, fast or medium.
        tolerance: s above, in pixels, > 0: the error at which a source has lost most of its weight.

    Raises:
        VcmflowError: an option has another value.
    """
    if preset not in PRESETS:
        raise VcmflowError(f"flow: preset is {preset!r}; allowed: {', '.join(PRESETS)}")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not tolerance > 0:
        raise VcmflowError(f"flow: tolerance is {tolerance!r}; allowed: a number above 0")
    return Flow(preset, float(tolerance))
