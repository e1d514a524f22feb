"""Scores, as `score pool` writes them, with closed-form differences between samplers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vcmflow.core.rows import Row
from vcmflow.core.scores import COLUMNS, write_scores

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
        "psnr_kept": 26 + 2 * level,
        "encode_seconds": 4,
        "decode_seconds": 2,
        "task": "detection",
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


WORDS = ("dataset", "scene", "sequence", "sampler", "mode", "qp", "task", "status")
OF_TASKS = ("map", "ap_", "jaccard", "f1", "proposals", "top1", "jf", "hota")


def tidy(row: dict[str, object]) -> Iterator[Row]:
    """A wide row as rows of the table of scores; the method is the sampler, and "_ai" for ai."""
    text = {key: str(value) for key, value in row.items()}
    mode, sampler = text.get("mode", ""), text["sampler"]
    about = dict.fromkeys(COLUMNS, "") | {key: text[key] for key in ("dataset", "scene")}
    about |= {"sequence": text.get("sequence", ""), "method": sampler}
    if mode:
        about |= {"method": f"{sampler}_ai" if mode == "ai" else sampler, "sampler": sampler}
        about |= {"codec": f"vvenc_{mode}", "reconstructor": "flow", "point": text["qp"]}
        about |= {"reconstructor": text.get("reconstructor", "flow")}
    for metric, value in text.items():
        if metric in WORDS or metric == "reconstructor" or value == "":
            continue
        of_task = metric.startswith(OF_TASKS)
        task = text["task"] if of_task else ""
        status = text.get("status", "") if of_task else ""
        yield about | {"metric": metric, "value": value, "task": task, "status": status}


class Scores:
    """Wide rows per sequence, scene and dataset; tests change them before they are written."""

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
        """Write the table of scores and return the flag that names it."""
        path = self.folder / "scores.csv"
        rows = [*self.sequences, *self.scenes, *self.datasets]
        write_scores(path, [line for row in rows for line in tidy(row)])
        return ["--scores", str(path)]


@pytest.fixture
def scores(tmp_path):
    return Scores(tmp_path)
