"""Damaged files: whatever bytes they hold, reading them ends in data or in one line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_makers import HEIGHT, WIDTH, box, rail_labels
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from vcmflow.core.errors import VcmflowError
from vcmflow.core.pictures import read_labels as read_mask
from vcmflow.core.pictures import read_picture
from vcmflow.core.sequence import read_sequence
from vcmflow.data.catalogue import read_catalogue
from vcmflow.data.coco import read_annotations
from vcmflow.data.objects import without_objects
from vcmflow.data.osdar23 import RULES, camera_frames, read_labels
from vcmflow.plan.estimate import COSTS, read_costs

ROOT = Path(__file__).parents[2]
SEQUENCE = (
    b'{"id": "a-1", "dataset": "d", "scene": "a", "annotations": "boxes", "frames": 9, '
    b'"fps": 25.0, "width": 40, "height": 24, "camera": null}'
)


def rail() -> dict[str, Any]:
    boxes = [box("person", 9, 9, 4, 6, occlusion="0-25 %"), {"kind": "crowd", "poly": [1, 1, 9, 9]}]
    return rail_labels([boxes, boxes])


def coco() -> dict[str, Any]:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    mask[3:9, 5:20] = 1
    code = coco_mask.encode(mask)
    shapes: list[Any] = [
        [[1, 1, 9, 1, 9, 9]],
        {"size": [HEIGHT, WIDTH], "counts": code["counts"].decode()},
        {"size": [HEIGHT, WIDTH], "counts": [100, 20, HEIGHT * WIDTH - 120]},
    ]
    return {
        "images": [{"id": 0, "file_name": "s/000.png", "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": i, "image_id": 0, "category_id": 1, "object_id": i, "segmentation": shape}
            | ({"bbox": [3, 3, 5, 5]} if i else {})
            for i, shape in enumerate(shapes)
        ],
    }


def read_rail(path: Path) -> None:
    camera_frames(path, read_labels(path), "rgb_center", RULES)


def read_coco(path: Path) -> None:
    for rules in (RULES, None):
        labels = read_annotations(path, "s", rules)
        for image in labels.of_pictures("s", ["000.png"]):
            labels.objects(image, (HEIGHT, WIDTH))


def picture(mode: str, form: str) -> bytes:
    image = Image.fromarray((np.arange(HEIGHT * WIDTH) % 3).reshape(HEIGHT, WIDTH).astype(np.uint8))
    file = io.BytesIO()
    image.convert(mode).save(file, form)
    return file.getvalue()


FILES: dict[str, tuple[bytes, Callable[[Path], object]]] = {
    "labels.json": (json.dumps(rail()).encode(), read_rail),
    "coco.json": (json.dumps(coco()).encode(), read_coco),
    "palette.png": (picture("P", "PNG"), read_mask),
    "grey.png": (picture("L", "PNG"), read_mask),
    "frame.jpg": (picture("RGB", "JPEG"), read_picture),
    "sequence.json": (SEQUENCE, read_sequence),
    "selection.csv": (
        b"id,objects,settings\na,0,0123456789abcdef\n",
        lambda p: without_objects(p, {}),
    ),
    "datasets.csv": ((ROOT / "data/datasets.csv").read_bytes()[:2000], read_catalogue),
    "costs.csv": (COSTS.read_bytes()[:2000], read_costs),
}
EDITS = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=0, max_size=3)), max_size=6)


def survives(read: Callable[[Path], object], path: Path) -> None:
    try:
        read(path)
    except VcmflowError as error:
        assert "\n" not in str(error) and path.name in str(error)


@pytest.mark.parametrize("name", FILES)
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=EDITS, cut=st.none() | st.floats(0, 1))
def test_flipped_and_missing_bytes(
    name: str, tmp_path: Path, edits: list[tuple[float, bytes]], cut: float | None
) -> None:
    content, read = FILES[name]
    damaged = bytearray(content)
    for place, replacement in edits:
        start = int(place * len(damaged))
        damaged[start : start + 1] = replacement
    if cut is not None:
        del damaged[int(cut * len(damaged)) :]
    (tmp_path / name).write_bytes(damaged)
    survives(read, tmp_path / name)


SCALARS = st.sampled_from(
    [None, True, -1, 0, 10**30, 2**63, 1e308, float("nan"), float("inf"), "", "x", "\0", "-1", 0.5]
)
VALUES = SCALARS | st.lists(SCALARS, max_size=5) | st.dictionaries(st.text(max_size=3), SCALARS)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in items:
        found.append((value, key))
        if isinstance(inner, (dict, list)):
            found += places(inner)
    return found


@pytest.mark.parametrize(("name", "make"), [("labels.json", rail), ("coco.json", coco)])
@settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_values_of_other_kinds(
    name: str, make: Callable[[], Any], tmp_path: Path, data: st.DataObject
) -> None:
    document = make()
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(document)))
        container[key] = data.draw(VALUES)
    (tmp_path / name).write_text(json.dumps(document), "utf-8")
    survives(FILES[name][1], tmp_path / name)
