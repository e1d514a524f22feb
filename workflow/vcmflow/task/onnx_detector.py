"""Any detector exported to ONNX, described by a small YAML file.

Descriptions lie in ``vcmflow/task/onnx``; a path to another one is accepted too. ONNX Runtime
computes the network; PyTorch is not needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.core.detections import Detections
from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Count, Share
from vcmflow.core.video import Frame
from vcmflow.task.found import AtMost, ranked
from vcmflow.task.onnx.decode import decode, suppress
from vcmflow.task.onnx.describe import Description, InputSpec, read_description
from vcmflow.task.onnx.model import open_model

NAME = "onnx"


def prepare(frame: Frame, spec: InputSpec) -> tuple[npt.NDArray[Any], tuple[float, ...]]:
    """Make the network's input from a frame.

    Returns:
        (1, 3, height, width) in the description's type, and where the frame lies in it: x0, y0,
        x1, y1 relative to the input.
    """
    height, width = frame.shape[:2]
    if spec.resize == "stretch":
        picture = cv2.resize(frame, (spec.width, spec.height), interpolation=cv2.INTER_LINEAR)
        place = (0.0, 0.0, 1.0, 1.0)
    else:
        scale = min(spec.height / height, spec.width / width)
        inner = (max(1, round(height * scale)), max(1, round(width * scale)))
        top, left = 0, 0
        if spec.anchor == "centre":
            top, left = (spec.height - inner[0]) // 2, (spec.width - inner[1]) // 2
        picture = np.full((spec.height, spec.width, 3), spec.fill, np.uint8)
        picture[top : top + inner[0], left : left + inner[1]] = cv2.resize(
            frame, (inner[1], inner[0]), interpolation=cv2.INTER_LINEAR
        )
        place = (
            left / spec.width,
            top / spec.height,
            (left + inner[1]) / spec.width,
            (top + inner[0]) / spec.height,
        )
    if spec.colour == "bgr":
        picture = picture[..., ::-1]
    if spec.type == "uint8":
        return np.ascontiguousarray(picture.transpose(2, 0, 1)[None]), place
    mean, std = (np.array(triple, np.float32) for triple in (spec.mean, spec.std))
    values = (picture.astype(np.float32) / np.float32(spec.divide) - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None]), place


class OnnxDetector:
    """An ONNX network as a ``Detector``."""

    def __init__(self, session: Any, count: int, description: Description, limit: int) -> None:
        self._session = session
        self._description = description
        self._limit = limit
        self._input = session.get_inputs()[0].name
        names = [output.name for output in session.get_outputs()]
        wanted = description.output.tensors
        if max(wanted) >= len(names):
            raise VcmflowError(
                f"ONNX detector: the description reads output {max(wanted)}, the network has "
                f"{len(names)}, counted from 0"
            )
        self._outputs = [names[index] for index in wanted]
        self.parameters = count

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect in frames (uint8 H x W x 3, RGB); see ``vcmflow.core.detections.Detector``.

        Raises:
            VcmflowError: the network does not take the described input, or its output has another
                shape than described.
        """
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> Detections:
        spec = self._description
        values, place = prepare(frame, spec.input)
        try:
            outputs = self._session.run(self._outputs, {self._input: values})
        except Exception as error:
            # ONNX Runtime raises classes of its own, without a common base.
            line = str(error).strip().splitlines()[0][:200]
            raise VcmflowError(
                f"ONNX detector: does not take the described input: {line}"
            ) from None
        found = decode(outputs, spec.output, spec.input, len(spec.categories))
        likely = np.flatnonzero(found.scores > spec.score_threshold)
        boxes, scores = found.boxes[likely], found.scores[likely]
        # Classes that a description gives one category are one class from here on.
        categories = spec.categories[found.classes[likely]]
        kept = suppress(boxes, scores, categories, spec.nms_iou)[: self._limit]
        low, high = (np.array(corner * 2, np.float32) for corner in (place[:2], place[2:]))
        frame_size = np.array((frame.shape[1], frame.shape[0]) * 2, np.float32)
        pixels = ((boxes[kept] - low) / (high - low) * frame_size).clip(0, frame_size)
        return ranked(pixels, scores[kept], categories[kept])


def build(
    weights: Path | None,
    device: str,
    description: str = "fastestdet",
    score_threshold: Share | None = None,
    nms_iou: Share | None = None,
    detections: AtMost = 100,
    threads: Count = 1,
) -> OnnxDetector:
    """Build the detector.

    Args:
        weights: the ``.onnx`` file; there is none without it.
        device: "cpu" or "cuda" (used where ONNX Runtime offers it).
        description: name of a description that comes with vcmflow, or the path of a YAML file.
        score_threshold: detections not above this score are dropped, 0..1; None: as described.
        nms_iou: a box that overlaps a better one of its category by more than this is dropped,
            0..1; None: as described.
        detections: at most this many per frame.
        threads: of the CPU.

    Raises:
        VcmflowError: no file, not an ONNX model, a bad description.
    """
    spec = read_description(description)
    if score_threshold is not None:
        spec = replace(spec, score_threshold=score_threshold)
    if nms_iou is not None:
        spec = replace(spec, nms_iou=nms_iou)
    if weights is None:
        raise VcmflowError("the onnx detector needs a weights file (.onnx)")
    session, count = open_model(weights, device, threads)
    return OnnxDetector(session, count, spec, detections)
