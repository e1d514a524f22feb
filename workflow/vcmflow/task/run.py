"""Run one loaded model over many videos, frame by frame, in bounded memory."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from vcmflow.core.detections import Detector, Result, to_results
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import lookup
from vcmflow.core.video import Frame
from vcmflow.task.registry import TASKS


def load_detector(
    task: str, model: str, weights: Path | None, device: str, options: Mapping[str, Any]
) -> Detector:
    """Build a registered detector or segmenter.

    Args:
        task: "detection" or "segmentation".
        model: registered name.
        weights: its weights file; None for fixed random values (tests, operation counts).
        device: "cpu" or "cuda".
        options: settings of the model, as its builder names them.

    Raises:
        VcmflowError: unknown task, model or option, or weights that do not fit.
    """
    if task not in TASKS:
        raise VcmflowError(f"unknown task {task!r}; allowed: {', '.join(sorted(TASKS))}")
    builder = lookup(TASKS[task], model, "detector" if task == "detection" else "segmenter")
    allowed = list(inspect.signature(builder).parameters)[2:]
    for key in options:
        if key not in allowed:
            raise VcmflowError(
                f"{model} has no option {key!r}; allowed: {', '.join(allowed) or 'none'}"
            )
    detector = cast(Detector, builder(weights, device, **options))
    if weights is None:
        print(
            f"warning: no weights were given: {model} runs with fixed random values, which find "
            "nothing real; good for timing only",
            file=sys.stderr,
            flush=True,
        )
    return detector


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
