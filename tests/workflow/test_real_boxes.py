"""Accuracy against boxes made by hand falls with QP: photographs, a trained detector, VVenC.

The detector is a small one. It calls the car of car-shadow a truck in 21 of 30 uncompressed frames,
and in 12 once the picture is smoother: its AP for "car" alone is 0.55 uncompressed, 0.62 at QP 22,
0.70 at QP 32 and 0.32 at QP 47 (uniform), which says little of boxes. What the mask shows is one
vehicle, so cars, buses and trucks count as the same here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from running import ROOT, copy_checkout, run_in

from vcmflow.core.bd import NOISE
from vcmflow.core.encoding import Shape
from vcmflow.core.scores import read_scores, wide
from vcmflow.core.video import read_video
from vcmflow.encode.bitstream import VVC, pictures_of
from vcmflow.encode.decode import decode_stream
from vcmflow.task.coco_ids import COCO_IDS
from vcmflow.task.onnx.describe import FOLDER

pytestmark = pytest.mark.workflow

REAL = ROOT.parent / "shared" / "real"
DAVIS = REAL / "davis2016"
WEIGHTS = REAL / "models" / "fastestdet.onnx"

# What the mask of each sequence shows, by COCO's ids.
PERSON, CAR, BUS, TRUCK = 1, 3, 6, 8
OBJECTS = {"car-shadow": CAR, "parkour": PERSON}
METHODS = ["manifold", "uniform"]
FRAMES = 30
KEPT = FRAMES // 3 + 1
POINTS = [22, 32, 47]
WIDTH, HEIGHT = 854, 480
TABLES = ["table3", "table5", "accuracy", "sanity"]
FIGURES = ["fig4", "fig6", "fig8", "rd_own", "rate_scores_own", "timeline_own"]


def boxes_of_masks() -> dict[str, Any]:
    """COCO annotations: in each frame the box around its mask."""
    coco: dict[str, list[dict[str, Any]]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": PERSON, "name": "person"}, {"id": CAR, "name": "car"}],
    }
    for name, category in OBJECTS.items():
        for path in sorted((DAVIS / "Annotations" / "480p" / name).glob("*.png")):
            mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            assert mask is not None and mask.shape == (HEIGHT, WIDTH)
            x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
            assert width and height, "the object is in every frame"
            image = len(coco["images"]) + 1
            coco["images"].append(
                {
                    "id": image,
                    "file_name": f"{name}/{path.stem}.jpg",
                    "width": WIDTH,
                    "height": HEIGHT,
                }
            )
            coco["annotations"].append(
                {
                    "id": image,
                    "image_id": image,
                    "category_id": category,
                    "bbox": [x, y, width, height],
                    "area": int((mask > 0).sum()),
                    "iscrowd": 0,
                    "object_id": 1,
                }
            )
    return coco


def describe_detector(path: Path) -> None:
    """Write the description that comes with vcmflow, with one category for all vehicles."""
    content = yaml.safe_load((FOLDER / "fastestdet.yaml").read_text("utf-8"))
    content["categories"] = [CAR if key in (BUS, TRUCK) else key for key in COCO_IDS.tolist()]
    path.write_text(yaml.safe_dump(content), "utf-8")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the workflow on both sequences, reconstructed videos included."""
    for path in (DAVIS, WEIGHTS):
        if not path.exists():
            pytest.skip(f"needs ../shared/real/{path.relative_to(REAL)}, which is not here")
    folder = copy_checkout(tmp_path_factory.mktemp("boxes") / "checkout")
    (folder / "boxes.json").write_text(json.dumps(boxes_of_masks()), "utf-8")
    describe_detector(folder / "vehicles.yaml")
    configuration = {
        "data": {
            "use": ["own"],
            "datasets": {
                "own": {
                    "title": "two sequences of DAVIS 2016",
                    "source": "local",
                    "loader": "folder",
                    "path": str(DAVIS / "JPEGImages" / "480p"),
                    "annotations": "boxes.json",
                    "methods": METHODS,
                    "tasks": ["detection"],
                    "synthetic": False,
                    "sequences": list(OBJECTS),
                    "frames": FRAMES,
                    "fps": 24,
                    "keep_every": 3,
                }
            },
        },
        # The learned embedding, hardly trained.
        "train": {
            "rendered": 8,
            "rendered_frames": 6,
            "trainings": {
                "embedding": {"steps": 5, "pairs": 4, "negatives": 8, "negative_videos": 2}
            },
        },
        "sample": {"sweep": None},
        "encode": {"ladder": POINTS},
        "task": {
            "tasks": {
                "detection": {
                    "model": "onnx",
                    "weights": str(WEIGHTS),
                    "description": "vehicles.yaml",
                }
            }
        },
        "embed": {"embeddings": {"grey": {"embedder": "grey"}}},
        "figures": {"shown_point": 32, "embeddings": ["grey", "learned"]},
        "tables": {"standard": "uniform", "min_map": None, "min_jaccard": None},
    }
    (folder / "own.yaml").write_text(yaml.safe_dump(configuration), "utf-8")
    targets = [f"results/mini/tables/{name}.csv" for name in TABLES]
    targets += [f"results/mini/figures/{name}.png" for name in FIGURES]
    done = run_in(
        folder, "snakemake", "--cores", "2", "--notemp", *targets, "--configfile", "own.yaml"
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return folder / "results" / "mini"


def test_accuracy_falls_with_qp(results: Path) -> None:
    scores = read_scores([results / "own" / "score" / "scores.csv"])
    assert set(scores["status"]) <= {"", "undefined"}, "against boxes made by hand"
    table = wide(scores, "scene", "detection")
    assert set(table["scene"]) == set(OBJECTS)
    source = table[table["method"] == "source"].set_index("scene")["map"]
    curves = table[table["method"] != "source"].groupby(["scene", "method"])
    assert len(curves) == len(OBJECTS) * len(METHODS)
    for (scene, method), curve in curves:
        ordered = curve.sort_values("point", key=lambda points: points.astype(float))
        assert list(ordered["point"]) == [str(point) for point in POINTS]
        for column in ("map", "rate_bytes", "psnr", "psnr_kept", "ssim"):
            values = ordered[column].to_numpy()
            # Accuracies within a point of each other are noise at the upper end of a curve: BD's
            # status "saturated".
            allowed = NOISE if (column, method) == ("map", "manifold") else 0
            falls = (np.diff(values) < allowed).all() and values[-1] < values[0]
            assert falls, f"{scene}, {method}: {column}: {ordered[column].tolist()}"
        assert ordered["map"].iloc[0] > 0.8 * source[scene] > 0.4


def test_every_frame_arrives_in_its_size(results: Path) -> None:
    for name in OBJECTS:
        for method in METHODS:
            chain = f"{name}/{method}/vvenc_ra"
            decision = json.loads((results / f"own/sample/{name}/{method}.json").read_text())
            assert (decision["n"], decision["m"]) == (FRAMES, KEPT)
            fidelity = pd.read_csv(results / f"own/fidelity/{chain}/interpolation.csv")
            for point in POINTS:
                of_point = fidelity[fidelity["point"] == point]
                assert list(of_point["frame"]) == list(range(FRAMES))
                assert list(of_point[of_point["kept"] == 1]["frame"]) == decision["frames"]
                stream = results / f"own/encode/{chain}/{point}.266"
                assert len(pictures_of(stream, VVC)) == KEPT
            # The decoder stops at the first error in a stream.
            decoded = list(decode_stream(stream, VVC, Shape(WIDTH, HEIGHT, KEPT, 10.0)))
            video = results / f"own/reconstruct/{chain}/interpolation/{point}.mkv"
            frames = list(read_video(video))
            assert {frame.shape for frame in frames} == {(HEIGHT, WIDTH, 3)}
            assert len(frames) == FRAMES
            for kept, index in zip(decoded, decision["frames"], strict=True):
                np.testing.assert_array_equal(frames[index], kept)


def test_tables_and_figures_are_there_and_no_job_complained(results: Path) -> None:
    for name in TABLES:
        for suffix in ("csv", "md", "tex"):
            assert (results / "tables" / f"{name}.{suffix}").stat().st_size > 100
    for name in FIGURES:
        assert (results / "figures" / f"{name}.png").stat().st_size > 5_000
        assert (results / "figures" / f"{name}.pdf").stat().st_size > 2_000
    checks = pd.read_csv(results / "tables" / "sanity.csv")
    assert set(checks["status"]) <= {"pass", "not run"} and "pass" in set(checks["status"])
    logs = list((results / "logs").rglob("*.log"))
    assert len(logs) > 20
    for log in logs:
        said = log.read_text("utf-8").lower()
        assert not any(word in said for word in ("error", "warning", "traceback")), said
