"""Sequences without an object: out of the scores by themselves, out of the plan on request."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from running import copy_checkout, run_in

from vcmflow.core.video import write_video

pytestmark = pytest.mark.workflow

SETTINGS: dict[str, Any] = {
    "data": {
        "use": ["own"],
        "datasets": {
            "own": {
                "source": "local",
                "loader": "folder",
                "path": "videos",
                "annotations": "labels",
                "task": "detection",
                "keep_every": 2,
                "modes": ["ra"],
                "require_objects": True,
            }
        },
    },
    "sample": {
        "use": ["uniform"],
        "samplers": {"grey": {"method": "manifold", "embedding": "grey"}},
        "sweep": None,
    },
    "embed": {"embeddings": {"grey": {"embedder": "grey"}}},
    "encode": {"qps": [37]},
    "task": {"sequences_per_job": 1},
    "tables": {"anchor": "uniform", "test": "grey", "standard": "uniform"},
    "figures": {"embeddings": ["grey", "random"], "shown_qp": 37},
}
TARGETS = ("results/mini/tables/accuracy.md", "results/mini/own/frames/sequences.csv")


def make_videos(folder: Path) -> None:
    """Three videos: ``a`` with nothing, ``b`` with a person, ``c`` with a crowd only."""
    y, x = np.mgrid[0:64, 0:96]
    for name in "abc":
        frames = [np.stack([(x * 2 + 9 * t) % 256, y * 3, (x + y) % 256], axis=2) for t in range(5)]
        write_video(folder / f"videos/{name}.mkv", [f.astype(np.uint8) for f in frames], 10)
        labelled = {"category_id": 1, "bbox": [9, 9, 20, 40], "iscrowd": int(name == "c")}
        content = {
            "images": [
                {"id": t, "file_name": f"{name}.mkv#{t}", "width": 96, "height": 64}
                for t in range(5)
            ],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": []
            if name == "a"
            else [{"id": t + 1, "image_id": t} | labelled for t in range(5)],
        }
        (folder / "labels").mkdir(exist_ok=True)
        (folder / f"labels/{name}.json").write_text(json.dumps(content), "utf-8")


def planned(folder: Path, *targets: str) -> dict[str, int]:
    done = run_in(folder, "snakemake", "-n", *targets, "--configfile", "own.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)}


def run(folder: Path, *targets: str) -> None:
    done = run_in(folder, "snakemake", "--cores", "2", *targets, "--configfile", "own.yaml")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]


def test_a_selection_takes_sequences_without_objects_out_of_scores_and_plan(tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path)
    make_videos(folder)
    (folder / "own.yaml").write_text(yaml.safe_dump(SETTINGS), "utf-8")

    assert planned(folder, *TARGETS)["encode"] == 3
    run(folder, *TARGETS)
    scenes = pd.read_csv(folder / "results/mini/own/score/scenes.csv")
    assert set(scenes["scene"]) == {"b"}
    pooled = pd.read_csv(folder / "results/mini/own/score/dataset.csv")
    assert set(pooled["sequences"]) == {1} and set(pooled["left_out"]) == {2}
    log = (folder / "results/mini/logs/own/score_pool.log").read_text("utf-8")
    assert "2 of 3 sequences have no object and are left out: a, c" in log
    caption = (folder / "results/mini/tables/accuracy.md").read_text("utf-8")
    assert "sequences with objects only" in caption
    table = pd.read_csv(folder / "results/mini/own/frames/sequences.csv")
    assert dict(zip(table["id"], table["objects"], strict=True)) == {"a": 0, "b": 5, "c": 0}
    # Scoring alone changes no plan.
    assert not planned(folder, *TARGETS)

    before = (folder / "results/mini/own/score/scenes.csv").read_bytes()
    run(folder, "selection")
    after = planned(folder, *TARGETS)
    assert not {"import_sequence", "encode", "reconstruct", "task", "task_source"} & set(after)
    run(folder, *TARGETS)
    changed = (folder / "results/mini/own/score/scenes.csv").read_bytes()
    assert changed == before.replace(b",2\n", b",0\n")
    assert not planned(folder, *TARGETS)

    # From the start: only what has objects is coded, and the table still lists everything.
    again = copy_checkout(tmp_path / "again")
    make_videos(again)
    (again / "own.yaml").write_text(yaml.safe_dump(SETTINGS), "utf-8")
    assert "encode" not in planned(again, "selection")
    run(again, "selection")
    jobs = planned(again, *TARGETS)
    assert jobs["encode"] == 1 and jobs["task_source"] == 1 and "import_sequence" not in jobs
