"""Real pictures, and files with awkward names, through the whole workflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from running import ROOT, copy_checkout, run_in

from vcmflow.core.scores import read_scores, wide
from vcmflow.core.video import write_video

pytestmark = pytest.mark.workflow

REAL = ROOT.parent / "shared" / "real"
# Cheap, and without training: the embedding is the frames' own grey pixels.
CHEAP: dict[str, Any] = {
    "sample": {
        "samplers": {"grey": {"sampler": "manifold", "embedding": "grey"}},
        "sweep": None,
    },
    "methods": {"grey": {"sampler": "grey", "codec": "vvenc_ra", "reconstructor": "interpolation"}},
    "embed": {"embeddings": {"grey": {"embedder": "grey"}}},
    "tables": {"anchor": "uniform", "test": "grey", "standard": "uniform"},
    "figures": {"embeddings": ["grey", "random"]},
}


def run_on(
    folder: Path, settings: Mapping[str, Any], *targets: str
) -> dict[str, dict[str, dict[str, Any]]]:
    """Run the workflow on some datasets; dataset -> sequence id -> its sequence.json."""
    configuration = folder / "own.yaml"
    configuration.write_text(yaml.safe_dump({**CHEAP, **settings}, allow_unicode=True), "utf-8")
    done = run_in(folder, "snakemake", "--cores", "2", *targets, "--configfile", str(configuration))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted((folder / "results" / "mini").glob("*/frames/*/sequence.json")):
        dataset = found.setdefault(path.parents[2].name, {})
        dataset[path.parent.name] = json.loads(path.read_text("utf-8"))
    return found


def scores(folder: Path, dataset: str, task: str) -> pd.DataFrame:
    """One row per scene, method and point, uncompressed frames included."""
    return wide(read_scores([folder / f"results/mini/{dataset}/score/scores.csv"]), "scene", task)


@pytest.mark.skipif(
    not (REAL / "davis2016").is_dir(), reason="needs ../shared/real/davis2016, which is not here"
)
def test_real_sequences_reach_their_rate_accuracy_figures_by_both_loaders(tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path / "checkout")
    common = {"source": "local", "synthetic": False, "keep_every": 3, "frames": 9}
    common |= {"methods": ["uniform", "grey"]}
    davis = {"loader": "davis", "path": str(REAL / "davis2016"), "year": 2016}
    own = {"loader": "folder", "path": str(REAL / "davis2016/JPEGImages/480p"), "fps": 24}
    names = ["car-shadow", "parkour"]
    found = run_on(
        folder,
        {
            "data": {
                "use": ["masks", "own"],
                "datasets": {
                    "masks": common
                    | davis
                    | {"tasks": ["segmentation"], "sequences": names, "height": 160},
                    "own": common
                    | own
                    | {"tasks": ["detection"], "sequences": names, "height": 240},
                },
            },
            "encode": {"ladder": [27, 37, 47]},
            "task": {
                "tasks": {
                    "detection": {
                        "model": "onnx",
                        "weights": str(REAL / "models" / "fastestdet.onnx"),
                        "description": "fastestdet",
                    }
                }
            },
        },
        "results/mini/figures/rate_scores_masks.png",
        "results/mini/figures/rate_scores_own.png",
        "results/mini/figures/fig4.png",
        "results/mini/tables/accuracy.md",
        "results/mini/own/frames/sequences.csv",
    )

    for dataset, wanted in (("masks", "masks"), ("own", "none")):
        there = {name: info["annotations"] for name, info in found[dataset].items()}
        assert there == dict.fromkeys(names, wanted)
    for figure in ("rate_scores_masks", "rate_scores_own", "fig4"):
        assert (folder / f"results/mini/figures/{figure}.png").stat().st_size > 5_000
    for dataset, task, accuracy in (
        ("masks", "segmentation", "jaccard"),
        ("own", "detection", "map"),
    ):
        table = scores(folder, dataset, task)
        coded = table[table["method"] != "source"]
        assert set(coded["method"]) == {"uniform", "grey"}
        assert coded[accuracy].between(0, 1).all() and coded[accuracy].max() > 0.1
        # The methods keep different frames, so their curves may not coincide.
        assert (coded.groupby(["scene", "point"])["rate_bytes"].nunique() == 2).all()
        for _, curve in coded.groupby(["scene", "method"]):
            ordered = curve.sort_values("point")
            assert list(ordered["point"]) == ["27", "37", "47"]
            assert ordered["rate_bytes"].is_monotonic_decreasing
            assert ordered["psnr"].is_monotonic_decreasing
            assert (ordered["m"] < ordered["n"]).all()
    # Pseudo ground truth is what the detector itself finds without compression.
    source = scores(folder, "own", "detection").query("method == 'source'")
    assert source["map"].max() > 0.99 and set(source["status"]) == {"pseudo"}
    assert "pseudo" in (folder / "results/mini/tables/accuracy.md").read_text("utf-8")


def test_names_with_special_characters_go_through_the_whole_workflow(tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path / "check out")
    videos = folder / "my 'own' vidéos"
    names = ["-lead a", 'it\'s "so"', "$HOME;&Zug–日本"]
    y, x = np.mgrid[0:64, 0:96]
    for seed, name in enumerate(names):
        frames = [
            np.stack([(x * 2 + 9 * t) % 256, (y * 3 + seed * 30) % 256, (x + y) % 256], axis=2)
            for t in range(5)
        ]
        write_video(videos / f"{name}.mkv", [frame.astype(np.uint8) for frame in frames], 10)
    found = run_on(
        folder,
        {
            "data": {
                "use": ["own"],
                "datasets": {
                    "own": {
                        "title": "own 'videos' – \"quoted\"",
                        "source": "local",
                        "loader": "folder",
                        "path": videos.name,
                        "tasks": ["detection"],
                        "synthetic": False,
                        "keep_every": 2,
                        "methods": ["uniform", "grey"],
                        "sequences": "auto",
                    }
                },
            },
            "encode": {"ladder": [32, 37]},
        },
    )
    table = pd.read_csv(folder / "results/mini/own/frames/sequences.csv")
    assert len(found["own"]) == len(table) == len(names)
    assert set(table["id"]) == set(found["own"])
    assert (table["frames"] == 5).all() and (table["annotations"] == "none").all()
    scored = wide(read_scores([folder / "results/mini/own/score/scores.csv"]), "sequence")
    assert set(scored["sequence"]) == set(found["own"])
    assert (folder / "results/mini/figures/rate_scores_own.png").stat().st_size > 5_000
