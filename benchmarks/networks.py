"""Speed of the official networks, as ratios and frames per second.

    python benchmarks/networks.py [--device auto] [--threads 2] [--width 480] [--height 256]
        [--only ema_vfi_full ...] [--repeats 3] [--batch 4]
        [--clock wall]

Prints, for EMA-VFI, the time of a gap of five frames over that of five separate calls (0.8 or less
is the aim); for detectors and segmenters, the time per frame in a batch over that of frames one by
one (1 or less is the aim), with the model's own grouping and with real batches of --batch. Weights
are random: they cost what trained ones cost, but for the number of detections. On a GPU, give
``--width 1280 --height 720`` for the frames per second that papers report. On a busy machine,
``--threads 1 --clock cpu`` counts this process's own time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch

from vcmflow.reconstruct.ema_vfi import build as build_ema_vfi
from vcmflow.task.device import choose_device, steady
from vcmflow.task.run import load_detector
from vcmflow.video import Frame

DETECTORS = {
    "faster_rcnn_x101": "detection",
    "yolact_plus_resnet50": "segmentation",
    "yolact_plus_base": "segmentation",
    "fasterrcnn_resnet50_fpn_v2": "detection",
}
INTERPOLATORS = {"ema_vfi_full": "full", "ema_vfi_small": "small"}


def pictures(count: int, width: int, height: int) -> list[Frame]:
    """Smooth random pictures, each shifted against the one before."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    large = cv2.resize(coarse, (width + 8 * count, height), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(large[:, 8 * i : 8 * i + width]) for i in range(count)]


def compare(
    first: Callable[[], Any], second: Callable[[], Any], repeats: int, clock: str
) -> list[float]:
    """Shortest seconds of two jobs, taken in turns so that other load hits both alike."""
    now = time.process_time if clock == "cpu" else time.perf_counter
    best = [np.inf, np.inf]
    for attempt in range(repeats + 1):
        for index, job in enumerate((first, second)):
            start = now()
            job()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            # The first round warms up.
            if attempt:
                best[index] = min(best[index], now() - start)
    return best


def interpolation(name: str, args: argparse.Namespace, device: str) -> None:
    """A gap of five frames against five calls."""
    network = build_ema_vfi("random", size=INTERPOLATORS[name], device=device, threads=args.threads)
    first, second = pictures(2, args.width, args.height)
    times = [k / 6 for k in range(1, 6)]
    together, apart = compare(
        lambda: network.interpolate(first, second, times),
        lambda: [network.interpolate(first, second, [t]) for t in times],
        args.repeats,
        args.clock,
    )
    print(
        f"{name:<28} gap of five / five calls {together / apart:5.2f}"
        f"   {5 / together:8.2f} frames/s in a gap, {5 / apart:8.2f} one by one",
        flush=True,
    )


def detection(name: str, args: argparse.Namespace, device: str) -> None:
    """Batches against single frames."""
    frames = pictures(args.batch, args.width, args.height)
    for label, options in (
        ("own grouping", {}),
        (f"batches of {args.batch}", {"batch": args.batch}),
    ):
        detector = load_detector(DETECTORS[name], name, None, device, options)
        together, apart = compare(
            lambda d=detector: d.detect(frames),
            lambda d=detector: [d.detect([frame]) for frame in frames],
            args.repeats,
            args.clock,
        )
        print(
            f"{name:<28} {label:<14} / one by one {together / apart:5.2f}"
            f"   {len(frames) / together:8.2f} frames/s, {len(frames) / apart:8.2f} one by one",
            flush=True,
        )


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description="Speed of the official networks.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    known = [*INTERPOLATORS, *DETECTORS]
    parser.add_argument("--only", nargs="+", choices=known, default=known)
    args = parser.parse_args()
    device = choose_device(args.device)
    steady(args.threads)
    what = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {args.threads} threads"
    print(f"{what}; {args.width}x{args.height}; torch {torch.__version__}", file=sys.stderr)
    for name in args.only:
        (interpolation if name in INTERPOLATORS else detection)(name, args, device)


if __name__ == "__main__":
    main()
