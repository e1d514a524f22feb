"""A small scored sequence as files, in the formats that the stages before leave behind."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.gaps import write_gaps
from vcmflow.core.rle import encode_mask
from vcmflow.core.runs import Run, write_runs

FRAMES, WIDTH, HEIGHT, FPS = 7, 64, 48, 10.0
NAMES = {1: "person", 2: "bicycle", 3: "car"}


@dataclass
class Files:
    """The files of one sequence, and the command line that scores them."""

    folder: Path
    sequence: str
    conditions: list[tuple[str, str, int]]
    has_task: bool

    def path(self, *parts: str) -> Path:
        return self.folder.joinpath(self.sequence, *parts)

    @property
    def out(self) -> Path:
        return self.folder / "score" / f"{self.sequence}.json"

    def arguments(self) -> list[str]:
        samplers = list(dict.fromkeys(sampler for sampler, _, _ in self.conditions))
        pairs = list(dict.fromkeys((sampler, mode) for sampler, mode, _ in self.conditions))
        argv = ["score", "sequence", "--sequence", str(self.path("sequence.json"))]
        argv += ["--decisions", *(str(self.path(f"{sampler}.json")) for sampler in samplers)]
        argv += ["--gaps", *(str(self.path(f"{sampler}.gaps")) for sampler in samplers)]
        argv += ["--encodes", *(str(self.path(s, m, "encode.csv")) for s, m in pairs)]
        argv += ["--encodes-of", *(sampler for sampler, _ in pairs)]
        argv += ["--fidelity", *(str(self.path(f"{sampler}.csv")) for sampler in samplers)]
        if self.has_task:
            argv += ["--truth", str(self.path("truth.json"))]
            argv += ["--tasks", str(self.path("source.json"))]
            argv += [str(self.path(f"{sampler}.tasks.json")) for sampler in samplers]
        return [*argv, "--out", str(self.out)]


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def kept_frames(sampler: str) -> tuple[int, ...]:
    return tuple(range(FRAMES)) if sampler == "all" else (0, 3, 6)


def mask_of(box: list[float]) -> dict[str, object]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    x, y, w, h = (int(side) for side in box)
    mask[y : y + h, x : x + w] = True
    return encode_mask(mask)


@pytest.fixture
def build(tmp_path):
    """Write a sequence whose detections drift away from the truth as QP rises."""

    def build_sequence(
        sequence: str = "s1",
        scene: str = "1_calibration",
        task: str = "detection",
        conditions: list[tuple[str, str, int]] | None = None,
        seed: int = 0,
        ground_truth: str = "annotations",
    ) -> Files:
        if conditions is None:
            conditions = [("uniform", "ra", 22), ("uniform", "ra", 42), ("all", "ai", 22)]
        files = Files(tmp_path, sequence, conditions, has_task=task != "none")
        rng = np.random.default_rng(seed)
        write(
            files.path("sequence.json"),
            {
                "id": sequence,
                "dataset": "railway",
                "scene": scene,
                "camera": "rgb_center",
                "fps": FPS,
                "frames": FRAMES,
                "width": WIDTH,
                "height": HEIGHT,
                "task": task,
                "ground_truth": "none" if task == "none" else ground_truth,
            },
        )
        boxes = [
            [float(4 + frame), float(4 + 14 * thing), float(rng.integers(12, 30)), 12.0]
            for frame in range(FRAMES)
            for thing in range(3)
        ]
        categories = NAMES if task == "detection" else {1: "object"}
        write(
            files.path("truth.json"),
            {
                "images": [{"id": frame, "file_name": f"{frame}.png"} for frame in range(FRAMES)],
                "categories": [{"id": key, "name": name} for key, name in categories.items()],
                "annotations": [
                    {
                        "id": index + 1,
                        "image_id": index // 3,
                        "category_id": index % 2 + 1 if task == "detection" else 1,
                        "bbox": box,
                        "area": box[2] * box[3],
                        "iscrowd": 0,
                        "ignore": 0,
                        "object_id": index % 3,
                        "segmentation": mask_of(box),
                    }
                    for index, box in enumerate(boxes)
                ],
            },
        )

        def results(shift: int) -> list[dict[str, object]]:
            return [
                {
                    "image_id": index // 3,
                    "category_id": index % 2 + 1,
                    "bbox": [box[0] + shift * (index % 3), *box[1:]],
                    "score": round(float(rng.uniform(0.3, 1)), 5),
                    "segmentation": mask_of([box[0] + shift * (index % 3), *box[1:]]),
                }
                for index, box in enumerate(boxes)
            ]

        def write_task(name: str, keys: list[Run], shifts: list[int]) -> None:
            # The files hold other sequences too.
            runs = [(key, results(shift)) for key, shift in zip(keys, shifts, strict=True)]
            other = [(replace(key, sequence="other"), []) for key in keys]
            write_runs(files.path(name), task, "model", [*other, *runs])

        if task != "none":
            write_task("source.json", [Run(sequence, "source")], [0])
        for sampler in dict.fromkeys(sampler for sampler, _, _ in conditions):
            kept = kept_frames(sampler)
            decision = Decision(sequence, sampler, sampler, FRAMES, 3, kept, FPS)
            write_decision(files.path(f"{sampler}.json"), decision)
            write_gaps(files.path(f"{sampler}.gaps"), decision.gaps)
            write_rows(
                files.path(f"{sampler}.csv"),
                [
                    {
                        "sequence": sequence,
                        "sampler": sampler,
                        "mode": mode,
                        "qp": qp,
                        "frame": frame,
                        "kept": int(frame in kept),
                        "mse": 1.0,
                        "psnr": 60 - 0.5 * qp - (0 if frame in kept else 6),
                        "ssim": 1 - 0.005 * qp,
                    }
                    for name, mode, qp in conditions
                    if name == sampler
                    for frame in range(FRAMES)
                ],
            )
            keys = [Run(sequence, s, m, qp) for s, m, qp in conditions if s == sampler]
            write_task(f"{sampler}.tasks.json", keys, [(key.qp - 20) // 5 for key in keys])
        for sampler, mode in dict.fromkeys((s, m) for s, m, _ in conditions):
            qps = [qp for s, m, qp in conditions if (s, m) == (sampler, mode)]
            write_rows(
                files.path(sampler, mode, "encode.csv"),
                [
                    {
                        "qp": qp,
                        "frames": len(kept_frames(sampler)),
                        "stream_bytes": 100_000 // qp + seed,
                        "codec": "vvenc",
                        "mode": mode,
                    }
                    for qp in qps
                ],
            )
        return files

    return build_sequence
