"""Measuring how fast the samplers are: decode, look, choose, on one video and one machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from vcmflow.core.detections import Detector
from vcmflow.core.device import set_deterministic
from vcmflow.core.embedding import Embedder, embed_frames
from vcmflow.core.tracking import Tracker, track_video
from vcmflow.core.video import open_source
from vcmflow.sample.decide import choose_frames, count_to_keep


@dataclass(frozen=True)
class Speed:
    """What was measured; differs from run to run.

    Attributes:
        frames_per_second: frames of the video / seconds from opening it to the decision; the best
            of the repetitions. The model is loaded before.
        latency_ms: median time from the start of a frame's decoding until it is embedded or
            tracked, one frame at a time.
    """

    frames_per_second: float
    latency_ms: float


@dataclass(frozen=True)
class Run:
    """How to measure.

    Attributes:
        video: a video file or a folder of pictures.
        keep_every: m = n // keep_every + 1 frames are chosen.
        batch_size: frames that a network looks at at once; latency is measured with one.
        repeat: how often the whole is timed, >= 1.
        threads: of the CPU: each embeds its own batch, all share a detection; >= 1.
    """

    video: Path
    keep_every: int = 3
    batch_size: int = 8
    repeat: int = 3
    threads: int = 1


def manifold_speed(embedder: Embedder, run: Run) -> Speed:
    """Time ``manifold`` with an embedder that is loaded."""

    def whole() -> int:
        frames = open_source(run.video)
        embedding = embed_frames(frames, embedder, run.batch_size, run.threads)
        n = len(embedding)
        choose_frames("manifold", n, count_to_keep(n, run.keep_every), {"embedding": embedding})
        return n

    set_deterministic(1)
    speed = _frames_per_second(whole, run.repeat)
    set_deterministic(run.threads)
    frames = open_source(run.video)
    return Speed(speed, _latency(lambda: embedder.embed([embedder.prepare(next(frames))])))


def tracking_speed(detector: Detector, new_tracker: Callable[[], Tracker], run: Run) -> Speed:
    """Time ``tracking`` with a detector that is loaded and a new tracker for each run."""

    def whole() -> int:
        tracks = track_video(open_source(run.video), detector, new_tracker(), run.batch_size)
        n = len(tracks)
        choose_frames("tracking", n, count_to_keep(n, run.keep_every), {"tracks": tracks})
        return n

    set_deterministic(run.threads)
    frames = open_source(run.video)
    tracker = new_tracker()

    def one() -> object:
        frame = next(frames)
        return tracker.update(frame, detector.detect([frame])[0])

    return Speed(_frames_per_second(whole, run.repeat), _latency(one))


def _frames_per_second(whole: Callable[[], int], repeat: int) -> float:
    whole()  # the first run pays for memory and for choosing kernels
    best = 0.0
    for _ in range(repeat):
        start = time.perf_counter()
        frames = whole()
        best = max(best, frames / (time.perf_counter() - start))
    return round(best, 2)


def _latency(one: Callable[[], object]) -> float:
    """Return the median milliseconds of ``one``, called until it raises ``StopIteration``."""
    times: list[float] = []
    while True:
        start = time.perf_counter()
        try:
            one()
        except StopIteration:
            break
        times.append(1e3 * (time.perf_counter() - start))
    return round(median(_settled(times)), 2)


def _settled(times: Sequence[float]) -> Sequence[float]:
    """Leave the first of several times out: it opens the file."""
    return times[1:] or times
