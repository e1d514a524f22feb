"""The YAML description of an ONNX detector: what goes in, and how to read what comes out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import yaml

from vcmflow.core.errors import VcmflowError
from vcmflow.task.coco_ids import COCO_IDS

FOLDER = Path(__file__).parent
Part = TypeVar("Part")


@dataclass(frozen=True)
class InputSpec:
    """How a frame becomes the network's input, (1, 3, height, width).

    Attributes:
        height, width: pixels.
        colour: "rgb" or "bgr".
        resize: "stretch" to the size, or "letterbox": keep the aspect and pad with ``fill``.
        anchor: where a letterboxed picture lies: "centre" or "corner" (top left).
        fill: grey level of the padding.
        divide: values are divided by this, ...
        mean, std: ... then normalised per channel, in the order of ``colour``.
        type: "float32" or "uint8".
    """

    height: int
    width: int
    colour: str = "rgb"
    resize: str = "stretch"
    anchor: str = "centre"
    fill: int = 114
    divide: float = 255.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    type: str = "float32"


@dataclass(frozen=True)
class OutputSpec:
    """How detections are read from the network's outputs.

    Attributes:
        decoder: "grid" (a map with one box per cell), "rows" (a list with one box per row), or
            "lists" (boxes, scores and labels ready made).
        tensors: which outputs, by their number: one for "grid" and "rows", three for "lists".
        objectness: channel of the object score; null if there is none.
        box: first of the four channels of the box.
        classes: first channel of the class scores.
        activation: "none" or "sigmoid", applied to object and class scores.
        centre, size: of a "grid": what is applied to the box's channels.
        objectness_power, class_power: score = objectness^a * class score^b.
        layout: of "rows": "rows" is (n, channels), "columns" is (channels, n).
        form: of "rows" and "lists": "cxcywh" or "xyxy".
        units: of "rows" and "lists": "pixels" of the input, or "relative" to it.
        first_label: of "lists": the label of the first category.
    """

    decoder: str
    tensors: tuple[int, ...] = (0,)
    objectness: int | None = None
    box: int = 0
    classes: int = 4
    activation: str = "none"
    centre: str = "tanh"
    size: str = "sigmoid"
    objectness_power: float = 1.0
    class_power: float = 1.0
    layout: str = "rows"
    form: str = "cxcywh"
    units: str = "pixels"
    first_label: int = 0


@dataclass(frozen=True)
class Description:
    """An ONNX detector.

    Attributes:
        input, output: see there.
        categories: COCO category id of each class of the network; classes may share one.
        score_threshold: detections not above this score are dropped.
        nms_iou: a box that overlaps a better one of its category by more than this is dropped.
    """

    input: InputSpec
    output: OutputSpec
    categories: npt.NDArray[np.int64]
    score_threshold: float
    nms_iou: float


CHOICES: dict[str, tuple[str, ...]] = {
    "colour": ("rgb", "bgr"),
    "resize": ("stretch", "letterbox"),
    "anchor": ("centre", "corner"),
    "type": ("float32", "uint8"),
    "decoder": ("grid", "rows", "lists"),
    "activation": ("none", "sigmoid"),
    "centre": ("tanh", "sigmoid", "none"),
    "size": ("sigmoid", "exp", "none"),
    "layout": ("rows", "columns"),
    "form": ("cxcywh", "xyxy"),
    "units": ("pixels", "relative"),
}
KEYS = ("input", "output", "categories", "score_threshold", "nms_iou")


def read_description(name: str) -> Description:
    """Read a description by its name in this folder, or from the path of a YAML file.

    Raises:
        VcmflowError: no such description, or a key or value that is not allowed.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    path = FOLDER / f"{name}.yaml" if name in known else Path(name)
    try:
        value = yaml.safe_load(path.read_text("utf-8"))
    except OSError:
        raise VcmflowError(
            f"{name}: no such description of an ONNX detector; known: {', '.join(known)}, or the "
            "path of a YAML file"
        ) from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise VcmflowError(f"{path}: not a YAML file") from None
    where = path.name
    if not isinstance(value, dict) or set(value) != set(KEYS):
        raise VcmflowError(f"{where}: must have exactly the keys {', '.join(KEYS)}")
    thresholds = []
    for key in ("score_threshold", "nms_iou"):
        number = value[key]
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= 1:
            raise VcmflowError(f"{where}: {key}: {number}; allowed: 0..1")
        thresholds.append(float(number))
    return Description(
        _part(InputSpec, value["input"], f"{where}: input"),
        _output(value["output"], f"{where}: output"),
        _categories(value["categories"], where),
        *thresholds,
    )


def _output(value: Any, where: str) -> OutputSpec:
    output = _part(OutputSpec, value, where)
    needed = 3 if output.decoder == "lists" else 1
    if len(output.tensors) != needed:
        raise VcmflowError(f"{where}.tensors: decoder {output.decoder} reads {needed} outputs")
    return output


def _categories(value: Any, where: str) -> npt.NDArray[np.int64]:
    if value == "coco80":
        return COCO_IDS
    if value == "coco91":
        return np.arange(1, 91, dtype=np.int64)
    if isinstance(value, list) and value and all(type(item) is int for item in value):
        return np.array(value, np.int64)
    raise VcmflowError(
        f"{where}: categories: {value!r}; allowed: coco80, coco91 or a list of category ids"
    )


def _part(kind: type[Part], value: Any, where: str) -> Part:
    """Fill a dataclass from a mapping, checking every key and value."""
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if not isinstance(value, Mapping):
        raise VcmflowError(f"{where}: must be a mapping")
    for key in value:
        if key not in fields:
            raise VcmflowError(f"{where}: unknown key {key!r}; allowed: {', '.join(fields)}")
    for key, field in fields.items():
        if key not in value and field.default is dataclasses.MISSING:
            raise VcmflowError(f"{where}: {key} is missing")
    return kind(**{key: _value(fields[key].type, key, item, where) for key, item in value.items()})


def _value(kind: Any, key: str, value: Any, where: str) -> Any:
    """Check one value against the annotation of its field."""
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise VcmflowError(f"{where}.{key}: {value!r}; allowed: {', '.join(CHOICES[key])}")
        return value
    if value is None and "None" in kind:
        return None
    numbers = value if "tuple" in kind else [value]
    whole = "float" not in kind
    if not isinstance(numbers, list) or not all(
        isinstance(number, int if whole else (int, float)) and not isinstance(number, bool)
        for number in numbers
    ):
        raise VcmflowError(f"{where}.{key}: {value!r}; allowed: {kind.replace('tuple', 'list')}")
    if kind == "tuple[float, float, float]" and len(numbers) != 3:
        raise VcmflowError(f"{where}.{key}: {value!r}; allowed: three numbers")
    low = 1 if key in ("height", "width") else 0
    if whole and min(numbers) < low:
        raise VcmflowError(f"{where}.{key}: {value!r}; allowed: integers from {low}")
    if key in ("divide", "std") and min(numbers) <= 0:
        raise VcmflowError(f"{where}.{key}: {value!r}; allowed: numbers above 0")
    return tuple(numbers) if "tuple" in kind else value
