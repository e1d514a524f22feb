"""Speed of the samplers: choosing alone, and from a video file to the decision.

    python benchmarks/sampler.py [--weights embedding.safetensors] [--threads 2] [--precision auto]
        [--short-side 128] [--detector faster_rcnn_x101] [--detector-weights FILE]
        [--frames 300] [--tracked-frames 4] [--hour]

Prints frames per second. "Whole process" counts from starting Python to the decision on disk. The
video is made here (854x480, H.264 and JPEG), and weights that are not given are random ones, which
cost the same, so nothing is needed. ``--hour`` also runs an hour of 25 fps video, 90,000 frames,
and prints its peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from vcmflow.sample.decide import choose_frames

WIDTH, HEIGHT = 854, 480
HOUR = 90_000
PAPER_RATIO = 57.5  # 104.70 GFLOPs of tracking over 1.82 of the embedding

_RANDOM = """
import sys
from pathlib import Path
from vcmflow.nets.embedding import seeded_network
from vcmflow.nets.weights import write_weights
header = {"kind": "embedding", "dimension": 128, "short_side": 128}
write_weights(Path(sys.argv[1]), seeded_network(128, 0).state_dict(), header)
"""


def choosing_alone() -> None:
    """Time ``manifold`` on given embeddings of 100 to 100,000 frames."""
    print(f"{'choosing alone (aim: 200,000)':<44}{'frames':>8}{'frames/s':>12}")
    for arc in ("chord", "spline"):
        for n in (100, 1_000, 10_000, 100_000):
            random = np.random.default_rng(0)
            steps = random.normal(size=(n, 128)) * random.random((n, 1)) ** 4
            embedding = np.cumsum(steps, axis=0).astype(np.float32)
            best = np.inf
            for _ in range(5):
                start = time.perf_counter()
                choose_frames("manifold", n, n // 3 + 1, embedding=embedding, options={"arc": arc})
                best = min(best, time.perf_counter() - start)
            print(f"  manifold, 128-d, arc={arc:<21}{n:>8}{n / best:>12,.0f}", flush=True)


def make_video(folder: Path, frames: int) -> tuple[Path, Path]:
    """Write a noisy texture that drifts, as an H.264 file and as a folder of JPEG files."""
    random = np.random.default_rng(1)
    coarse = random.integers(0, 256, (60, 200, 3), dtype=np.uint8)
    texture = cv2.resize(coarse, (4 * WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    pictures = folder / "jpeg"
    pictures.mkdir()
    with av.open(str(folder / "video.mp4"), "w") as container:
        stream = container.add_stream("h264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for t in range(frames):
            x = int(1.5 * WIDTH * (1 - np.cos(3 * t / frames)))
            noise = random.integers(-8, 9, (HEIGHT, WIDTH, 3))
            frame = np.clip(texture[:, x : x + WIDTH].astype(int) + noise, 0, 255).astype(np.uint8)
            cv2.imwrite(str(pictures / f"{t:05d}.jpg"), frame)
            picture = av.VideoFrame.from_ndarray(frame, format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return folder / "video.mp4", pictures


def repeat_video(source: Path, out: Path, frames: int, total: int) -> None:
    """Write a video's packets again and again, until there are ``total`` frames."""
    with av.open(str(out), "w") as target, av.open(str(source)) as first:
        stream = target.add_stream_from_template(first.streams.video[0])
        length = first.streams.video[0].duration or 0
        for turn in range(-(-total // frames)):
            with av.open(str(source)) as container:
                packets = [p for p in container.demux(container.streams.video[0]) if p.size]
            for packet in packets[: total - turn * frames]:
                packet.pts = (packet.pts or 0) + turn * length
                packet.dts = (packet.dts or 0) + turn * length
                packet.stream = stream
                target.mux(packet)


@dataclass(frozen=True)
class Measured:
    """One run of a command.

    Attributes:
        speed: frames per second.
        peak: bytes of memory.
    """

    speed: float
    peak: int


def whole_process(name: str, words: list[str], video: Path, frames: int) -> Measured:
    """Run ``vcmflow stage select`` on a video, from starting Python to its output."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vcmflow", "stage", "select", *words, "--keep-every", "3"]
        command += ["--videos", str(video), "--decisions-out", str(Path(folder) / "decision.json")]
        start = time.perf_counter()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            raise SystemExit(f"failed: {' '.join(command)}")
    measured = Measured(frames / seconds, used.ru_maxrss * 1024)
    print(
        f"  {name:<42}{frames:>8}{measured.speed:>12.1f}{measured.peak / 2**20:>10.0f}", flush=True
    )
    return measured


def main() -> None:
    """Run all benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, help="of the learned embedding; else random ones")
    parser.add_argument("--detector", default="faster_rcnn_x101", help="for tracking")
    parser.add_argument("--detector-weights", type=Path, help="without, fixed random ones")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    parser.add_argument("--frames", type=int, default=300, help="of the video, default 300")
    parser.add_argument("--tracked-frames", type=int, default=4, help="for tracking, default 4")
    parser.add_argument("--short-side", type=int, default=128, help="px, default 128")
    parser.add_argument("--precision", default="auto", help="float32, bfloat16 or auto")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--hour", action="store_true", help="also an hour of video")
    args = parser.parse_args()
    choosing_alone()
    print(f"\n{'whole process, 854x480':<44}{'frames':>8}{'frames/s':>12}{'MiB':>10}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video, pictures = make_video(folder, args.frames)
        weights = args.weights
        if weights is None:
            weights = folder / "random.safetensors"
            # Elsewhere, because memory of this process would count as that of those it starts.
            subprocess.run([sys.executable, "-c", _RANDOM, str(weights)], check=True)
        common = ["--threads", str(args.threads), "--device", args.device]
        embedding = {"embedder": "learned", "precision": args.precision}
        embedding["short_side"] = args.short_side
        learned = ["--embedding", json.dumps(embedding), "--weights", str(weights), *common]
        side = f"ResNet-18 at {args.short_side} px"
        whole_process(f"{side}, JPEG", learned, pictures, args.frames)
        speed = whole_process(f"{side}, H.264", learned, video, args.frames).speed
        paper = [*learned[:-1], "short_side=224"]
        whole_process("ResNet-18 at 224 px, H.264", paper, video, args.frames)
        grey = ["--embedding", "grey", *common]
        whole_process("grey, H.264", grey, video, args.frames)
        few = folder / "few.mp4"
        repeat_video(video, few, args.frames, args.tracked_frames)
        track = ["--method", "tracking", "--detector", args.detector, *common, "--batch-size", "1"]
        if args.detector_weights is not None:
            track += ["--detector-weights", str(args.detector_weights)]
        tracking = whole_process(f"tracking, {args.detector}", track, few, args.tracked_frames)
        print(
            f"  ResNet-18 over tracking: {speed / tracking.speed:.0f} times "
            f"(the paper's operations: {PAPER_RATIO:.1f})"
        )
        if args.hour:
            hour = folder / "hour.mp4"
            repeat_video(video, hour, args.frames, HOUR)
            whole_process("an hour, grey", grey, hour, HOUR)
            whole_process(f"an hour, {side}", learned, hour, HOUR)


if __name__ == "__main__":
    main()
