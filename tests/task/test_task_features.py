"""Models that go on from features as if they had seen the frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask

from vcmflow.__main__ import stage
from vcmflow.core.detections import to_results
from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import write_features
from vcmflow.core.runs import Run, read_run
from vcmflow.nets.faster_rcnn_mini import SPACE
from vcmflow.nets.transvfc import transfer
from vcmflow.nets.transvfc.fst import FeatureSpaceTransfer
from vcmflow.nets.transvfc.mini import MiniTransVfc
from vcmflow.nets.weights import fixed_weights, load_halves
from vcmflow.nets.yolact import mini as yolact_mini
from vcmflow.nets.yolact.network import Yolact
from vcmflow.task import yolact_mini as segmenter
from vcmflow.task.faster_rcnn_mini import MiniFasterRcnn, build
from vcmflow.task.run import run_model
from vcmrender.api import random_scene, render_scene

MODELS = Path(__file__).parents[2] / "models"
WEIGHTS = MODELS / "faster_rcnn_mini.safetensors"
SEGMENTER = MODELS / "yolact_mini.safetensors"


@pytest.fixture(scope="module")
def detector() -> MiniFasterRcnn:
    return build(WEIGHTS, "cpu")


@pytest.fixture(scope="module")
def frame() -> Any:
    rng = np.random.default_rng(2)
    spec = random_scene(rng, width=322, height=180, frames=1, warped=False)
    return next(iter(render_scene(spec, rng))).picture


def given(frame: Any) -> dict[str, Any]:
    network = MiniTransVfc()
    network.take_detector(WEIGHTS)
    size = np.array(frame.shape[:2], np.int32)
    return {SPACE: network.extract(frame)[0].numpy(), "size": size}


def test_its_own_features_say_what_the_frame_says(
    detector: MiniFasterRcnn, frame: Any, tmp_path: Path
) -> None:
    expected = list(to_results(0, detector.detect([frame])[0]))
    write_features(tmp_path / "f.npz", [given(frame)])
    found = run_model(detector, "frames", tmp_path / "f.npz", 1)
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert one["category_id"] == other["category_id"]
        assert one["score"] == pytest.approx(other["score"], abs=2e-3)
        np.testing.assert_allclose(one["bbox"], other["bbox"], atol=0.1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({SPACE: np.zeros((3, 8, 8), np.float32)}, "frame 0: has no features"),
        ({SPACE: np.zeros((32, 8, 8), np.float32)}, "maps of 8x8 are not those of a frame"),
        ({"size": np.array([10**9, 5])}, "frame 0: has no features"),
        ({"size": np.zeros(0)}, "frame 0: has no features"),
    ],
)
def test_other_features_are_refused(
    detector: MiniFasterRcnn, frame: Any, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(VcmflowError, match=said):
        list(detector.run([given(frame) | changes]))


def test_the_segmenters_own_features_say_what_the_frame_says(frame: Any, tmp_path: Path) -> None:
    network = Yolact(yolact_mini.CONFIG).eval()
    load_halves(SEGMENTER, network, yolact_mini.NAME)
    with torch.inference_mode():
        prepared = network.prepare(torch.from_numpy(frame.copy())[None])
        maps = network.backbone.features(prepared)[0].numpy()  # type: ignore[operator]
    own = {yolact_mini.SPACE: maps, "size": np.array(frame.shape[:2])}
    model = segmenter.build(SEGMENTER, "cpu")
    expected = list(to_results(0, model.detect([frame])[0]))
    write_features(tmp_path / "f.npz", [own])
    found = run_model(model, "frames", tmp_path / "f.npz", 1)
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert one["category_id"] == other["category_id"]
        assert one["score"] == pytest.approx(other["score"], abs=2e-3)
        np.testing.assert_allclose(one["bbox"], other["bbox"], atol=0.1)
    with pytest.raises(VcmflowError, match="frame 0: maps of 8x8 are not those"):
        list(model.run([own | {yolact_mini.SPACE: np.zeros((32, 8, 8), np.float32)}]))


def test_a_transfer_leads_to_the_segmenter(
    frame: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command takes features through it, unless the model cannot go on from its own."""
    network = FeatureSpaceTransfer(32, 32, 4)
    fixed_weights(network)
    notes = {"source": SPACE, "target": yolact_mini.SPACE, "inner": 4}
    transfer.save(tmp_path / "w.safetensors", network, notes)
    write_features(tmp_path / "f.npz", [given(frame)] * 2)

    def words(kind: str, model: str, weights: Path) -> list[str]:
        told = ["--kind", kind, "--model", model, "--weights", str(weights), "--device", "cpu"]
        told += ["--transfer", f"{tmp_path}/w.safetensors", "--videos", f"{tmp_path}/f.npz"]
        return ["task", *told, "--sequence-ids", "s", "--runs-out", f"{tmp_path}/o.json"]

    few = "{model: yolact_mini, score_threshold: 0, detections: 3}"
    assert stage(words("segmentation", few, SEGMENTER)) == 0
    results = read_run(tmp_path / "o.json", Run("s", ""))
    assert {result["image_id"] for result in results} == {0, 1}
    assert all(result["segmentation"]["size"] == list(frame.shape[:2]) for result in results)
    assert stage(words("detection", "faster_rcnn_mini", WEIGHTS)) != 0
    assert "the model goes on from faster_rcnn_mini.res2" in capsys.readouterr().err


def test_the_shipped_transfer_finds_most_of_what_the_segmenter_finds(frame: Any) -> None:
    """From features that were not coded; what it finds lies where the segmenter finds it."""
    shipped = transfer.load(MODELS / "fst_mini.safetensors", "cpu")
    model = segmenter.build(SEGMENTER, "cpu", score_threshold=0.3)
    wanted = to_results(0, model.detect([frame])[0])
    found = list(model.run(shipped.run([given(frame)])))
    overlaps = mask.iou(
        [one["segmentation"] for one in wanted],
        [one["segmentation"] for one in found],
        [0] * len(found),
    )
    assert len(wanted) >= 3
    assert np.mean(np.max(overlaps, axis=1) > 0.5) > 0.5
