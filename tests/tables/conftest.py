"""Score tables, as `score pool` writes them, with closed-form differences between samplers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from vcmflow.score.pool import SEQUENCE_COLUMNS, scene_columns

QPS = (22, 27, 32, 37, 42, 47)
SCENES = ("3_fire_site", "10_station_suelldorf")
# At QP i of six, the anchor needs 100 · 2^(5 − i) kB and reaches mAP 0.60 − 0.08 i: a straight line
# of accuracy over log-rate. The others need a fixed share of its rate at the same accuracy.
SHARE = {"uniform": 1.0, "tracking": 0.9, "manifold": 0.8, "all": 3.0}


def pooled_row(scene: str, sampler: str, mode: str, index: int) -> dict[str, object]:
    level = 5 - index
    return {
        "dataset": "railway",
        "scene": scene,
        "sampler": sampler,
        "mode": mode,
        "qp": QPS[index],
        "sequences": 2,
        "n": 20,
        "m": 20 if sampler == "all" else 8,
        "rate_bytes": round(100_000 * 2**level * SHARE[sampler]),
        "kbps": 1,
        "map": 0.2 + 0.08 * level,
        "ap_person": 0.3 + 0.08 * level,
        "ap_bicycle": 0.1 + 0.08 * level + (0.01 if sampler == "manifold" else 0),
        "psnr": 24 + 2 * level,
        "ssim": 0.7 + 0.04 * level,
        "jaccard": "",
        "f1": "",
        "psnr_kept": 26 + 2 * level,
        "task": "detection",
        "ground_truth": "annotations",
    }


def source_row(scene: str) -> dict[str, object]:
    return {
        "dataset": "railway",
        "scene": scene,
        "sampler": "source",
        "sequences": 2,
        "n": 20,
        "map": 0.62,
        "map50": 0.9,
        "ap_person": 0.72,
        "ap_bicycle": 0.52,
        "task": "detection",
        "ground_truth": "annotations",
    }


def sequence_row(scene: str, number: int, sampler: str, mode: str, index: int) -> dict[str, object]:
    row = pooled_row(scene, sampler, mode, index)
    rate = round(float(str(row["rate_bytes"])) * (0.4 if number == 1 else 0.6))
    kept = 10 if sampler == "all" else 4
    return row | {
        "sequence": f"{scene}.{number}",
        "n": 10,
        "m": kept,
        "m_expected": kept,
        "rate_bytes": rate,
    }


class Scores:
    """Rows of the three score tables; tests change them before they are written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        grid = [(s, m, i) for s in SHARE for m in ("ra", "ai") for i in range(len(QPS))]
        self.scenes = [
            row
            for scene in SCENES
            for row in (source_row(scene), *(pooled_row(scene, *point) for point in grid))
        ]
        self.datasets = [source_row("all"), *(pooled_row("all", *point) for point in grid)]
        self.sequences = [
            sequence_row(scene, number, *point)
            for scene in SCENES
            for number in (1, 2)
            for point in grid
        ]

    def pick(self, rows: list[dict[str, object]], **wanted: object) -> list[dict[str, object]]:
        found = [r for r in rows if all(r.get(k) == v for k, v in wanted.items())]
        assert found
        return found

    def write(self) -> list[str]:
        """Write the tables and return the flags that name them."""
        flags: list[str] = []
        for flag, rows, columns in (
            ("--scenes", self.scenes, scene_columns()),
            ("--dataset-scores", self.datasets, scene_columns()),
            ("--sequences", self.sequences, SEQUENCE_COLUMNS),
        ):
            path = self.folder / f"{flag[2:]}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
                writer.writeheader()
                writer.writerows(rows)
            flags += [flag, str(path)]
        return flags


@pytest.fixture
def scores(tmp_path):
    return Scores(tmp_path)
