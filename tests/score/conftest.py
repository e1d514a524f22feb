"""A small scored sequence as files, in the formats that the stages before leave behind."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from score_files import METHODS

from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.encoding import CodedPoint, Encoding, Shape, Stream, write_encoding
from vcmflow.core.gaps import write_gaps
from vcmflow.core.rle import encode_mask
from vcmflow.core.runs import Run, write_runs
from vcmflow.core.sequence import Sequence, write_sequence

FRAMES, WIDTH, HEIGHT, FPS = 7, 64, 48, 10.0
NAMES = {1: "person", 2: "bicycle", 3: "car"}


@dataclass
class Files:
    """The files of one sequence, and the command line that scores them."""

    folder: Path
    sequence: str
    methods: list[dict[str, Any]]
    tasks: dict[str, Any]
    rebuilt: list[str]

    def path(self, *parts: str) -> Path:
        return self.folder.joinpath(self.sequence, *parts)

    @property
    def out(self) -> Path:
        return self.folder / "score" / f"{self.sequence}.json"

    def arguments(self) -> list[str]:
        def each(pattern: str) -> list[str]:
            return [str(self.path(pattern.format(**method))) for method in self.methods]

        argv = ["score", "sequence", "--sequence", str(self.path("sequence.json"))]
        argv += ["--methods", json.dumps(self.methods)]
        argv += ["--decisions", *each("{sampler}.json"), "--gaps", *each("{sampler}.gaps")]
        argv += ["--encodes", *each("{sampler}/{codec}/encode.json")]
        for kind, suffix in (("fidelity", "csv"), ("times", "times.json")):
            files = [str(self.path(f"{name}.{suffix}")) for name in self.rebuilt]
            argv += [f"--{kind}", *files, f"--{kind}-of", *self.rebuilt]
        names = ["source", *(method["name"] for method in self.methods)]
        owners = [f"{task}/{name}" for task in self.tasks for name in names]
        if self.tasks:
            argv += ["--truth", str(self.path("truth.json")), "--tasks", json.dumps(self.tasks)]
            argv += ["--results", *(str(self.path(f"{owner}.json")) for owner in owners)]
            argv += ["--results-of", *owners]
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
        annotations: str = "boxes",
        methods: list[dict[str, Any]] | None = None,
        tasks: dict[str, Any] | None = None,
        seed: int = 0,
        rebuilt: list[str] | None = None,
        roles: tuple[str, ...] = ("base",),
    ) -> Files:
        methods = METHODS if methods is None else methods
        if tasks is None:
            kind = {"boxes": "detection", "masks": "segmentation"}.get(annotations)
            tasks = {} if kind is None else {kind: kind}
        if rebuilt is None:
            rebuilt = [one["name"] for one in methods]
        files = Files(tmp_path, sequence, methods, tasks, rebuilt)
        rng = np.random.default_rng(seed)
        write_sequence(
            files.path("sequence.json"),
            Sequence(sequence, "railway", scene, annotations, FRAMES, FPS, WIDTH, HEIGHT),
        )
        boxes = [
            [float(4 + frame), float(4 + 14 * thing), float(rng.integers(12, 30)), 12.0]
            for frame in range(FRAMES)
            for thing in range(3)
        ]
        categories = {1: "object"} if annotations == "masks" else NAMES
        objects = [
            {
                "id": index + 1,
                "image_id": index // 3,
                "category_id": 1 if annotations == "masks" else index % 2 + 1,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
                "ignore": 0,
                "object_id": index % 3,
                "segmentation": mask_of(box),
            }
            for index, box in enumerate(boxes)
        ]
        write(
            files.path("truth.json"),
            {
                "images": [{"id": frame, "file_name": f"{frame}.png"} for frame in range(FRAMES)],
                "categories": [{"id": key, "name": name} for key, name in categories.items()],
                "annotations": [] if annotations == "none" else objects,
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

        def write_task(owner: str, points: list[str]) -> None:
            # The files hold other sequences too.
            other = [(Run("other", point), []) for point in points]
            runs = [
                (Run(sequence, point), results((int(point) - 20) // 5 if point else 0))
                for point in points
            ]
            task = owner.partition("/")[0]
            write_runs(files.path(f"{owner}.json"), task, "model", [*other, *runs])

        for task in tasks:
            write_task(f"{task}/source", [""])
        for one in methods:
            sampler, points = one["sampler"], one["points"]
            kept = kept_frames(sampler)
            decision = Decision(sequence, sampler, sampler, FRAMES, 3, kept, FPS)
            write_decision(files.path(f"{sampler}.json"), decision)
            write_gaps(files.path(f"{sampler}.gaps"), decision.gaps)
            write_rows(
                files.path(f"{one['name']}.csv"),
                [
                    {
                        "sequence": sequence,
                        "point": point,
                        "frame": frame,
                        "kept": int(frame in kept),
                        "mse": 1.0,
                        "psnr": 60 - 0.5 * int(point) - (0 if frame in kept else 6),
                        "ssim": 1 - 0.005 * int(point),
                    }
                    for point in points
                    for frame in range(FRAMES)
                ],
            )
            seconds = {"decode_seconds": 0.25, "reconstruct_seconds": 0.5}
            write(
                files.path(f"{one['name']}.times.json"),
                {"points": dict.fromkeys(points, seconds)},
            )
            coded = {
                point: CodedPoint(
                    [
                        Stream(role, f"{point}.{role}", 100_000 // int(point) + seed, "")
                        for role in roles
                    ],
                    [],
                    1.5,
                )
                for point in points
            }
            shape = Shape(WIDTH, HEIGHT, len(kept), FPS)
            write_encoding(
                files.path(sampler, one["codec"], "encode.json"),
                Encoding({"codec": "vvenc"}, shape, {}, coded),
            )
            for task in tasks:
                write_task(f"{task}/{one['name']}", points)
        return files

    return build_sequence
