"""Files in the shape of the real ones, made up once, and each figure's flags on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import figures_made_up as made_up
import numpy as np
import pandas as pd
import pytest
from pycocotools import mask as coco_mask

from vcmflow.core.features import write_features
from vcmflow.core.files import write_json
from vcmflow.core.runs import Run, write_runs
from vcmflow.core.video import write_video

Flags = Callable[[str], list[str]]
METHODS = {"uniform": [0, 3, 6, 9], "tracking": [0, 1, 8, 9], "manifold": [0, 4, 6, 9]}
FRAME = 5  # dropped by all methods, and next to the middle
SIZE = (48, 64)


def coco(box: tuple[float, ...], category: int = 1, **more: Any) -> dict[str, Any]:
    """An annotation or a detection in the shown frame, with its box as its mask."""
    picture = np.zeros(SIZE, np.uint8, order="F")
    x, y, w, h = (round(value) for value in box)
    picture[max(y, 0) : y + h, max(x, 0) : x + w] = 1
    encoded = coco_mask.encode(picture)
    mask = {"size": list(SIZE), "counts": encoded["counts"].decode()}
    entry = {"image_id": FRAME, "category_id": category, "bbox": list(box), "segmentation": mask}
    return entry | more


@pytest.fixture(scope="session")
def flags(tmp_path_factory: pytest.TempPathFactory) -> Flags:
    """Figure -> the command line that draws it, but for ``--out``."""
    folder = tmp_path_factory.mktemp("figures")
    write, titles = made_up.write_scores, ["--titles", json.dumps(made_up.TITLES)]
    scenes = write(folder / "scenes.csv", made_up.scores_table(scenes=made_up.SCENES[:6:2]))
    few = write(folder / "few.csv", made_up.scores_table(scenes=made_up.SCENES[:2]))
    two = made_up.scores_table("davis", ["bear", "dog"], codecs=["vvc"], kind="segmentation")
    segmented = write(folder / "segmented.csv", two)
    swept_names = [*made_up.SAMPLERS, "uniform-n2", "uniform-n5", "manifold-n2", "manifold-n5"]
    swept = made_up.scores_table(samplers=swept_names, codecs=["vvc"], points=[32])
    sweep = write(folder / "sweep.csv", swept)
    curves = {name: [name, f"{name}-n2", f"{name}-n5"] for name in ("uniform", "manifold")}
    pooled = made_up.scores_table(samplers=swept_names, codecs=["vvc"])
    frontier = made_up.write_table(folder / "frontier.csv", made_up.tidy(pooled, "dataset"))
    names = ["bear", "blackswan"]
    single = made_up.scores_table("davis", names, codecs=["vvc"], kind="")
    sequences = folder / "sequences.csv"
    levels = [made_up.tidy(single, level) for level in ("sequence", "scene", "dataset")]
    made_up.write_table(sequences, pd.concat(levels))
    every = {"codecs": ["vvc", "hevc", "av1", "avc"], "reconstructors": ["flow", "hold"]}
    cells = made_up.scores_table(samplers=["all", "uniform", "manifold"], **every)
    boxes = made_up.tidy(cells, "dataset")
    other = made_up.tidy(cells.assign(task="second", map=cells["map"] * 0.8), "dataset")
    both = pd.concat([boxes, other[other["task"] != ""]])
    compare = made_up.write_table(folder / "compare.csv", both)
    drawn = [name for name in cells["method"].unique() if name != "source"]
    return lambda figure: {
        "fig4": ["--scores", scenes, "--methods", *made_up.SAMPLERS, *titles],
        "fig5": ["--scores", few, "--methods", *(f"{s}_vvc_ai" for s in made_up.SAMPLERS), *titles],
        "fig6": [*_frame_flags(folder, sequences), *titles],
        "fig7": [*_frame_flags(folder, sequences), *titles],
        "fig8": _embedding_flags(folder, names),
        "timeline": _timeline_flags(folder, names),
        "rate_scores": [
            *("--scores", few, segmented, "--methods", *made_up.SAMPLERS[1:], "tracking_vvc_ai"),
            *titles,
        ],
        "accuracy_m": [
            *("--scores", sweep, "--points", "32", "--curves", json.dumps(curves)),
            *("--whole", "all", *titles),
        ],
        "frontier": [
            *("--scores", frontier, "--curves", json.dumps(curves), "--whole", "all", *titles)
        ],
        "rd": ["--scores", sequences],
        "importance": [*_map_flags(folder, sequences), *titles],
        "compare": ["--scores", compare, "--methods", *drawn, *titles],
        "features": _feature_flags(folder),
        "time": _time_flags(folder),
        "training": ["--logs", _log(folder)],
    }[figure]


def _frame_flags(folder: Path, sequences: Path) -> list[Any]:
    random = np.random.default_rng(0)
    frames = [random.integers(0, 255, (*SIZE, 3), dtype=np.uint8) for _ in range(10)]
    boxes = [(4.0, 5.0, 20.0, 30.0), (30.0, 8.0, 25.0, 20.0)]
    truth = [coco(box, place + 1, object_id=place + 1) for place, box in enumerate(boxes)]
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "bicycle"}]
    write_json(
        folder / "truth.json",
        {
            "annotations": truth,
            "categories": categories,
            "images": [{"id": frame} for frame in range(10)],
        },
    )
    found = [coco(box, place + 1, score=0.9) for place, box in enumerate(boxes)]
    runs = [Run("bear"), Run("bear", "37")]
    results = [*found, coco((0, 0, 9, 9), 1, score=0.1)]
    write_runs(folder / "task.json", "detection", "m", [(run, results) for run in runs])
    write_runs(folder / "poor.json", "detection", "m", [(run, found[:1]) for run in runs])
    write_video(folder / "frames.mkv", frames, 10.0)
    decisions = made_up.write_decisions(
        folder, [made_up.decision("bear", name, kept, 10) for name, kept in METHODS.items()]
    )
    video, task, poor = (folder / name for name in ("frames.mkv", "task.json", "poor.json"))
    flags = ["--original", video, "--source-results", task, "--truth", folder / "truth.json"]
    flags += ["--scores", sequences, "--sequence", "bear", "--points", "37"]
    flags += ["--methods", *METHODS, "--recons", video, video, video]
    flags += ["--results", task, task, poor]
    return [*flags, "--decisions", *decisions]


def _map_flags(folder: Path, sequences: Path) -> list[Any]:
    flags = _frame_flags(folder, sequences)
    flags = flags[: flags.index("--methods")]
    video, task, poor = (folder / name for name in ("frames.mkv", "task.json", "poor.json"))
    (folder / "kept").mkdir(exist_ok=True)
    whole = made_up.decision("bear", "all", list(range(10)), 10)
    decisions = made_up.write_decisions(folder / "kept", [whole])
    random = np.random.default_rng(0)
    blocks = random.random((10, 3, 4)).astype(np.float32)
    np.save(folder / "blocks.npy", blocks / blocks.mean((1, 2), keepdims=True))
    np.save(folder / "pixels.npy", random.random(SIZE).astype(np.float32))
    np.save(folder / "qp.npy", (37 + random.integers(-6, 7, blocks.shape)).astype(np.float32))
    flags += ["--methods", "all", "uniform", "--recons", video, video, "--results", poor, task]
    flags += ["--decisions", *decisions, *decisions]
    return [*flags, "--maps", *(folder / f"{name}.npy" for name in ("pixels", "blocks", "qp"))]


def _feature_flags(folder: Path) -> list[Any]:
    """Two sequences at two points: of 1000 bytes, 100 are intra pictures and 60 no sub-stream."""
    table = made_up.scores_table("railway", ["all"], ["all"], ["vvc"], [16, 256], kind="")
    sizes = {"stream_bytes.intra": 100, "stream_bytes.features": 900, "rate_bytes": 1000}
    table = table[table["method"] != "source"].drop(columns=["psnr", "ssim"])
    table = table.assign(**sizes, bpp=0.1, codec="tvfc", method="coded")
    scores = made_up.write_table(folder / "features.csv", made_up.tidy(table, "dataset"))
    random = np.random.default_rng(0)
    maps, bits = [], []
    for point in ("16", "256"):
        before = random.random((4, 12, 20)).astype(np.float16)
        shown = {"channels": np.array([5, 2, 30, 7]), "before": before, "after": before // 2}
        maps.append(folder / f"{point}.maps.npz")
        write_features(maps[-1], [shown])
        for name in "ab":
            (folder / name).mkdir(exist_ok=True)
            bits.append(folder / name / f"{point}.bits.csv")
            columns = "frame,kind,bytes,bytes_mv_z,bytes_mv_y,bytes_z,bytes_y"
            bits[-1].write_text(f"{columns}\n0,I,5,0,0,0,0\n1,P,425,20,100,50,250\n")
    titles = {"tvfc": {"title": "codec of features", "short": "tvfc", "point": "λ"}}
    flags = ["--scores", scores, "--methods", "coded", "--sequence", "a", "--points", "16", "256"]
    return [*flags, "--maps", *maps, "--bits", *bits, "--titles", json.dumps(titles)]


def _embedding_flags(folder: Path, names: list[str]) -> list[Any]:
    paths: dict[str, list[Path]] = {"own": [], "reference": []}
    for place, name in enumerate(names):
        for kind, bursts in (("own", True), ("reference", False)):
            path = folder / f"{kind}_{name}.npy"
            np.save(path, made_up.walk(24, place, bursts))
            paths[kind].append(path)
    flags: list[Any] = ["--embeddings", *paths["reference"], *paths["own"], "--names", *names]
    return [*flags, "--labels", "random initialisation", "this training"]


def _timeline_flags(folder: Path, names: list[str]) -> list[Any]:
    embeddings = _embedding_flags(folder, names)[1 : 1 + len(names)]
    decisions = [
        made_up.decision(name, sampler, [0, *range(place + 1, 23, 4), 23], 24)
        for name in names
        for place, sampler in enumerate(("uniform", "tracking", "manifold"))
    ]
    (folder / "decisions").mkdir(exist_ok=True)
    paths = made_up.write_decisions(folder / "decisions", decisions)
    return ["--decisions", *paths, "--embeddings", *embeddings, "--names", *names]


def _time_flags(folder: Path) -> list[Any]:
    stages = {"encode": ("12.5", "20.1"), "task": ("300.0", "550.0"), "tables": ("0.2", "NA")}
    for stage, (wall, core) in stages.items():
        (folder / stage).mkdir(exist_ok=True)
        text = f"s\th:m:s\tmean_load\tcpu_time\n{wall}\t0:00:00\tNA\t{core}\n"
        for job in range(3):
            (folder / stage / f"{job}.tsv").write_text(text)
    return ["--benchmarks", *(folder / stage for stage in stages), "--names", *stages]


def _log(folder: Path) -> Path:
    steps = np.arange(120)
    log = pd.DataFrame(
        {
            "step": steps,
            "loss": 4 * np.exp(-steps / 40),
            "rotation_loss": np.exp(-steps / 30),
            "positive_similarity": 1 - 0.3 * np.exp(-steps / 20),
            "negative_similarity": 0.9 * np.exp(-steps / 30),
            "rotation_accuracy": 0.25 + 0.5 * (1 - np.exp(-steps / 30)),
            "radius": 0.5 * np.exp(-steps / 90),
            "share_kept": 0.4,
            "lr": 0.03,
        }
    )
    return made_up.write_table(folder / "log.csv", log)
