"""Run one loaded model over a video, a whole clip or features, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vcmflow.core.detections import Detector, Result, to_results
from vcmflow.core.errors import VcmflowError
from vcmflow.core.truth import first_masks
from vcmflow.core.video import Frame, read_video


def run_model(
    model: Any,
    reads: str,
    path: Path,
    batch: int,
    transfer: Any = None,
    truth: Path | None = None,
) -> list[Result]:
    """Return the results of a model on what a codec or the source gives.

    Args:
        model: see ``vcmflow.task.registry``.
        reads: "frames", "clip" or "features".
        path: a video file; of features, an ``.npz`` file, which models with feature spaces take
            besides frames.
        batch: frames per call of a detector; does not change the result.
        transfer: takes features to a space of the model's first; None for nothing.
        truth: ground truth with the masks of the first frame, for a model that goes on from them.

    Raises:
        VcmflowError: a file cannot be read, ``batch`` below 1, or a video that the model refuses.
    """
    if reads == "features" or path.suffix == ".npz":
        from vcmflow.core.features import read_features

        features = read_features(path)
        return list(model.run(features if transfer is None else transfer.run(features)))
    frames = read_video(path)
    if reads == "clip":
        clip = list(frames)
        try:
            return list(model.run(clip) if truth is None else model.run(clip, first_masks(truth)))
        except VcmflowError as error:
            raise VcmflowError(f"{path}: {error}") from None
    if hasattr(model, "detect"):
        return list(detect_video(model, frames, batch))
    return list(model.run(frames))


def detect_video(detector: Detector, frames: Iterable[Frame], batch: int) -> Iterator[Result]:
    """Yield the COCO results of a video, holding at most ``batch`` frames at a time.

    Args:
        detector: the loaded model.
        frames: uint8 H x W x 3, RGB, all of one size.
        batch: frames per call of the model, at least 1; does not change the result.

    Raises:
        VcmflowError: ``batch`` below 1.
    """
    if batch < 1:
        raise VcmflowError(f"batch size {batch}; allowed: 1 or more")
    group: list[Frame] = []
    done = 0

    def flush() -> Iterator[Result]:
        for offset, detections in enumerate(detector.detect(group) if group else []):
            yield from to_results(done + offset, detections)

    for frame in frames:
        group.append(frame)
        if len(group) == batch:
            yield from flush()
            done += batch
            group = []
    yield from flush()
