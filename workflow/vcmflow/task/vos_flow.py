"""Video object segmentation without a network: the first frame's masks, carried on by dense flow.

From each frame to the next, a pixel belongs to the object that the flow (OpenCV's DIS, from the
later frame to the earlier one) finds where it came from. Nothing is trained, and nothing that was
hidden comes back: a floor for models that remember how objects look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.core.detections import Result
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.task.vos import Labels, labels_of, to_results

PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
SMALLEST = 16  # DIS needs a few patches in each direction


@dataclass(frozen=True)
class FlowMasks:
    """See ``vcmflow.task.registry``."""

    preset: str

    def run(
        self, frames: Sequence[Frame], first: Mapping[int, npt.NDArray[np.bool_]]
    ) -> list[Result]:
        """Masks of the objects in all frames.

        Args:
            frames: uint8 H x W x 3, RGB.
            first: of each object, its mask in the first frame, bool H x W.

        Raises:
            VcmflowError: frames that are too small, or masks of another size.
        """
        height, width = frames[0].shape[:2]
        if min(height, width) < SMALLEST:
            raise VcmflowError(
                f"frames are {width}x{height}; flow needs {SMALLEST}x{SMALLEST} or more"
            )
        labels, numbers = labels_of(first, (height, width))
        estimator = cv2.DISOpticalFlow.create(PRESETS[self.preset])
        before = cv2.cvtColor(frames[0], cv2.COLOR_RGB2GRAY)
        results = to_results(0, labels, numbers)
        for index, frame in enumerate(frames[1:], start=1):
            grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
            flow = estimator.calc(grey, before, None)  # type: ignore[call-overload]
            labels = carried(labels, np.asarray(flow, np.float32), len(numbers))
            results += to_results(index, labels, numbers)
            before = grey
        return results


def carried(labels: Labels, flow: npt.NDArray[np.float32], objects: int) -> Labels:
    """Labels of a frame, from those of the one before and the flow back to it.

    A pixel is the label that has most of the four pixels around the place that it came from.
    """
    height, width = labels.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height))
    places = columns + flow[..., 0], rows.astype(np.float32) + flow[..., 1]
    shares = np.stack(
        [
            cv2.remap(
                (labels == number).astype(np.float32),
                *places,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for number in range(objects + 1)
        ]
    )
    return np.asarray(shares.argmax(axis=0), np.uint8)


def build(preset: Literal["ultrafast", "fast", "medium"] = "medium") -> FlowMasks:
    """The model.

    Args:
        preset: of the flow.
    """
    return FlowMasks(preset)
