"""Names what is done in a video: what a network of clips gives, as a task's result.

A result is one entry per class, the best first: ``label`` and ``score``, the mean of the softmax
over the clips of the video.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vcmflow.core.clips import View
from vcmflow.core.detections import SCORE_DIGITS, Result
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact
from vcmflow.core.video import Frame

Colours = tuple[tuple[float, ...], tuple[float, ...]]  # mean and deviation of RGB in 0..1
IMAGENET: Colours = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

# Normalised clips, float32 (B, 3, T, H, W), to scores before a softmax, float32 (B, classes).
Network = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


class Recogniser:
    """A network that names what is done in a video (see ``vcmflow.task.registry``).

    Args:
        scores: the network.
        classes: their names.
        view: what the network sees.
        clips: of a video.
        colours: mean and deviation.
        parameters: number of trained values.
    """

    def __init__(
        self,
        scores: Network,
        classes: Sequence[str],
        view: View,
        clips: int,
        colours: Colours,
        parameters: int,
    ) -> None:
        if clips > 1 and view.stride == 0:
            raise VcmflowError(
                f"clips is {clips}; allowed: 1 where frames are spread over the video (stride: 0)"
            )
        self._scores = scores
        self._classes = tuple(classes)
        self._view = view
        self._clips = clips
        self._mean, self._deviation = (np.array(part, np.float32) for part in colours)
        self.parameters = parameters

    def run(self, frames: Sequence[Frame]) -> list[Result]:
        """Every class with its score in 0..1, the best first.

        Args:
            frames: of the whole video, uint8 H x W x 3, RGB.

        Raises:
            VcmflowError: the video is shorter than a clip.
        """
        chosen = self._view.indices(len(frames), self._clips)
        total = np.zeros(len(self._classes))
        # One clip at a time, so that the batch cannot change the rounding.
        for places in chosen:
            seen = np.stack([self._view.square(frames[index]) for index in places])
            pixels = (seen.astype(np.float32) / np.float32(255) - self._mean) / self._deviation
            clip = np.asarray(pixels.transpose(3, 0, 1, 2)[None], np.float32)
            found = self._scores(clip)[0].astype(np.float64)
            if found.shape != total.shape:
                raise VcmflowError(
                    f"the network gives {len(found)} scores for {len(total)} names of classes"
                )
            shares = np.exp(found - found.max())
            total += shares / shares.sum() / len(chosen)
        order = np.argsort(-total, kind="stable")
        return [
            {"label": self._classes[k], "score": round(float(total[k]), SCORE_DIGITS)}
            for k in order
        ]


def read_classes(path: Path) -> tuple[str, ...]:
    """Names of classes, one per line; a number before a name, as UCF101's list has it, is no part.

    Raises:
        VcmflowError: the file is missing, empty, not UTF-8, or names a class twice.
    """
    if not path.is_file():
        raise VcmflowError(f"{path}: no such list of classes")
    try:
        lines = intact(path).read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise VcmflowError(f"{path}: not a list of classes in UTF-8") from None
    words = [line.split() for line in lines if line.strip()]
    numbered = all(len(line) > 1 and line[0].isdecimal() for line in words)
    labels = tuple(" ".join(line[1:] if numbered else line) for line in words)
    if not labels or len(set(labels)) < len(labels):
        raise VcmflowError(f"{path}: not a list of different classes, one per line")
    return labels
