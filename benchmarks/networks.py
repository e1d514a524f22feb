"""Speed of the official networks, as ratios with their aims and as frames per second.

    python benchmarks/networks.py [--device auto] [--threads 2] [--width 480] [--height 256]
        [--only ema_vfi_full ...] [--rounds 8] [--frames 4] [--forced] [--clock wall]

One line per network:

- EMA-VFI: the time of a gap of five frames over that of five separate calls; aim: 0.8 or less.
- detectors and segmenters: the time per frame of a batch over that of frames one by one; aim: 1 or
  less, to the 3 % that a clock can tell. ``--forced`` adds, without an aim, batches that go through
  the network at once where the model's own choice is one frame at a time.

Both jobs of a ratio run in turns, until the shortest times of both have been stable to 1 % for two
rounds, or ``--rounds`` times. Weights are random: they cost what trained ones cost, but for the
number of detections. On a GPU, give ``--width 1280 --height 720`` for the frames per second that
papers report. On a busy machine, ``--threads 1 --clock cpu`` counts this process's own time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from vcmflow.core.device import choose_device, set_deterministic
from vcmflow.core.registry import build
from vcmflow.core.video import Frame
from vcmflow.reconstruct.ema_vfi import build as build_ema_vfi
from vcmflow.task.registry import TASKS

EMA_VFI = {"ema_vfi_full": "full", "ema_vfi_small": "small"}
# Those that need an installation or a file of their own are left out.
LEFT_OUT = ("detectron2", "onnx")
DETECTORS = {name: task for task in TASKS for name in TASKS[task] if name not in LEFT_OUT}
OFFICIAL = [*EMA_VFI, "faster_rcnn_x101", "yolact_plus_resnet50", "yolact_plus_base"]
GAP_AIM, BATCH_AIM, RESOLUTION = 0.8, 1.0, 0.03


@dataclass(frozen=True)
class Line:
    """A ratio of two times, and what it should be at most (None: nothing)."""

    network: str
    what: str
    together: float
    apart: float
    frames: int
    aim: float | None

    def __str__(self) -> str:
        ratio = self.together / self.apart
        aim = verdict = ""
        if self.aim is not None:
            limit = self.aim * (1 + RESOLUTION) if self.aim == BATCH_AIM else self.aim
            aim, verdict = f"<= {self.aim:g}", "met" if ratio <= limit else "NOT MET"
        return ROW.format(
            self.network,
            self.what,
            f"{ratio:.2f}",
            aim,
            verdict,
            f"{self.frames / self.together:.2f}",
            f"{self.frames / self.apart:.2f}",
        )


ROW = "{:<38} {:<22} {:>5}  {:<6} {:<7} {:>9} {:>10}"
HEAD = ROW.format("network", "compared", "ratio", "aim", "", "frames/s", "one by one")


def pictures(count: int, width: int, height: int) -> list[Frame]:
    """Smooth random pictures, each shifted against the one before."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    large = cv2.resize(coarse, (width + 8 * count, height), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(large[:, 8 * i : 8 * i + width]) for i in range(count)]


def compare(
    first: Callable[[], Any], second: Callable[[], Any], rounds: int, clock: str
) -> tuple[float, float]:
    """Shortest seconds of two jobs, taken in turns so that other load hits both alike."""
    now = time.process_time if clock == "cpu" else time.perf_counter
    best = [np.inf, np.inf]
    stable = 0
    for attempt in range(rounds + 1):
        before = list(best)
        for index, job in enumerate((first, second)):
            start = now()
            job()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            # The first round warms up.
            if attempt:
                best[index] = min(best[index], now() - start)
        steady_now = all(new > 0.99 * old for new, old in zip(best, before, strict=True))
        stable = stable + 1 if attempt > 1 and steady_now else 0
        if stable == 2:
            break
    return best[0], best[1]


def interpolation(name: str, args: argparse.Namespace, device: str) -> list[Line]:
    """A gap of five frames against five calls."""
    network = build_ema_vfi("random", size=EMA_VFI[name], device=device, threads=args.threads)
    first, second = pictures(2, args.width, args.height)
    times = [k / 6 for k in range(1, 6)]
    together, apart = compare(
        lambda: network.interpolate(first, second, times),
        lambda: [network.interpolate(first, second, [t]) for t in times],
        args.rounds,
        args.clock,
    )
    return [Line(name, "gap of 5 / 5 calls", together, apart, 5, GAP_AIM)]


def detection(name: str, args: argparse.Namespace, device: str) -> list[Line]:
    """Batches against single frames."""
    frames = pictures(args.frames, args.width, args.height)
    count = len(frames)
    cases: list[tuple[str, dict[str, Any], float | None]] = [
        (f"{count} together / 1 by 1", {}, BATCH_AIM)
    ]
    if args.forced and not name.endswith("_mini"):
        cases.append((f"forced batch of {count}", {"batch": count}, None))
    weights = Path(f"models/{name}.safetensors") if name.endswith("_mini") else None
    lines = []
    for label, options, aim in cases:
        given = {"weights": weights, "device": device}
        detector = build(TASKS[DETECTORS[name]], name, "model", options, **given)
        together, apart = compare(
            lambda d=detector: d.detect(frames),
            lambda d=detector: [d.detect([frame]) for frame in frames],
            args.rounds,
            args.clock,
        )
        lines.append(Line(name, label, together, apart, count, aim))
    return lines


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description="Speed of the official networks.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=8, help="at most")
    parser.add_argument("--frames", type=int, default=4, help="in a batch")
    parser.add_argument("--forced", action="store_true", help="also batches in one pass")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    known = [*EMA_VFI, *DETECTORS]
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", nargs="+", choices=known, default=OFFICIAL)
    which.add_argument("--all", action="store_true", help="every registered detector, too")
    args = parser.parse_args()
    device = choose_device(args.device)
    set_deterministic(args.threads)
    what = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {args.threads} threads"
    print(
        f"{what}; {args.width}x{args.height}; {args.clock} clock; torch {torch.__version__}",
        file=sys.stderr,
    )
    print(HEAD, flush=True)
    for name in known if args.all else args.only:
        for line in (interpolation if name in EMA_VFI else detection)(name, args, device):
            print(line, flush=True)


if __name__ == "__main__":
    main()
