"""Which operating point to use: a small grid on an excerpt, and a closer look where it matters."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vcmflow.core.detections import Detector, Result
from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import find
from vcmflow.core.truth import Truth
from vcmflow.core.video import Frame
from vcmflow.encode.registry import CODECS, check_points
from vcmflow.sample.registry import SAMPLERS
from vcmflow.tool.compress import Spool, compress
from vcmflow.tool.container import open_container
from vcmflow.tool.evaluate import detect, measure_accuracy, truth_of
from vcmflow.tool.method import Method
from vcmflow.tool.restore import Receiver
from vcmflow.tool.source import of_frames

_CLOSER = 2  # further points per curve, each where the curve should meet the goal
_BATCH = 8


@dataclass(frozen=True)
class Candidate:
    """A method and the share of frames that it keeps: one curve of rate against accuracy."""

    method: Method
    keep: str

    @property
    def name(self) -> str:
        """What tables and plots call it."""
        codec = _label(self.method.codec, "codec")
        if self.keep == "1":
            return f"{codec}, all frames"
        return f"{codec}, {_label(self.method.sampler, 'sampler')} {self.keep}"


def _label(instance: str, key: str) -> str:
    name, options = parse_instance(instance, key)
    own = ", ".join(f"{option} {value}" for option, value in options.items())
    return f"{name} ({own})" if own else name


@dataclass(frozen=True)
class Trial:
    """One point that was tried.

    Attributes:
        candidate: its curve.
        point: the codec's.
        kbps: of the excerpt's container.
        accuracy: mAP, 0..1.
    """

    candidate: Candidate
    point: float
    kbps: float
    accuracy: float


@dataclass(frozen=True)
class Goal:
    """Either a rate not to exceed, or an accuracy to reach.

    Attributes:
        kbps: at most; None where ``accuracy`` is the goal.
        accuracy: mAP at least, 0..1.
    """

    kbps: float | None = None
    accuracy: float | None = None

    def __post_init__(self) -> None:
        if (self.kbps is None) == (self.accuracy is None):
            raise VcmflowError("give one goal: a rate in kbit/s, or an accuracy")
        if self.kbps is not None and not 0 < self.kbps < float("inf"):
            raise VcmflowError(f"--kbps {self.kbps:g}; allowed: above 0")
        if self.accuracy is not None and not 0 < self.accuracy <= 1:
            raise VcmflowError(f"--accuracy {self.accuracy:g}; allowed: above 0 and at most 1")

    def met(self, trial: Trial) -> bool:
        """Whether a point meets it."""
        if self.kbps is not None:
            return trial.kbps <= self.kbps
        return self.accuracy is not None and trial.accuracy >= self.accuracy

    def place(self, dear: Trial, cheap: Trial) -> float:
        """Where it lies between two trials of a curve, 0..1, log rate or accuracy being linear."""
        if self.kbps is not None:
            ends = math.log(dear.kbps), math.log(cheap.kbps), math.log(self.kbps)
        else:
            ends = dear.accuracy, cheap.accuracy, self.accuracy or 0.0
        return (ends[2] - ends[0]) / (ends[1] - ends[0])

    def rank(self, trial: Trial) -> tuple[bool, float, float]:
        """The larger, the better: first the goal, then what it leaves free, then the other."""
        met = self.met(trial)
        # Of those that miss a rate the lowest is nearest; of those that miss an accuracy the best.
        by_rate = (-trial.kbps, trial.accuracy)
        by_accuracy = (trial.accuracy, -trial.kbps)
        return met, *(by_accuracy if met == (self.kbps is not None) else by_rate)


class Excerpt:
    """Frames on disk, with what a detector has to find in them.

    Args:
        spool: the frames.
        fps: per second.
        detector: a loaded detector.
        truth: boxes in them; None: what the detector finds in them with a score of 0.5 or more.

    Raises:
        VcmflowError: there is nothing to find.
    """

    def __init__(
        self, spool: Spool, fps: float, detector: Detector, truth: Truth | None = None
    ) -> None:
        self.frames = len(spool.times)
        self.fps = fps
        self.pseudo = truth is None
        self._spool, self._detector = spool, detector
        self._truth = truth or truth_of(self._found(spool.read(range(self.frames))), self.frames)
        self.objects = len(self._truth.annotations)
        if not self.objects:
            raise VcmflowError(
                "there is nothing to find in the excerpt (ground truth, or detections with a "
                "score of 0.5 or more); take another one with --from"
            )

    def try_point(self, candidate: Candidate, point: float, **how: Any) -> Trial:
        """Compress, restore, detect; ``how``: device, workers and threads of ``compress``."""
        with tempfile.TemporaryDirectory(prefix="vcmflow-") as folder:
            path = Path(folder, "excerpt.vcm")
            source = of_frames(self._spool.read(range(self.frames)), self.fps, "the excerpt")
            summary = compress(
                source, path, keep=candidate.keep, point=point, method=candidate.method, **how
            )
            with open_container(path) as reader:
                receiver = Receiver(
                    reader,
                    candidate.method.reconstructor,
                    candidate.method.reconstructor_weights,
                    candidate.method.codec_weights,
                    how.get("device", "auto"),
                    how.get("threads") or 1,
                )
                found = self._found(timed.frame for timed in receiver.frames())
        accuracy = measure_accuracy(self._truth, found, self.frames)["map"]
        return Trial(candidate, point, summary.kbps, accuracy or 0.0)

    def _found(self, frames: Any) -> list[Result]:
        results: list[Result] = []
        batch: list[Frame] = []
        done = 0
        for frame in frames:
            batch.append(frame)
            if len(batch) == _BATCH:
                results += detect(self._detector, batch, done)
                done += len(batch)
                batch = []
        return results + (detect(self._detector, batch, done) if batch else [])


def candidates(
    method: Method, codecs: Sequence[str], samplers: Sequence[str], keeps: Sequence[str]
) -> list[Candidate]:
    """Every codec with all frames, and with every sampler and share below 1.

    Args:
        method: what all of them have in common.
        codecs: instances.
        samplers: instances; those that keep all frames go without saying.
        keeps: shares of frames.
    """
    found = [Candidate(replace(method, codec=codec, sampler="all"), "1") for codec in codecs]
    for codec in codecs:
        for sampler in samplers:
            name, _ = parse_instance(sampler, "sampler")
            if not find(SAMPLERS, name, "sampler").keeps_all:
                own = replace(method, codec=codec, sampler=sampler)
                found += [Candidate(own, keep) for keep in keeps if keep != "1"]
    return found


def advise(
    excerpt: Excerpt,
    curves: Sequence[Candidate],
    points: Sequence[float],
    goal: Goal,
    told: Callable[[Trial], None] = lambda _: None,
    **how: Any,
) -> list[Trial]:
    """Try every point of every curve, then more of them around the goal.

    Args:
        excerpt: of the video.
        curves: what to try.
        points: of every codec.
        goal: what is wanted.
        told: is told every trial.
        how: device, workers and threads.

    Returns:
        All trials, the best one by the goal first. None of them is interpolated.

    Raises:
        VcmflowError: a codec does not have these points, or fails.
    """
    trials: list[Trial] = []
    for curve in curves:
        codec, _ = parse_instance(curve.method.codec, "codec")
        find(CODECS, codec, "codec")
        check_points(codec, points)

    def run(curve: Candidate, point: float) -> Trial:
        trial = excerpt.try_point(curve, point, **how)
        trials.append(trial)
        told(trial)
        return trial

    for curve in curves:
        own = [run(curve, point) for point in points]
        for _ in range(_CLOSER):
            point = between(own, goal)
            if point is None:
                break
            own.append(run(curve, point))
    return sorted(trials, key=goal.rank, reverse=True)


def between(trials: Sequence[Trial], goal: Goal) -> float | None:
    """A point between those that meet the goal and those that do not.

    None where there is none left: where the points are next to each other, or the dearest point
    already meets a rate or misses an accuracy.
    """
    name, _ = parse_instance(trials[0].candidate.method.codec, "codec")
    entry = CODECS[name]
    ordered = sorted(trials, key=lambda trial: trial.point, reverse=entry.rising)
    limits = entry.points or (ordered[0].point, ordered[-1].point)
    cheapest = float(min(limits) if entry.rising else max(limits))
    met = [goal.met(trial) for trial in ordered]
    # With a rate as the goal cheap points meet it, with an accuracy dear ones do.
    cheap_side = met if goal.kbps is not None else [not value for value in met]
    if cheap_side[0]:
        return None  # even the dearest: a better one would be of another ladder
    first = cheap_side.index(True) if True in cheap_side else len(ordered)
    dear = ordered[first - 1]
    if first < len(ordered):
        cheap = ordered[first].point
        share = goal.place(dear, ordered[first])
    else:
        cheap, share = cheapest, 0.5
    point = dear.point + share * (cheap - dear.point)
    if all(isinstance(limit, int) for limit in limits):
        low, high = sorted((dear.point, cheap))
        if high - low < 2:
            return None
        point = float(min(max(round(point), low + 1), high - 1))
    return point
