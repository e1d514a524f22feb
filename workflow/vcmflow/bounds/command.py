"""``vcmflow bounds``: what choices of frames are worth for a sequence, without any coding."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from vcmflow.bounds.search import Frames, mean_psnr, try_choices
from vcmflow.core.choices import write_choices
from vcmflow.core.decision import read_decision
from vcmflow.core.detections import Result, to_results
from vcmflow.core.device import DEVICES
from vcmflow.core.errors import VcmflowError
from vcmflow.core.models import load_model
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import build, load
from vcmflow.core.sequence import read_sequence
from vcmflow.core.video import Frame, read_video
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.sample.decide import count_to_keep
from vcmflow.score.registry import EVALUATORS, evaluators_of, reads
from vcmflow.task.registry import TASKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--sequence", type=Path, required=True, help="sequence.json")
    parser.add_argument("--frames", type=Path, required=True, help="the uncompressed video")
    parser.add_argument("--truth", type=Path, required=True, help="its COCO ground truth")
    parser.add_argument(
        "--keep-every", type=int, required=True, metavar="K", help="keep m = n // K + 1 frames"
    )
    parser.add_argument("--reconstructor", required=True, metavar="INSTANCE")
    parser.add_argument("--reconstructor-weights", type=Path)
    parser.add_argument("--kind", required=True, choices=sorted(TASKS), help="of task")
    parser.add_argument("--model", required=True, metavar="INSTANCE", help="that reads frames")
    parser.add_argument("--weights", type=Path, help="of the model")
    parser.add_argument("--device", default="auto", choices=DEVICES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--decisions", type=Path, nargs="*", default=[], help="choices to place")
    parser.add_argument("--limit", type=int, default=500, help="most choices that are tried")
    parser.add_argument("--seed", type=int, default=0, help="of the draw where there are more")
    parser.add_argument("--out", type=Path, required=True, help="the choices (.csv)")


class Trial:
    """Evaluates choices of frames of one sequence; what lies in a gap is made once.

    Args:
        frames: all of the sequence.
        reconstructor: makes the frames of a gap.
        detector: the task's model.
        accuracy: results on all frames -> accuracy.
    """

    def __init__(
        self, frames: list[Frame], reconstructor: Any, detector: Any, accuracy: Any
    ) -> None:
        self._frames, self._reconstructor, self._detector = frames, reconstructor, detector
        self._accuracy = accuracy
        self._found = {(k, k): self._look([frame]) for k, frame in enumerate(frames)}
        self._errors: dict[tuple[int, int], list[float]] = {}

    def evaluate(self, kept: Frames) -> tuple[float, float]:
        """PSNR of the interpolated frames and accuracy on all of them."""
        results: list[Result] = []
        errors: list[float] = []
        for first, second in zip(kept, [*kept[1:], kept[-1]], strict=True):
            self._fill(first, second)
            detections = [*self._found[first, first]]
            if second > first:
                detections += self._found[first, second]
                errors += self._errors[first, second]
            for offset, found in enumerate(detections):
                results += to_results(first + offset, found)
        return mean_psnr(errors), self._accuracy(results)

    def _fill(self, first: int, second: int) -> None:
        if (first, second) in self._found:
            return
        times = [(k - first) / (second - first) for k in range(first + 1, second)]
        ends = self._frames[first], self._frames[second]
        made = self._reconstructor.interpolate(*ends, times) if times else []
        self._errors[first, second] = [
            float(np.mean(np.square(np.subtract(frame, original, dtype=np.float64))))
            for frame, original in zip(made, self._frames[first + 1 : second], strict=True)
        ]
        self._found[first, second] = self._look(made)

    def _look(self, frames: Any) -> list[Any]:
        return list(self._detector.detect(list(frames))) if len(frames) else []


def run(args: argparse.Namespace) -> None:
    """Try the choices and write them."""
    video = read_sequence(args.sequence)
    frames = list(read_video(args.frames))
    n = len(frames)
    if n != video.frames:
        raise VcmflowError(f"{args.frames}: {n} frames; {args.sequence} says {video.frames}")
    count = count_to_keep(n, args.keep_every)
    model_name, _ = parse_instance(args.model, "model")
    detector = load_model(
        TASKS[args.kind], "model", args.model, args.weights, args.device, args.threads
    )
    if not hasattr(detector, "detect"):
        raise VcmflowError(f"--model {model_name!r} does not look at single frames")
    name, options = parse_instance(args.reconstructor, "reconstructor")
    offered = {"weights": args.reconstructor_weights, "device": args.device}
    reconstructor = build(
        RECONSTRUCTORS,
        name,
        "reconstructor",
        options,
        offered={**offered, "threads": args.threads},
    )
    plugin, entry = next(iter(evaluators_of(args.kind).items()))
    source: list[Result] = []
    if video.annotations != reads(args.kind):
        for number, found in enumerate(detector.detect(frames)):
            source += to_results(number, found)
    evaluator = build(
        EVALUATORS,
        plugin,
        "evaluator",
        {},
        sequence=video,
        truth=args.truth,
        source=source if video.annotations != reads(args.kind) else None,
    )
    pool = load(entry.pool)

    def accuracy(results: list[Result]) -> float:
        value = pool([evaluator.measure(results, str(args.frames))])[entry.accuracy]
        return math.nan if value is None else float(value)

    given = {}
    for path in args.decisions:
        decision = read_decision(path)
        if (decision.sequence, decision.n) != (video.id, n):
            raise VcmflowError(f"{path}: is of {decision.sequence}, not of {video.id}")
        given[decision.sampler] = tuple(decision.frames)
    trial = Trial(frames, reconstructor, detector, accuracy)
    choices = list(try_choices(n, count, args.limit, args.seed, trial.evaluate, given))
    write_choices(args.out, choices)
    print(f"{video.id}: {len(choices)} choices of {count} of {n} frames", file=sys.stderr)
