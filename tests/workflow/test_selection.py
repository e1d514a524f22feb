"""Sequences without an object: out of the scores by themselves, out of the plan on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from running import copy_checkout, jobs, rules, run

from vcmflow.core.scores import read_scores, wide
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
                "methods": ["uniform"],
                "tasks": ["detection"],
                "keep_every": 2,
                "require_objects": True,
            }
        },
    },
    "sample": {
        "samplers": {"grey": {"sampler": "manifold", "embedding": "grey"}},
        "sweep": None,
    },
    "methods": {"grey": {"sampler": "grey", "codec": "vvenc_ra", "reconstructor": "interpolation"}},
    "embed": {"embeddings": {"grey": {"embedder": "grey"}}},
    "encode": {"ladder": [37]},
    "task": {"sequences_per_job": 1},
    "tables": {"anchor": "uniform", "test": "grey", "standard": "uniform"},
    "figures": {"embeddings": ["grey", "random"], "shown_point": 37},
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
    return rules(jobs(folder, *targets, "--configfile", "own.yaml"))


def make(folder: Path, *targets: str) -> None:
    run(folder, "snakemake", "--cores", "2", *targets, "--configfile", "own.yaml")


def test_a_selection_takes_sequences_without_objects_out_of_scores_and_plan(tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path)
    make_videos(folder)
    (folder / "own.yaml").write_text(yaml.safe_dump(SETTINGS), "utf-8")
    table = folder / "results/mini/own/score/scores.csv"

    assert planned(folder, *TARGETS)["encode_vvenc_ra"] == 3
    make(folder, *TARGETS)
    scores = read_scores([table])
    assert set(wide(scores, "scene", "detection")["scene"]) == {"b"}
    pooled = wide(scores, "dataset", "detection")
    assert set(pooled["sequences"]) == {1} and set(pooled["left_out"]) == {2}
    log = (folder / "results/mini/logs/own/score_pool.log").read_text("utf-8")
    assert "2 of 3 sequences have no object and are left out: a, c" in log
    caption = (folder / "results/mini/tables/accuracy.md").read_text("utf-8")
    assert "sequences with objects only" in caption
    listed = pd.read_csv(folder / "results/mini/own/frames/sequences.csv")
    assert dict(zip(listed["id"], listed["objects"], strict=True)) == {"a": 0, "b": 5, "c": 0}
    # Scoring alone changes no plan.
    assert not planned(folder, *TARGETS)

    before = table.read_bytes()
    make(folder, "selection")
    after = set(planned(folder, *TARGETS))
    assert not {"import_sequence", "task", "task_source"} & after
    assert not [rule for rule in after if rule.startswith(("encode", "reconstruct"))]
    make(folder, *TARGETS)
    assert table.read_bytes() == before.replace(b",left_out,2,", b",left_out,0,")
    assert not planned(folder, *TARGETS)

    # From the start: only what has objects is coded, and the table still lists everything.
    again = copy_checkout(tmp_path / "again")
    make_videos(again)
    (again / "own.yaml").write_text(yaml.safe_dump(SETTINGS), "utf-8")
    assert "encode_vvenc_ra" not in planned(again, "selection")
    make(again, "selection")
    found = planned(again, *TARGETS)
    assert found["encode_vvenc_ra"] == 1 and found["task_source"] == 1
    assert "import_sequence" not in found
