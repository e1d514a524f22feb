"""Speed of the samplers: choosing alone, and from a video file to the decision.

    python benchmarks/sampler.py [--weights embedding.safetensors] [--threads 2] [--precision auto]
        [--detector faster_rcnn_mini --detector-weights FILE] [--frames 150]

Prints frames per second; the video is made here (854x480, H.264 and JPEG), so nothing is needed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

from vcmflow.sample.decide import choose_frames

WIDTH, HEIGHT = 854, 480


def choosing_alone() -> None:
    """Time ``manifold`` on given embeddings of 100 to 100,000 frames."""
    print(f"{'choosing alone':<34}{'frames':>9}{'frames/s':>12}")
    for arc in ("chord", "spline"):
        for n in (100, 1_000, 10_000, 100_000):
            random = np.random.default_rng(0)
            steps = random.normal(size=(n, 128)) * random.random((n, 1)) ** 4
            embedding = np.cumsum(steps, axis=0).astype(np.float32)
            best = np.inf
            for _ in range(3):
                start = time.perf_counter()
                choose_frames("manifold", n, n // 3 + 1, embedding=embedding, options={"arc": arc})
                best = min(best, time.perf_counter() - start)
            print(f"  manifold, 128-d, arc={arc:<12}{n:>9}{n / best:>12,.0f}", flush=True)


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


def whole_process(name: str, command: list[str], frames: int) -> float:
    """Run a command, from starting Python to its output, and print frames per second."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "vcmflow", *command], check=True, stderr=subprocess.DEVNULL
    )
    speed = frames / (time.perf_counter() - start)
    print(f"  {name:<41}{frames:>9}{speed:>12.1f}", flush=True)
    return speed


def main() -> None:
    """Run all benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, help="of the learned embedding; else random ones")
    parser.add_argument("--detector", default="faster_rcnn_mini", help="for tracking")
    parser.add_argument("--detector-weights", type=Path, help="without, fixed random ones")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    parser.add_argument("--frames", type=int, default=150, help="of the video, default 150")
    parser.add_argument("--short-side", type=int, default=128, help="px, default 128")
    parser.add_argument("--precision", default="auto", help="float32, bfloat16 or auto")
    args = parser.parse_args()
    choosing_alone()
    print(f"\n{'whole process, 854x480':<43}{'frames':>9}{'frames/s':>12}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video, pictures = make_video(folder, args.frames)
        embedding = ["--embedding", "random"]
        if args.weights is not None:
            embedding = ["--embedding", "learned", "--weights", str(args.weights)]
        embedding += ["--option", f"short_side={args.short_side}"]
        embedding += ["--option", f"precision={args.precision}", "--threads", str(args.threads)]
        out = ["--out", str(folder / "out")]
        speeds = {}
        for label, source in (("H.264", video), ("JPEG", pictures)):
            command = ["embed", *embedding, "--videos", str(source), *out]
            speeds[label] = whole_process(f"embed, ResNet-18, {label}", command, args.frames)
        command = ["embed", "--embedding", "grey", "--videos", str(video), *out]
        whole_process("embed, grey, H.264", command, args.frames)
        command = ["track", "--model", args.detector, "--videos", str(video), *out]
        command += ["--threads", str(args.threads)]
        if args.detector_weights is not None:
            command += ["--weights", str(args.detector_weights)]
        tracking = whole_process(f"track, {args.detector}, H.264", command, args.frames)
        print(f"  ResNet-18 over {args.detector}: {speeds['H.264'] / tracking:.1f} times")


if __name__ == "__main__":
    main()
