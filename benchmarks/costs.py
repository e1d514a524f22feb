"""Measure what each kind of work costs, for the estimate that a dry run ends with.

    python benchmarks/costs.py [--only encode decode ...] [--device auto] [--write]
        [--pictures FOLDER]

Prints rows of workflow/vcmflow/plan/costs.csv (which explains itself in data/README.md), measured
on this machine: one process, one thread, processor time (user and system, encoders included), so
that other load hardly matters. ``--write`` puts them in place of the rows of the same work and
model; work that was not measured stays. ``--pictures`` names a folder with the pictures of a video:
every third is taken, cut or mirrored to the sizes; real ones, with their noise, take an encoder
longer than the rendered ones that are the default. Networks have random weights. What a GPU would
take is measured where there is one; elsewhere it is derived from counted operations.
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from scipy.optimize import nnls

from vcmflow.complexity.count import multiply_accumulates
from vcmflow.core.detections import Detections
from vcmflow.core.device import choose_device, set_deterministic
from vcmflow.core.embedding import Embedder
from vcmflow.core.encoding import Shape
from vcmflow.core.files import whole_file
from vcmflow.core.machine import processor
from vcmflow.core.pictures import read_picture
from vcmflow.core.registry import build
from vcmflow.core.tracking import Tracker
from vcmflow.core.video import Frame, read_video, write_video
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.encode.codec import Video
from vcmflow.encode.registry import CODECS
from vcmflow.fidelity.measure import Original
from vcmflow.nets.embedding import EmbeddingNetwork
from vcmflow.plan.estimate import COLUMNS, COSTS
from vcmflow.reconstruct.reconstructor import Reconstructor
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.task.registry import TASKS
from vcmflow.track.registry import TRACKERS
from vcmflow.train.embedding.batches import Steps
from vcmflow.train.embedding.settings import EmbeddingSettings
from vcmflow.train.embedding.videos import VideoPool
from vcmrender.api import random_scene, render_scene, write_clip

# Width and height in px of OSDaR23's and DAVIS's frames, and of the mini data's.
LARGE, SMALL, MINI = (2464, 1600), (854, 480), (416, 240)
FRAMES = 4  # a ten-frame sequence keeps so many
RANDOM_ACCESS, ALL_INTRA = "ra", "ai"
# Codec and preset -> two operating points that stand for its ladder.
LADDERS: dict[tuple[str, Any], tuple[int, int]] = {
    ("vvenc", "medium"): (27, 42),  # symmetric in 22..47
    ("vvenc", "faster"): (27, 42),
    ("x265", "faster"): (27, 42),
    ("x264", "faster"): (27, 42),
    ("av1", 6): (35, 58),
}
# What Faster R-CNN X101 sustains on a V100: its operations on a COCO picture (640 x 480) over the
# 0.098 s that detectron2's model zoo states.
KNOWN_SECONDS, KNOWN_SIZE, KNOWN_GPU = 0.098, (640, 480), "V100"
# Model -> (seconds per frame, whose word) where the counter knows too little: it leaves deformable
# convolutions out.
PUBLISHED = {
    "yolact_plus_base": (1 / 27.3, "the authors' 27.3 frames/s on a Titan Xp"),
}

Row = dict[str, str]


@dataclass
class Bench:
    """What a measurement needs, and the rows that it makes."""

    device: str
    folder: Path
    given: list[Frame]
    machine: str
    pictures: str
    rows: list[Row] = field(default_factory=list)
    cache: dict[tuple[int, int], list[Frame]] = field(default_factory=dict)

    def frames(self, size: tuple[int, int]) -> list[Frame]:
        """Kept frames of a size: the user's own where there are some, else rendered."""
        if size not in self.cache and self.given:
            self.cache[size] = [fitted(picture, size) for picture in self.given]
        elif size not in self.cache:
            rng = np.random.default_rng(1)
            scene = random_scene(rng, *size, frames=FRAMES, mean_step=0.3, family="detection")
            self.cache[size] = [frame.picture for frame in render_scene(scene, rng)]
        return self.cache[size]

    def video(self, size: tuple[int, int]) -> Path:
        """The same as the workflow stores it."""
        path = self.folder / f"{size[0]}x{size[1]}.mkv"
        if not path.exists():
            write_video(path, self.frames(size), 10)
        return path

    @cached_property
    def sustained(self) -> float:
        """Multiply-accumulates per second that derived times are reckoned with."""
        detector = build(
            TASKS["detection"], "faster_rcnn_x101", "model", {}, weights=None, device="cpu"
        )
        picture = cv2.resize(self.frames(SMALL)[0], KNOWN_SIZE)
        return multiply_accumulates(lambda: detector.detect([picture])) / KNOWN_SECONDS

    def add(
        self,
        work: str,
        model: str,
        unit: str,
        basis: str,
        source: str,
        *,
        cpu: float = 0.0,
        gpu: float = 0.0,
        without: float = 0.0,
        size: float = 0.0,
    ) -> None:
        """Keep and print a row; nothing where it would say nothing."""
        if not (cpu or gpu or without or size):
            return
        numbers = (f"{value:.3g}" if value else "0" for value in (cpu, gpu, without))
        values = (work, model, unit, *numbers, f"{size:.0f}", basis, source)
        row = dict(zip(COLUMNS, values, strict=True))
        self.rows.append(row)
        csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n").writerow(row)
        sys.stdout.flush()

    def measured(
        self,
        work: str,
        model: str,
        samples: Sequence[tuple[tuple[int, int], float]],
        what: str,
        *,
        without: bool = False,
    ) -> None:
        """Rows per frame and per megapixel that fit (size, seconds per frame) at all sizes."""
        told = ", ".join(f"{seconds:.3g} s at {w}x{h}" for (w, h), seconds in samples)
        source = f"{self.machine}, {self.pictures}: {what}, {told}"
        # Relative errors count; no negative costs.
        lines = np.array([[1 / s, w * h / 1e6 / s] for (w, h), s in samples])
        if len(samples) == 1:
            lines[:, 0] = 0
        (frame, megapixel), _ = nnls(lines, np.ones(len(samples)))
        for unit, value in (("frame", frame), ("megapixel", megapixel)):
            seconds = {"without" if without else "cpu": float(value)}
            self.add(work, model, unit, "measured", source, **seconds)

    def stored(self, work: str, model: str, sizes: Sequence[float]) -> None:
        """A row with the mean of some bytes per megapixel."""
        mean = sum(sizes) / len(sizes)
        self.add(work, model, "megapixel", "measured", "size of the same files", size=mean)

    def network(
        self, work: str, model: str, call: Callable[[], object], units: float, unit: str, what: str
    ) -> None:
        """GPU time of a call that serves ``units`` units: measured, or derived from its count."""
        if self.device == "cuda":
            name = torch.cuda.get_device_name()
            seconds = gpu_seconds(call) / units
            self.add(work, model, unit, "measured", f"{name}: {what}", gpu=seconds)
            return
        if model in PUBLISHED:
            seconds, source = PUBLISHED[model]
            self.add(work, model, unit, "published", source, gpu=seconds)
            return
        operations = multiply_accumulates(call) / units
        source = (
            f"{2 * operations / 1e9:.4g} GFLOP, counted for {what}, at "
            f"{2 * self.sustained / 1e12:.3g} TFLOP/s, which Faster R-CNN X101 sustains on a "
            f"{KNOWN_GPU} by its published time"
        )
        self.add(work, model, unit, "derived", source, gpu=operations / self.sustained)


def fitted(picture: Frame, size: tuple[int, int]) -> Frame:
    """A picture cut, or continued by its mirror images, to a width and height."""
    missing = [max(0, size[1] - picture.shape[0]), max(0, size[0] - picture.shape[1])]
    larger = np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    return np.ascontiguousarray(larger[: size[1], : size[0]])


def used() -> float:
    """Processor seconds of this process and of those that it started and waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, who))


def cpu_seconds(call: Callable[[], object], repeats: int = 1) -> float:
    """The least processor time of some calls."""
    best = np.inf
    for _ in range(repeats):
        start = used()
        call()
        best = min(best, used() - start)
    return float(best)


def gpu_seconds(call: Callable[[], object], repeats: int = 5) -> float:
    """The least time of some calls after one that warms up."""
    best = np.inf
    for attempt in range(repeats + 1):
        torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        torch.cuda.synchronize()
        if attempt:
            best = min(best, time.perf_counter() - start)
    return float(best)


def job(bench: Bench) -> None:
    """Starting Python with what a job imports."""
    for model, modules in (
        ("", "vcmflow.data.command, vcmflow.data.importer, vcmflow.core.video"),
        ("network", "vcmflow.data.importer, torch, torchvision"),
    ):
        command = [sys.executable, "-c", f"import {modules}"]
        seconds = cpu_seconds(lambda c=command: subprocess.run(c, check=True), 3)
        with_torch = " with PyTorch" if model else ""
        source = f"{bench.machine}: start and imports{with_torch}"
        bench.add("job", model, "job", "measured", source, cpu=seconds)


def frames(bench: Bench) -> None:
    """Import: a picture file read, FFV1 written."""
    samples, written, out = [], [], bench.folder / "import.mkv"
    for size, suffix in ((LARGE, "png"), (SMALL, "jpg")):
        pictures = bench.frames(size)
        files = []
        for index, picture in enumerate(pictures):
            files.append(bench.folder / f"{size[0]}-{index}.{suffix}")
            cv2.imwrite(str(files[-1]), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

        def convert(files: list[Path] = files) -> None:
            write_video(out, map(read_picture, files), 10)

        samples.append((size, cpu_seconds(convert, 2) / len(files)))
        written.append(out.stat().st_size / len(files) / (size[0] * size[1] / 1e6))
    bench.measured("frames", "", samples, "PNG (large) or JPEG (small) to FFV1")
    bench.stored("frames", "", written)


def reading(bench: Bench) -> list[tuple[tuple[int, int], float]]:
    """Seconds per frame of decoding FFV1."""
    return [
        (size, cpu_seconds(lambda s=size: list(read_video(bench.video(s))), 2) / FRAMES)
        for size in (LARGE, SMALL)
    ]


def embed(bench: Bench) -> None:
    """ResNet-18 at short side 256, and grey pixels."""
    read = dict(reading(bench))
    for model, name in (("", "random"), ("grey", "grey")):
        options = {} if model else {"short_side": 256}
        embedder = build(EMBEDDERS, name, "embedder", options, weights=None, device=bench.device)
        samples = []
        for size in (LARGE, SMALL):
            pictures = bench.frames(size)

            def prepare(e: Embedder = embedder, pictures: list[Frame] = pictures) -> None:
                for picture in pictures:
                    e.prepare(picture)

            samples.append((size, read[size] + cpu_seconds(prepare) / FRAMES))
        bench.measured("embed", model, samples, "FFV1 decoding and shrinking")
        small = [embedder.prepare(frame) for frame in bench.frames(SMALL)]
        if model:
            continue

        def look(e: Embedder = embedder, pictures: list[Frame] = small) -> None:
            e.embed(pictures)

        shape = f"{small[0].shape[1]}x{small[0].shape[0]}"
        bench.network("embed", model, look, FRAMES, "frame", f"ResNet-18 at {shape}")
        if bench.device == "cpu":
            seconds = cpu_seconds(look, 3) / FRAMES
            source = f"{bench.machine}: ResNet-18 at {shape}"
            bench.add("embed", model, "frame", "measured", source, without=seconds)


def detect(bench: Bench, work: str, task: str, model: str, weights: Path | None) -> None:
    """A detector or segmenter on one frame."""
    size = MINI if model.endswith("_mini") else LARGE
    detector = build(TASKS[task], model, "model", {}, weights=weights, device=bench.device)
    picture = bench.frames(size)[0]
    what = f"a frame of {size[0]}x{size[1]}"
    bench.network(work, model, lambda: detector.detect([picture]), 1, "frame", what)
    if bench.device == "cpu":
        seconds = cpu_seconds(lambda: detector.detect([picture]))
        source = f"{bench.machine}: {what}"
        bench.add(work, model, "frame", "measured", source, without=seconds)


NETWORKS = (
    ("detection", "faster_rcnn_x101", None),
    ("segmentation", "yolact_plus_base", None),
    ("detection", "faster_rcnn_mini", Path("models/faster_rcnn_mini.safetensors")),
    ("segmentation", "yolact_mini", Path("models/yolact_mini.safetensors")),
)


def task(bench: Bench) -> None:
    """Detectors and segmenters."""
    read = reading(bench)
    for kind, model, weights in NETWORKS:
        bench.measured("task", model, read, "FFV1 decoding")
        detect(bench, "task", kind, model, weights)


def track(bench: Bench) -> None:
    """The same detectors, and DeepSORT with ten objects."""
    read = dict(reading(bench))
    samples = []
    for size in (LARGE, SMALL):
        tracker = build(TRACKERS, "deepsort", "tracker", {})
        pictures = bench.frames(size)

        def follow(tracker: Tracker = tracker, pictures: list[Frame] = pictures) -> None:
            height, width = pictures[0].shape[:2]
            for step, picture in enumerate(pictures):
                left = np.arange(10) * width / 12 + step
                boxes = np.stack([left, left * 0 + 9, left + width / 20, left * 0 + height / 5], 1)
                tracker.update(
                    picture,
                    Detections(boxes.astype(np.float32), np.ones(10, np.float32), np.ones(10, int)),
                )

        samples.append((size, read[size] + cpu_seconds(follow) / FRAMES))
    for kind, model, weights in NETWORKS:
        if kind == "detection":
            bench.measured("track", model, samples, "FFV1 decoding, DeepSORT with ten objects")
            detect(bench, "track", kind, model, weights)


def encode(bench: Bench) -> None:
    """The codecs at the presets that the workflow's presets use."""
    for (name, preset), points in LADDERS.items():
        for structure in (RANDOM_ACCESS, ALL_INTRA):
            samples, written = [], []
            for size in (LARGE, SMALL):
                # All-intra pictures do not depend on each other: two will do.
                clip = bench.frames(size)[: 2 if structure == ALL_INTRA else FRAMES]
                instance = {"codec": name, "preset": preset, "structure": structure}
                coded = [code(bench, clip, instance, point) for point in points]
                samples.append((size, sum(seconds for seconds, _ in coded) / len(points)))
                written.append(sum(rate for _, rate in coded) / len(points))
            model = f"{name} {preset} {structure}"
            bench.measured("encode", model, samples, f"mean of {points[0]} and {points[1]}")
            bench.stored("encode", model, written)


def code(
    bench: Bench, clip: Sequence[Frame], instance: dict[str, Any], point: int
) -> tuple[float, float]:
    """Seconds per frame and bytes per megapixel."""
    codec, shape = codec_for(instance, clip)
    out = bench.folder / "encoded"

    def run() -> None:
        with tempfile.TemporaryDirectory() as scratch:
            video = Video(shape, lambda: iter(clip), Path(scratch))
            codec.encode(video, {}, point, {"base": out})

    seconds = cpu_seconds(run) / len(clip)
    rate = out.stat().st_size / len(clip) / (shape.width * shape.height / 1e6)
    what = f"{' '.join(map(str, instance.values()))} {shape.width}x{shape.height} at {point}"
    print(f"# {what}: {seconds:.3g} s a frame, {rate:.0f} bytes/MP", file=sys.stderr, flush=True)
    return seconds, rate


def codec_for(instance: dict[str, Any], clip: Sequence[Frame]) -> tuple[Any, Shape]:
    """A codec with one thread, and the shape of a clip."""
    options = {key: value for key, value in instance.items() if key != "codec"}
    codec = build(CODECS, instance["codec"], "codec", options, offered={"threads": 1})
    height, width = clip[0].shape[:2]
    return codec, Shape(width, height, len(clip), 10.0)


def decode(bench: Bench) -> None:
    """A bitstream decoded, its frames written as FFV1."""
    samples = []
    for size in (LARGE, SMALL):
        clip, instance = bench.frames(size), {"codec": "vvenc"}
        code(bench, clip, instance, 27)
        codec, shape = codec_for(instance, clip)

        def run(codec: Any = codec, shape: Shape = shape) -> None:
            frames = codec.decode({"base": bench.folder / "encoded"}, shape)
            write_video(bench.folder / "decoded.mkv", frames, 10)

        samples.append((size, cpu_seconds(run, 2) / len(clip)))
    bench.measured("decode", "", samples, "H.266 at QP 27 to FFV1")


def interpolate(bench: Bench) -> None:
    """Two frames between two others."""
    times = [1 / 3, 2 / 3]
    for model in ("flow", "blend", "hold"):
        reconstructor = build(RECONSTRUCTORS, model, "reconstructor", {})
        samples = []
        for size in (LARGE, SMALL):
            pair = bench.frames(size)[:2]

            def fill(r: Reconstructor = reconstructor, pair: list[Frame] = pair) -> None:
                r.interpolate(pair[0], pair[1], times)

            samples.append((size, cpu_seconds(fill) / len(times)))
        bench.measured("interpolate", model, samples, "gaps of two")
    network = build(
        RECONSTRUCTORS, "ema_vfi", "reconstructor", {"weights": "random", "device": bench.device}
    )
    first, second = bench.frames(SMALL)[:2]
    area = SMALL[0] * SMALL[1] / 1e6

    def between() -> None:
        network.interpolate(first, second, times)

    what = f"gaps of two at {SMALL[0]}x{SMALL[1]}, full size"
    bench.network("interpolate", "ema_vfi", between, len(times) * area, "megapixel", what)
    if bench.device == "cpu":
        seconds = cpu_seconds(between) / len(times)
        bench.measured("interpolate", "ema_vfi", [(SMALL, seconds)], what, without=True)


def fidelity(bench: Bench) -> None:
    """A reconstruction read and compared."""
    samples = []
    for size, seconds in reading(bench):
        pictures = bench.frames(size)
        originals = [Original(picture) for picture in pictures]

        def compare(o: list[Original] = originals, p: list[Frame] = pictures) -> None:
            for original, picture in zip(o, p[1:] + p[:1], strict=True):
                original.compare(picture)

        samples.append((size, seconds + cpu_seconds(compare) / FRAMES))
    bench.measured("fidelity", "", samples, "FFV1 decoding, PSNR and SSIM")


def pretrain(bench: Bench) -> None:
    """One picture of a step: seek and decode, augment; ResNet-18 forth and back."""
    settings = EmbeddingSettings(pairs=4, negatives=8)
    clips = []
    for index in range(2):
        rng = np.random.default_rng(index)
        scene = random_scene(rng, 640, 360, frames=300, mean_step=1 / 30)
        clips.append(bench.folder / f"clip{index}.mp4")
        write_clip(clips[-1], (frame.picture for frame in render_scene(scene, rng)), 30)
    pools = [VideoPool([clip], settings.short_side) for clip in clips]
    steps = Steps(pools[0], pools[1], settings)
    pictures = 2 * settings.pairs + settings.negatives
    rounds = 3
    seconds = cpu_seconds(lambda: [steps[step] for step in range(rounds)]) / rounds / pictures
    source = f"{bench.machine}: draws from H.264 clips of 10 s, 640x360, 30 frames/s, augmented"
    bench.add("pretrain", "", "picture", "measured", source, cpu=seconds)
    network = EmbeddingNetwork(settings.dimension).to(bench.device)
    network = network.to(memory_format=torch.channels_last)
    amount = 256 if bench.device == "cuda" else pictures
    batch = torch.rand(amount, 3, settings.crop, settings.crop, device=bench.device)

    def step() -> None:
        with torch.autocast(bench.device, torch.bfloat16, enabled=bench.device == "cuda"):
            embeddings, rotation = network(batch.contiguous(memory_format=torch.channels_last))
        (embeddings.float().square().mean() + rotation.float().square().mean()).backward()

    what = f"ResNet-18 forth and back at {settings.crop}x{settings.crop}"
    bench.network("pretrain", "", step, amount, "picture", what)
    if bench.device == "cpu":
        source = f"{bench.machine}: {what}"
        seconds = cpu_seconds(step) / amount
        bench.add("pretrain", "", "picture", "measured", source, without=seconds)


KINDS = {
    "job": job,
    "frames": frames,
    "embed": embed,
    "track": track,
    "task": task,
    "encode": encode,
    "decode": decode,
    "interpolate": interpolate,
    "fidelity": fidelity,
    "pretrain": pretrain,
}


def merged(old: Sequence[Row], new: Sequence[Row]) -> Iterator[Row]:
    """The stored rows with those of the same work and model replaced.

    Sizes on disk stay where none were measured.
    """
    replaced = {(row["work"], row["model"]) for row in new}
    placed: set[tuple[str, str]] = set()
    for row in old:
        key = row["work"], row["model"]
        if key not in replaced:
            yield row
            continue
        if key not in placed:
            placed.add(key)
            yield from (r for r in new if (r["work"], r["model"]) == key)
        if size_only(row) and not any(size_only(r) for r in new if (r["work"], r["model"]) == key):
            yield row
    yield from (row for row in new if (row["work"], row["model"]) not in placed)


def size_only(row: Row) -> bool:
    """Whether a row gives bytes and no seconds."""
    return not any(float(row[name]) for name in COLUMNS[3:6])


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="real ones (see above)")
    parser.add_argument("--write", action="store_true", help=f"rewrite {COSTS.name}")
    args = parser.parse_args()
    set_deterministic(1)
    cv2.setNumThreads(1)
    files = sorted(args.pictures.iterdir())[: 3 * FRAMES : 3] if args.pictures else []
    given = [read_picture(path) for path in files]
    with tempfile.TemporaryDirectory() as name:
        machine = f"one core of an {processor()}"
        named = f"pictures of {args.pictures.name}" if args.pictures else "rendered pictures"
        bench = Bench(choose_device(args.device), Path(name), given, machine, named)
        for kind in args.only:
            KINDS[kind](bench)
    if args.write:
        with COSTS.open(encoding="utf-8", newline="") as file:
            old = list(csv.DictReader(file))
        with (
            whole_file(COSTS) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as out,
        ):
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(merged(old, bench.rows))


if __name__ == "__main__":
    main()
