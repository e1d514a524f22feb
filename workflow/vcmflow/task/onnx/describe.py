"""The YAML description of an ONNX detector: what goes in, and how to read what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from vcmflow.core.errors import VcmflowError
from vcmflow.task.coco_ids import COCO_IDS

FOLDER = Path(__file__).parent
CONFIG = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

# Strict: "3" and true are no numbers here.
Side = Annotated[int, Field(ge=1, strict=True)]
Channel = Annotated[int, Field(ge=0, strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(ge=0, le=1)]


def _categories(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value
    if value == "coco80":
        return COCO_IDS
    if value == "coco91":
        return np.arange(1, 91, dtype=np.int64)
    if isinstance(value, list) and value and all(type(item) is int for item in value):
        return np.array(value, np.int64)
    raise ValueError("coco80, coco91 or a list of category ids")


@dataclass(frozen=True, config=CONFIG)
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

    height: Side
    width: Side
    colour: Literal["rgb", "bgr"] = "rgb"
    resize: Literal["stretch", "letterbox"] = "stretch"
    anchor: Literal["centre", "corner"] = "centre"
    fill: Annotated[int, Field(ge=0, le=255, strict=True)] = 114
    divide: Positive = 255.0
    mean: tuple[Number, Number, Number] = (0.0, 0.0, 0.0)
    std: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    type: Literal["float32", "uint8"] = "float32"


@dataclass(frozen=True, config=CONFIG)
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

    decoder: Literal["grid", "rows", "lists"]
    tensors: tuple[Channel, ...] = (0,)
    objectness: Channel | None = None
    box: Channel = 0
    classes: Channel = 4
    activation: Literal["none", "sigmoid"] = "none"
    centre: Literal["tanh", "sigmoid", "none"] = "tanh"
    size: Literal["sigmoid", "exp", "none"] = "sigmoid"
    objectness_power: Number = 1.0
    class_power: Number = 1.0
    layout: Literal["rows", "columns"] = "rows"
    form: Literal["cxcywh", "xyxy"] = "cxcywh"
    units: Literal["pixels", "relative"] = "pixels"
    first_label: Channel = 0

    def __post_init__(self) -> None:
        needed = 3 if self.decoder == "lists" else 1
        if len(self.tensors) != needed:
            raise ValueError(f"{needed} numbers in tensors with decoder {self.decoder}")


@dataclass(frozen=True, config=CONFIG)
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
    categories: Annotated[npt.NDArray[np.int64], BeforeValidator(_categories)]
    score_threshold: Share
    nms_iou: Share


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
    except (ValueError, RecursionError, yaml.YAMLError):
        raise VcmflowError(f"{path}: not a YAML file") from None
    try:
        return TypeAdapter(Description).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        raise VcmflowError(f"{path.name}: {key} is missing")
    if first["type"] == "unexpected_keyword_argument":
        raise VcmflowError(f"{path.name}: unknown key {key}")
    said = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    raise VcmflowError(f"{path.name}: {key}: {first['input']!r}; allowed: {said}")
