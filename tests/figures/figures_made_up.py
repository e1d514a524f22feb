"""Made-up data in the shape of the real files, for tests alone: no number here is a result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.scores import COLUMNS, CONDITION

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


CODECS = {"vvc": 1.0, "vvc_ai": 3.0, "hevc": 1.4, "av1": 0.9, "avc": 1.8}  # rate beside vvc's
TITLES = {
    "vvc": {"title": "random access", "short": "ra", "point": "QP"},
    "vvc_ai": {"title": "all-intra", "short": "ai", "point": "QP"},
}


def scores_table(
    dataset: str = "railway",
    scenes: Sequence[str] = SCENES,
    samplers: Sequence[str] = SAMPLERS,
    codecs: Sequence[str] = ("vvc", "vvc_ai"),
    points: Sequence[int] = QPS,
    kind: str = "detection",
    reconstructors: Sequence[str] = ("flow",),
    seed: int = 0,
) -> pd.DataFrame:
    """Wide scores per scene: one row per condition, those of the uncompressed frames, too.

    A method is called like its sampler, with the codec and the reconstructor behind it unless they
    are the first.
    """
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for scene in scenes:
        level = random.uniform(0.35, 0.75)
        size = random.uniform(60, 400)
        about = {"dataset": dataset, "scene": scene, "n": 10, "task": kind}
        empty = dict.fromkeys(("sampler", "codec", "reconstructor", "point"), "")
        rows.append(about | {"method": "source"} | empty | _scores(kind, level))
        for sampler in samplers:
            swept = int(sampler.split("-n")[1]) if "-n" in sampler else 3
            m = 10 if sampler == "all" else 10 // swept + 1
            loss = random.uniform(0.02, 0.12) * (10 - m) / 6
            for codec in codecs:
                for place, reconstructor in enumerate(reconstructors):
                    extra = [codec] * (codec != codecs[0]) + [reconstructor] * (place > 0)
                    chain = {"method": "_".join([sampler, *extra]), "sampler": sampler}
                    chain |= {"codec": codec, "reconstructor": reconstructor}
                    for qp in points:
                        rate = size * CODECS[codec] * m / 4 * 2 ** ((32 - qp) / 5.5)
                        drop = 0.25 / (1 + np.exp((40 - qp) / 3)) + loss * (1 + place)
                        score = max(level - drop + random.normal(0, 0.006), 0.0)
                        fidelity = {
                            "psnr": 42 - 0.45 * (qp - 22) - 40 * loss,
                            "ssim": 0.99 - 0.006 * (qp - 22) - loss,
                        }
                        rate_bytes = round(rate * 125)
                        sizes = {"m": m, "rate_bytes": rate_bytes, "kbps": rate, "point": str(qp)}
                        rows.append(about | chain | sizes | fidelity | _scores(kind, score))
    return pd.DataFrame(rows)


def _scores(kind: str, score: float) -> dict[str, float]:
    if kind == "detection":
        return {"map": score, "map50": min(1.3 * score, 1.0)}
    return {"jaccard": score, "f1": 2 * score / (1 + score)} if kind else {}


def tidy(table: pd.DataFrame, level: str = "scene") -> pd.DataFrame:
    """Wide scores as the table that ``read_scores`` gives; NaN in a task's metric is undefined."""
    names = [name for name in CONDITION if name in table] + ["task"]
    rows = table.melt(names, var_name="metric")
    of_task = rows["metric"].isin(["map", "map50", "jaccard", "f1"])
    rows = rows[of_task & rows["task"].ne("") | rows["value"].notna()].copy()
    rows["task"] = rows["task"].where(of_task, "")
    rows["status"] = np.where(rows["value"].isna(), "undefined", "")
    rows["sequence"] = rows["scene"] if level == "sequence" else ""
    if level == "dataset":
        rows["scene"] = "all"
    rows = rows.drop_duplicates([*CONDITION, "task", "metric"])
    return rows.sort_index()[[*COLUMNS]]


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write a table as CSV: empty where undefined."""
    table.to_csv(path, index=False)
    return path


def write_scores(path: Path, *tables: pd.DataFrame) -> Path:
    """Write wide scores as the score stage does: of scenes, and of each dataset as a whole."""
    levels = [tidy(table, level) for table in tables for level in ("scene", "dataset")]
    return write_table(path, pd.concat(levels))


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
