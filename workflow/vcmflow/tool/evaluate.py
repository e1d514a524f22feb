"""How good restored frames are: fidelity, and the accuracy of a detector on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from vcmflow.core.detections import Detector, Result, to_results
from vcmflow.core.errors import VcmflowError
from vcmflow.core.truth import Truth, read_found, read_truth
from vcmflow.core.video import Frame
from vcmflow.fidelity.measure import WINDOW, Fidelity, Original
from vcmflow.score.detection import CLASSES, Evaluator, pool
from vcmflow.score.inputs import PSNR_CEILING
from vcmflow.score.pseudo import THRESHOLD, pseudo_truth

_BATCH = 8  # frames at once; does not change the result


@dataclass(frozen=True)
class Evaluation:
    """Means over all frames, and the detector's accuracy.

    Attributes:
        frames: n.
        psnr: dB, frames count 100 at most; None for frames smaller than SSIM's window.
        ssim: likewise None.
        psnr_kept: of the kept frames; None where they were not said.
        accuracy: ``map``, ``map50``, ``ap_<class>``, ``ap50_<class>``, 0..1, None where there is no
            object to find; empty without a detector.
        status: "pseudo" where the truth is what the detector finds on the original, else empty.
    """

    frames: int
    psnr: float | None
    ssim: float | None
    psnr_kept: float | None
    accuracy: dict[str, float | None]
    status: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def evaluate(
    original: Iterable[Frame],
    restored: Iterable[Frame],
    *,
    kept: Iterable[int] | None = None,
    detector: Detector | None = None,
    truth: Truth | None = None,
) -> Evaluation:
    """Compare restored frames with the original, in one pass with a few frames in memory.

    Args:
        original: uint8 H x W x 3, RGB.
        restored: as many, of the same size.
        kept: which of them were kept.
        detector: a loaded detector; None for fidelity alone.
        truth: boxes in the original; None: those that the detector finds there with a score of 0.5
            or more, of all classes.

    Raises:
        VcmflowError: there are no frames, or not as many as in the original, or of another size.
    """
    places = frozenset(kept or ())
    fidelity: list[Fidelity | None] = []
    expected: list[Result] = []
    found: list[Result] = []
    for batch in _batches(_pairs(original, restored)):
        start = len(fidelity)
        fidelity += [_compare(*pair) for pair in batch]
        if detector is not None:
            if truth is None:
                expected += detect(detector, [frame for frame, _ in batch], start)
            found += detect(detector, [frame for _, frame in batch], start)
    n = len(fidelity)
    if not n:
        raise VcmflowError("no frames to evaluate")
    accuracy: dict[str, float | None] = {}
    if detector is not None:
        accuracy = measure_accuracy(truth or truth_of(expected, n), found, n)
    known = [part for part in fidelity if part is not None]
    own = [part for place, part in enumerate(fidelity) if part and place in places]
    return Evaluation(
        frames=n,
        psnr=_mean([min(part.psnr, PSNR_CEILING) for part in known]),
        ssim=_mean([part.ssim for part in known]),
        psnr_kept=_mean([min(part.psnr, PSNR_CEILING) for part in own]),
        accuracy=accuracy,
        status="pseudo" if detector is not None and truth is None else "",
    )


def detect(detector: Detector, frames: Sequence[Frame], start: int) -> list[Result]:
    """COCO results of a few frames, of which the first has the number ``start``."""
    results: list[Result] = []
    for number, detections in enumerate(detector.detect(frames), start=start):
        results += to_results(number, detections)
    return results


def truth_of(results: Sequence[Result], frames: int) -> Truth:
    """Pseudo ground truth: what was found on the original with a score of 0.5 or more."""
    there = read_found(results, frames, "the original")
    ids = sorted({found.category for found in there if found.score >= THRESHOLD})
    return pseudo_truth({key: CLASSES.get(key, f"class {key}") for key in ids}, there)


def measure_accuracy(
    truth: Truth, results: Sequence[Result], frames: int
) -> dict[str, float | None]:
    """Average precisions of COCO results; see ``score.detection.pool``."""
    evidence = Evaluator(truth, frames).measure(results, "the restored frames")
    return {name: None if math.isnan(value) else value for name, value in pool([evidence]).items()}


def read_boxes(path: Path | None, frames: int | None = None) -> Truth | None:
    """COCO ground truth whose images are the frames 0, 1, 2, …

    Raises:
        VcmflowError: it is something else.
    """
    return None if path is None else read_truth(path, frames)


def _pairs(original: Iterable[Frame], restored: Iterable[Frame]) -> Iterator[tuple[Frame, Frame]]:
    there, end = iter(restored), object()
    count = 0
    for frame in original:
        again: Any = next(there, end)
        if again is end:
            raise VcmflowError(f"the restored frames end after {count}, the original goes on")
        yield frame, again
        count += 1
    if next(there, end) is not end:
        raise VcmflowError(f"there are more restored frames than the original's {count}")


def _batches(pairs: Iterator[tuple[Frame, Frame]]) -> Iterator[list[tuple[Frame, Frame]]]:
    while batch := list(islice(pairs, _BATCH)):
        yield batch


def _compare(frame: Frame, restored: Frame) -> Fidelity | None:
    if min(frame.shape[:2]) < WINDOW:
        return None
    return Original(frame).compare(restored)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
