"""Random changes of a training picture: geometry, colour, and what coding and a lens do to it.

The detectors later see frames that were coded at QP 22..47 and interpolated, so training pictures
are blurred, re-sampled and coded too.
"""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np

from vcmflow.core.video import Frame
from vcmflow.train.models.samples import Sample

SCALES = (0.8, 1.6)
CODING_QPS = (20, 48)


def augment(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return a changed copy of a sample, of the same size; ``rng`` decides everything."""
    moved = move(sample, rng)
    frame = recolour(moved.frame, rng)
    if rng.random() < 0.4:
        frame = blur(frame, rng)
    if rng.random() < 0.2:
        frame = resample(frame, rng)
    if rng.random() < 0.3:
        noise = rng.standard_normal(frame.shape, np.float32) * np.float32(rng.uniform(1.0, 8.0))
        frame = np.clip(frame + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        frame = coded(frame, int(rng.integers(CODING_QPS[0], CODING_QPS[1] + 1)))
    return Sample(frame, moved.owner, moved.categories)


def move(sample: Sample, rng: np.random.Generator) -> Sample:
    """Flip, scale and shift picture and labels together; the border is filled with the mean colour.

    Scales above 1 cut a window, scales below 1 leave a border.
    """
    height, width = sample.owner.shape
    low, high = np.log(SCALES)
    scale = float(np.exp(rng.uniform(low, high)))
    stretch = float(np.exp(rng.uniform(-0.1, 0.1)))
    sx, sy = scale * stretch, scale / stretch
    mirrored = -1.0 if rng.random() < 0.5 else 1.0
    # Free room on either side of the scaled picture; negative where it is larger than the window.
    room_x, room_y = width * (1 - sx), height * (1 - sy)
    left, top = (
        rng.uniform(min(room_x, 0.0), max(room_x, 0.0)),
        rng.uniform(min(room_y, 0.0), max(room_y, 0.0)),
    )
    matrix = np.array(
        [[mirrored * sx, 0.0, left if mirrored > 0 else left + width * sx], [0.0, sy, top]]
    )
    # From pixel corners, in which the above is thought, to pixel centres.
    matrix[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    fill = tuple(float(value) for value in sample.frame.mean(axis=(0, 1)))
    frame = cv2.warpAffine(sample.frame, matrix, (width, height), borderValue=fill)
    owner = cv2.warpAffine(sample.owner, matrix, (width, height), flags=cv2.INTER_NEAREST)
    return Sample(frame.astype(np.uint8), owner.astype(np.uint8), sample.categories)


def recolour(frame: Frame, rng: np.random.Generator) -> Frame:
    """Change brightness, contrast, saturation, white balance and gamma."""
    x = frame.astype(np.float32) / 255
    grey = x @ np.array([0.299, 0.587, 0.114], np.float32)
    saturation = rng.uniform(0.5, 1.5) if rng.random() < 0.9 else 0.0
    x = grey[..., None] + (x - grey[..., None]) * np.float32(saturation)
    mean = float(grey.mean())
    x = (x - mean) * np.float32(rng.uniform(0.7, 1.3)) + mean
    x = x * rng.uniform(0.9, 1.1, 3).astype(np.float32) * np.float32(rng.uniform(0.75, 1.25))
    x = np.clip(x, 0, 1) ** np.float32(rng.uniform(0.8, 1.25))
    result: Frame = np.round(x * 255).astype(np.uint8)
    return result


def blur(frame: Frame, rng: np.random.Generator) -> Frame:
    """Gaussian blur, or a streak of 2..7 pixels in a random direction."""
    if rng.random() < 0.5:
        smooth = cv2.GaussianBlur(frame, (0, 0), rng.uniform(0.4, 1.4))
        return np.asarray(smooth, np.uint8)
    length, angle = rng.uniform(2.0, 7.0), rng.uniform(0.0, np.pi)
    kernel = np.zeros((9, 9), np.float32)
    for position in np.linspace(-length / 2, length / 2, 17):
        kernel[round(4 + position * np.sin(angle)), round(4 + position * np.cos(angle))] += 1
    return np.asarray(cv2.filter2D(frame, -1, kernel / kernel.sum()), np.uint8)


def resample(frame: Frame, rng: np.random.Generator) -> Frame:
    """Lose detail: shrink to 50..90 % and enlarge again."""
    height, width = frame.shape[:2]
    factor = rng.uniform(0.5, 0.9)
    small = cv2.resize(
        frame, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA
    )
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.uint8)


def coded(frame: Frame, qp: int) -> Frame:
    """Code and decode a picture as an H.264 intra picture: quick, and near enough to VVC's faults.

    Args:
        frame: uint8 H x W x 3, RGB, even sides.
        qp: 0..51.
    """
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.shape[1], frame.shape[0], "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.options = {"preset": "veryfast", "qp": str(qp)}
    packets = encoder.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24"))
    packets += encoder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    pictures = [picture for packet in packets for picture in decoder.decode(packet)]
    pictures += decoder.decode(None)
    return np.asarray(pictures[0].to_ndarray(format="rgb24"), np.uint8)
