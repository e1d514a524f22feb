"""A detector that goes on from features as if it had seen the frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vcmflow.core.detections import to_results
from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import write_features
from vcmflow.nets.faster_rcnn_mini import SPACE
from vcmflow.nets.transvfc.mini import MiniTransVfc
from vcmflow.task.faster_rcnn_mini import MiniFasterRcnn, build
from vcmflow.task.run import run_model
from vcmrender.api import random_scene, render_scene

WEIGHTS = Path(__file__).parents[2] / "models" / "faster_rcnn_mini.safetensors"


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
