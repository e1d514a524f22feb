"""Made-up data in the shape of the real files, for tests alone: no number here is a result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vcmflow.core.decision import Decision, write_decision

QPS = (22, 27, 32, 37, 42, 47)
SCENES = (
    "1_calibration",
    "3_fire_site",
    "4_station_pedestrian_bridge",
    "5_station_bergedorf",
    "7_approach_underground_station",
    "8_station_altona",
    "9_station_ruebenkamp",
    "10_station_suelldorf",
    "13_station_ohlsdorf",
)
SAMPLERS = ("uniform", "tracking", "manifold", "all")


def scenes_table(
    dataset: str = "railway",
    scenes: Sequence[str] = SCENES,
    samplers: Sequence[str] = SAMPLERS,
    modes: Sequence[str] = ("ra", "ai"),
    qps: Sequence[int] = QPS,
    task: str = "detection",
    seed: int = 0,
) -> pd.DataFrame:
    """A table like score/scenes.csv, with the uncompressed frames' rows."""
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for scene in scenes:
        level = random.uniform(0.35, 0.75)
        size = random.uniform(60, 400)
        source = {"dataset": dataset, "scene": scene, "sampler": "source", "n": 10, "m": 10}
        rows.append(source | _scores(task, level, 99.0, 1.0) | {"psnr": np.nan, "ssim": np.nan})
        for sampler in samplers:
            swept = int(sampler.split("-n")[1]) if "-n" in sampler else 3
            m = 10 if sampler == "all" else 10 // swept + 1
            loss = random.uniform(0.02, 0.12) * (10 - m) / 6
            for mode in modes:
                for qp in qps:
                    rate = size * (3.0 if mode == "ai" else 1.0) * m / 4 * 2 ** ((32 - qp) / 5.5)
                    drop = 0.25 / (1 + np.exp((40 - qp) / 3)) + loss
                    score = max(level - drop + random.normal(0, 0.006), 0.0)
                    psnr = 42 - 0.45 * (qp - 22) - 40 * loss
                    rows.append(
                        {
                            "dataset": dataset,
                            "scene": scene,
                            "sampler": sampler,
                            "mode": mode,
                            "qp": qp,
                            "sequences": 1,
                            "n": 10,
                            "m": m,
                            "rate_bytes": rate * 125,
                            "kbps": rate,
                        }
                        | _scores(task, score, psnr, 0.99 - 0.006 * (qp - 22) - loss)
                    )
    return pd.DataFrame(rows)


def _scores(task: str, score: float, psnr: float, ssim: float) -> dict[str, float]:
    fidelity = {"psnr": psnr, "ssim": ssim}
    if task == "detection":
        return fidelity | {"map": score, "map50": min(1.3 * score, 1.0)}
    if task == "segmentation":
        return fidelity | {"jaccard": score, "f1": 2 * score / (1 + score)}
    return fidelity


def sequences_table(
    sequences: Sequence[str], dataset: str = "davis", **choices: Any
) -> pd.DataFrame:
    """A table like score/sequences.csv, without task scores."""
    table = scenes_table(dataset, sequences, task="none", **choices)
    table["sequence"] = table["scene"]
    return table[table["sampler"] != "source"].reset_index(drop=True)


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write a table as the score stage does: empty where undefined."""
    table.to_csv(path, index=False)
    return path


def walk(count: int, seed: int, bursts: bool = True) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Embeddings of a video that rests and moves, count x 8."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 1, (count, 8)) * 0.2 + 1.0
    if bursts:
        steps *= (np.sin(np.arange(count) / count * 9 + seed) ** 4 + 0.05)[:, None]
    return np.cumsum(steps, axis=0).astype(np.float32)


def decision(sequence: str, sampler: str, frames: Sequence[int], count: int) -> Decision:
    """A sampler's decision."""
    return Decision(sequence, sampler, sampler, count, len(frames), tuple(frames), 10.0, {})


def write_decisions(folder: Path, decisions: Sequence[Decision]) -> list[Path]:
    """Write decisions to files, one each."""
    paths = []
    for one in decisions:
        path = folder / f"{one.sequence}_{one.sampler}.json"
        write_decision(path, one)
        paths.append(path)
    return paths


def as_json(value: Any) -> str:
    """One line of JSON."""
    return json.dumps(value)
