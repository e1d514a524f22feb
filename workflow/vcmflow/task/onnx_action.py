"""Any network of clips exported to ONNX, SlowFast for example, with its weights.

Its one input is float32 (1, 3, T, H, W), or (1, T, 3, H, W), normalised RGB; its first output is
(1, classes), before a softmax. ONNX Runtime computes it; PyTorch is not needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vcmflow.core.clips import View
from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Count, Natural
from vcmflow.task.onnx.model import open_model
from vcmflow.task.recogniser import Recogniser, read_classes

Triple = tuple[float, float, float]


def build(
    weights: Path | None,
    device: str,
    classes: Path | None = None,
    frames: Count = 8,
    stride: Natural = 8,
    clips: Count = 1,
    short_side: Count = 256,
    crop: Count = 224,
    axes: Literal["channels_first", "frames_first"] = "channels_first",
    mean: Triple = (0.485, 0.456, 0.406),
    deviation: Triple = (0.229, 0.224, 0.225),
    threads: Count = 1,
) -> Recogniser:
    """Build the model.

    Args:
        weights: the ``.onnx`` file; there is none without it.
        device: "cpu" or "cuda" (used where ONNX Runtime offers it).
        classes: text file with the name of a class per line, in the network's order.
        frames: of a clip.
        stride: frames from one to the next; 0: they are spread over the whole video.
        clips: of a video, whose scores are averaged.
        short_side: px; frames are resized to it.
        crop: px; side of the square in the middle.
        axes: of the input: (1, 3, T, H, W) or (1, T, 3, H, W).
        mean: of RGB in 0..1.
        deviation: of RGB in 0..1.
        threads: of the CPU.

    Raises:
        VcmflowError: no file, no classes, not an ONNX model, or not of one input.
    """
    if weights is None or classes is None:
        missing = "a weights file (.onnx)" if weights is None else "the option classes"
        raise VcmflowError(f"the onnx model of actions needs {missing}")
    labels = read_classes(classes)
    session, count = open_model(weights, device, threads)
    inputs = [entry.name for entry in session.get_inputs()]
    if len(inputs) != 1:
        raise VcmflowError(f"{weights}: has the inputs {', '.join(inputs)}; wanted: one, the clip")

    def scores(batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        values = batch if axes == "channels_first" else batch.transpose(0, 2, 1, 3, 4)
        try:
            outputs: list[Any] = session.run(None, {inputs[0]: np.ascontiguousarray(values)})
        except Exception as error:
            # ONNX Runtime raises classes of its own, without a common base.
            line = str(error).strip().splitlines()[0][:200]
            raise VcmflowError(f"{weights}: does not take the clip: {line}") from None
        return np.asarray(outputs[0], np.float32).reshape(len(batch), -1)

    view = View(frames, stride, short_side, crop)
    return Recogniser(scores, labels, view, clips, (mean, deviation), count)
