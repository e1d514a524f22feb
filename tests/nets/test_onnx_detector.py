"""ONNX detectors: descriptions, decoding, and a trained model on photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
import torchvision
import yaml
from golden import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_onnx import brightness_times

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.task.coco_ids import COCO_IDS
from vcmflow.task.onnx.decode import decode, sigmoid, suppress
from vcmflow.task.onnx.describe import FOLDER, InputSpec, OutputSpec, read_description
from vcmflow.task.onnx.model import parameters
from vcmflow.task.onnx_detector import build, prepare

WHITE = np.full((60, 80, 3), 255, np.uint8)

ROWS: dict[str, Any] = {
    "input": {"height": 64, "width": 32},
    "output": {"decoder": "rows", "objectness": 4, "classes": 5},
    "categories": [1, 3],
    "score_threshold": 0.1,
    "nms_iou": 0.5,
}


def described(path: Path, **changes: dict[str, Any]) -> str:
    """A description of rows, changed part by part, as a file."""
    content = {
        key: {**value, **changes.get(key, {})} if isinstance(value, dict) else value
        for key, value in ROWS.items()
    }
    path.write_text(yaml.safe_dump(content), "utf-8")
    return str(path)


class TestDecoding:
    SIZE = InputSpec(height=64, width=32)

    def test_rows_with_an_object_score(self) -> None:
        spec = OutputSpec("rows", objectness=4, classes=5)
        values = np.array([[[16, 32, 8, 16, 0.5, 0.2, 0.8]]], np.float32)
        found = decode([values], spec, self.SIZE, 2)
        np.testing.assert_allclose(found.boxes, [[12 / 32, 24 / 64, 20 / 32, 40 / 64]])
        np.testing.assert_allclose(found.scores, [0.4])
        assert found.classes.tolist() == [1]

    def test_columns_of_corners_with_logits(self) -> None:
        spec = OutputSpec(
            "rows", layout="columns", form="xyxy", units="relative", activation="sigmoid"
        )
        values = np.array([[0.1, 0.2, 0.3, 0.4, -1.0, 2.0]], np.float32)[..., None]
        found = decode([values], spec, self.SIZE, 2)
        np.testing.assert_allclose(found.boxes, [[0.1, 0.2, 0.3, 0.4]])
        np.testing.assert_allclose(found.scores, [1 / (1 + np.exp(-2.0))], rtol=1e-6)

    def test_lists_leave_background_out(self) -> None:
        spec = OutputSpec("lists", tensors=(0, 1, 2), form="xyxy", first_label=1)
        boxes = np.array([[[0, 0, 32, 64], [1, 1, 2, 2], [1, 1, 2, 2]]], np.float32)
        scores = np.array([[0.9, 0.8, 0.7]], np.float32)
        labels = np.array([[2, 0, 3]], np.int64)
        found = decode([boxes, scores, labels], spec, self.SIZE, 2)
        assert found.classes.tolist() == [1] and found.boxes.tolist() == [[0, 0, 1, 1]]

    def test_a_grid_places_boxes_at_its_cells(self) -> None:
        values = np.zeros((1, 6, 2, 4), np.float32)
        values[0, 4, 1, 2], values[0, 5, 1, 2] = 0.64, 0.81
        spec = OutputSpec("grid", objectness=4, classes=5, objectness_power=0.5, class_power=0.5)
        found = decode([values], spec, self.SIZE, 1)
        best = found.scores.argmax()
        assert found.scores[best] == pytest.approx(0.8 * 0.9)
        np.testing.assert_allclose(found.boxes[best], [0.25, 0.25, 0.75, 0.75])

    @pytest.mark.parametrize(
        ("spec", "shapes"),
        [
            (OutputSpec("rows"), [(1, 5, 5)]),
            (OutputSpec("rows"), [(6,)]),
            (OutputSpec("rows"), [(2, 3, 6)]),
            (OutputSpec("grid"), [(1, 5, 2, 2)]),
            (OutputSpec("lists", tensors=(0, 1, 2)), [(1, 5, 4), (1, 4), (1, 5)]),
            (OutputSpec("lists", tensors=(0, 1, 2)), [(1, 5, 4), (1, 5), (1, 4)]),
        ],
    )
    def test_outputs_of_another_shape(self, spec: OutputSpec, shapes: list[Any]) -> None:
        with pytest.raises(VcmflowError, match="ONNX detector"):
            decode([np.zeros(shape, np.float32) for shape in shapes], spec, self.SIZE, 2)

    def test_the_logistic_function_does_not_overflow(self) -> None:
        with np.errstate(all="raise", under="ignore"):
            values = sigmoid(np.array([-1e4, 0, 1e4], np.float32))
        np.testing.assert_allclose(values, [0, 0.5, 1])

    @given(seed=st.integers(0, 10_000), count=st.integers(0, 30), limit=st.floats(0.1, 0.9))
    @settings(max_examples=40, deadline=None)
    def test_suppression_is_that_of_torchvision(self, seed: int, count: int, limit: float) -> None:
        rng = np.random.default_rng(seed)
        corners = rng.random((count, 2)).astype(np.float32)
        boxes = np.concatenate((corners, corners + rng.random((count, 2)) + 0.1), 1)
        boxes = boxes.astype(np.float32)
        scores = rng.permutation(count).astype(np.float32)
        classes = rng.integers(0, 2, count)
        expected = torchvision.ops.batched_nms(
            *(torch.from_numpy(x) for x in (boxes, scores, classes)), limit
        )
        assert suppress(boxes, scores, classes, limit) == expected.tolist()


class TestPreparing:
    def test_stretched(self) -> None:
        frame = np.zeros((10, 20, 3), np.uint8)
        frame[..., 0] = 200
        values, place = prepare(frame, InputSpec(height=32, width=16, colour="bgr"))
        assert values.shape == (1, 3, 32, 16) and values.dtype == np.float32
        np.testing.assert_allclose(values[0, :, 5, 5], [0, 0, 200 / 255], rtol=1e-6)
        assert place == (0, 0, 1, 1)

    @pytest.mark.parametrize(("anchor", "top"), [("centre", 8), ("corner", 0)])
    def test_letterboxed(self, anchor: str, top: int) -> None:
        frame = np.full((10, 20, 3), 255, np.uint8)
        spec = InputSpec(
            height=32, width=32, resize="letterbox", anchor=anchor, fill=0, type="uint8"
        )
        values, place = prepare(frame, spec)
        rows = np.flatnonzero(values[0, 0, :, 0])
        assert (rows[0], rows[-1]) == (top, top + 15) and values.dtype == np.uint8
        assert place == (0, top / 32, 1, (top + 16) / 32)

    def test_normalised(self) -> None:
        spec = InputSpec(height=8, width=8, divide=1.0, mean=(55, 5, 0), std=(2, 1, 4))
        values, _ = prepare(np.full((4, 4, 3), 255, np.uint8), spec)
        assert values[0, :, 0, 0].tolist() == [100, 250, 63.75]


class TestModels:
    def model(self, path: Path) -> Path:
        rows = np.array(
            [
                [16, 32, 8, 16, 0.9, 0.1, 0.9],
                [16, 33, 8, 16, 0.9, 0.1, 0.8],  # suppressed by the first
                [16, 33, 8, 16, 0.9, 0.7, 0.1],  # of the other class
                [30, 60, 8, 16, 0.9, 0.1, 0.5],  # sticks out
                [90, 90, 8, 16, 0.9, 0.1, 0.9],  # outside altogether
                [10, 10, 8, 16, 0.1, 0.1, 0.9],  # below the threshold
            ],
            np.float32,
        )
        path.write_bytes(brightness_times([rows[None]], 64, 32))
        return path

    def test_from_frame_to_detections(self, tmp_path: Path) -> None:
        description = described(tmp_path / "rows.yaml")
        detector = build(self.model(tmp_path / "m.onnx"), "cpu", description)
        assert detector.parameters == 42
        found, nothing = detector.detect([WHITE, np.zeros_like(WHITE)])
        assert found.categories.tolist() == [3, 1, 3] and found.masks is None
        np.testing.assert_allclose(found.scores, [0.81, 0.63, 0.45], rtol=1e-5)
        np.testing.assert_allclose(found.boxes[0], [30, 22.5, 50, 37.5], rtol=1e-5)
        np.testing.assert_allclose(found.boxes[2], [65, 48.75, 80, 60], rtol=1e-5)
        assert len(nothing) == 0 and nothing.boxes.shape == (0, 4)
        assert detector.detect([]) == []
        strict = build(tmp_path / "m.onnx", "cpu", description, score_threshold=0.6, detections=1)
        assert strict.detect([WHITE])[0].categories.tolist() == [3]
        loose = build(tmp_path / "m.onnx", "cpu", description, nms_iou=1.0)
        assert len(loose.detect([WHITE])[0]) == 4

    def test_classes_of_one_category_suppress_each_other(self, tmp_path: Path) -> None:
        description = tmp_path / "rows.yaml"
        described(description)
        content = yaml.safe_load(description.read_text("utf-8"))
        description.write_text(yaml.safe_dump({**content, "categories": [3, 3]}), "utf-8")
        detector = build(self.model(tmp_path / "m.onnx"), "cpu", str(description))
        (found,) = detector.detect([WHITE])
        assert found.categories.tolist() == [3, 3]
        np.testing.assert_allclose(found.scores, [0.81, 0.45], rtol=1e-5)

    def test_a_letterboxed_frame_gets_its_boxes_back(self, tmp_path: Path) -> None:
        box = np.array([[[16, 32, 32, 24, 1.0, 1.0, 0.0]]], np.float32)
        (tmp_path / "m.onnx").write_bytes(brightness_times([box], 64, 32))
        description = described(tmp_path / "d.yaml", input={"resize": "letterbox"})
        (found,) = build(tmp_path / "m.onnx", "cpu", description).detect([WHITE])
        np.testing.assert_allclose(found.boxes, [[0, 0, 80, 60]], atol=1e-4)

    def test_broken_and_foreign_files(self, tmp_path: Path) -> None:
        whole = self.model(tmp_path / "m.onnx").read_bytes()
        path = tmp_path / "broken.onnx"
        description = described(tmp_path / "rows.yaml")
        for content in (b"", whole[: len(whole) // 2], whole[:-3], b"PK\x03\x04", b"\xff" * 99):
            path.write_bytes(content)
            with pytest.raises(
                VcmflowError, match=r"broken\.onnx: not a whole ONNX model"
            ) as error:
                build(path, "cpu", description)
            assert "\n" not in str(error.value)
        with pytest.raises(VcmflowError, match="no such file"):
            build(tmp_path / "none.onnx", "cpu", description)
        with pytest.raises(VcmflowError, match="needs a weights file"):
            build(None, "cpu", description)

    def test_a_model_that_does_not_match_its_description(self, tmp_path: Path) -> None:
        model = self.model(tmp_path / "m.onnx")
        other = described(tmp_path / "a.yaml", input={"height": 96})
        with pytest.raises(VcmflowError, match="does not take the described input"):
            build(model, "cpu", other).detect([WHITE])
        other = described(tmp_path / "b.yaml", output={"tensors": [3]})
        with pytest.raises(VcmflowError, match="reads output 3, the network has 1"):
            build(model, "cpu", other)
        other = described(tmp_path / "c.yaml", output={"classes": 6})
        with pytest.raises(VcmflowError, match="8 or more channels"):
            build(model, "cpu", other).detect([WHITE])

    def test_only_floats_count_as_parameters(self) -> None:
        model = brightness_times([np.zeros((2, 3), np.float32), np.zeros((4,), np.float32)], 8, 8)
        assert parameters(model) == 10
        with pytest.raises(VcmflowError):
            parameters(b"\xff\xff")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_descriptions_that_come_along_are_whole(path: Path) -> None:
    description = read_description(path.stem)
    assert len(description.categories) >= 1
    assert "licen" in path.read_text("utf-8").lower() or "BSD" in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"input": {"colour": "yuv"}}, r"input\.colour: 'yuv'; allowed: 'rgb' or 'bgr'"),
        ({"input": {"wide": 3}}, r"unknown key input\.wide"),
        ({"input": {"height": 0}}, r"input\.height: 0; allowed: greater than or equal to 1"),
        ({"input": {"height": True}}, "allowed: a valid integer"),
        ({"input": {"width": "9"}}, "allowed: a valid integer"),
        ({"input": {"divide": 0}}, r"divide: 0.*greater than 0"),
        ({"input": {"mean": [1, 2]}}, r"mean\.2 is missing"),
        ({"output": {"decoder": "magic"}}, "allowed: 'grid', 'rows' or 'lists'"),
        ({"output": {"decoder": "lists"}}, "allowed: 3 numbers in tensors"),
        ({"output": {"classes": -1}}, "greater than or equal to 0"),
        ({"output": {"classes": None}}, "allowed: a valid integer"),
    ],
)
def test_wrong_descriptions_are_named(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match=said):
        read_description(described(tmp_path / "wrong.yaml", **change))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("input: 3", "input: 3; allowed: a dictionary"),
        ("[", "not a YAML file"),
        (yaml.safe_dump({**ROWS, "input": 3}), "input: 3; allowed: a dictionary"),
        (yaml.safe_dump({**ROWS, "input": {"height": 3}}), r"input\.width is missing"),
        (yaml.safe_dump({**ROWS, "categories": "all"}), "allowed: coco80, coco91"),
        (yaml.safe_dump({**ROWS, "nms_iou": 3}), "nms_iou: 3; allowed"),
        (yaml.safe_dump({**ROWS, "more": 3}), "unknown key more"),
    ],
)
def test_wrong_files_are_named(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(text, "utf-8")
    with pytest.raises(VcmflowError, match=said):
        read_description(str(tmp_path / "wrong.yaml"))
    with pytest.raises(VcmflowError, match="known: fastestdet"):
        read_description("no_such_thing")


def test_coco_ids() -> None:
    assert len(COCO_IDS) == 80 and COCO_IDS[:3].tolist() == [1, 2, 3] and COCO_IDS[-1] == 90
    assert (np.diff(COCO_IDS) > 0).all()


class TestOnPhotographs:
    @pytest.fixture(autouse=True)
    def _material(self) -> None:
        if not (SHARED / "real" / "models" / "fastestdet.onnx").is_file():
            pytest.skip("../shared/real is not here")

    def frame(self, sequence: str, index: int) -> tuple[Frame, npt.NDArray[np.float64]]:
        """A photograph and the box around its mask."""
        root = SHARED / "real" / "davis2016"
        name = f"480p/{sequence}/{index:05d}"
        frame = cv2.imread(str(root / "JPEGImages" / f"{name}.jpg"))[..., ::-1]
        y, x = np.nonzero(cv2.imread(str(root / "Annotations" / f"{name}.png"), 0))
        return frame, np.array([x.min(), y.min(), x.max() + 1, y.max() + 1], np.float64)

    @pytest.mark.parametrize(
        ("sequence", "index", "categories", "score"),
        [("car-shadow", 6, {3, 6, 8}, 0.8), ("parkour", 6, {1}, 0.85)],
    )
    def test_objects_are_where_their_masks_are(
        self, sequence: str, index: int, categories: set[int], score: float
    ) -> None:
        detector = build(SHARED / "real" / "models" / "fastestdet.onnx", "cpu")
        frame, truth = self.frame(sequence, index)
        (found,) = detector.detect([frame])
        mine = np.isin(found.categories, list(categories)) & (found.scores > score)
        boxes = torch.from_numpy(found.boxes[mine]).double()
        ious = torchvision.ops.box_iou(boxes, torch.from_numpy(truth)[None])
        assert float(ious.max()) > 0.8
