"""Boxes, scores and classes from the outputs of ONNX detectors; NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.task.onnx.describe import InputSpec, OutputSpec

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Candidates:
    """What a network proposes for one picture, in no order.

    Attributes:
        boxes: (n, 4) x0, y0, x1, y1 relative to the network's input.
        scores: (n,).
        classes: (n,) from 0.
    """

    boxes: Array
    scores: Array
    classes: npt.NDArray[np.int64]


def sigmoid(x: Array) -> Array:
    """Logistic function, without overflow."""
    result: Array = np.exp(-np.logaddexp(np.float32(0), -x))
    return result


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "none": lambda x: x,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "exp": np.exp,
}


def decode(outputs: Sequence[Array], spec: OutputSpec, size: InputSpec, classes: int) -> Candidates:
    """Read the outputs of a network for one picture.

    Args:
        outputs: those that ``spec.tensors`` names, with or without a leading axis of length 1.
        spec: how to read them.
        size: of the network's input.
        classes: how many there are.

    Raises:
        VcmflowError: the outputs have other shapes than the description says.
    """
    decoders = {"grid": _grid, "rows": _rows, "lists": _lists}
    axes = {"grid": (3,), "rows": (2,), "lists": (2, 1, 1)}[spec.decoder]
    pictures = [_one(output, count) for output, count in zip(outputs, axes, strict=True)]
    return decoders[spec.decoder](pictures, spec, size, classes)


def _one(output: Array, axes: int) -> Array:
    """Take an output's leading axis off, if it has one."""
    if output.ndim == axes + 1 and len(output) == 1:
        output = output[0]
    if output.ndim != axes:
        raise VcmflowError(
            f"ONNX detector: an output of shape {output.shape}, where the description expects "
            f"{axes} axes, or one more of length 1"
        )
    return output


def _class_scores(
    values: Array, spec: OutputSpec, classes: int
) -> tuple[Array, npt.NDArray[np.int64]]:
    """(channels, n) -> score and class of each of n boxes."""
    activate = ACTIVATIONS[spec.activation]
    kinds = activate(values[spec.classes : spec.classes + classes])
    best = kinds.argmax(axis=0).astype(np.int64)
    score: Array = kinds[best, np.arange(kinds.shape[1])] ** spec.class_power
    if spec.objectness is not None:
        score = score * activate(values[spec.objectness]) ** spec.objectness_power
    return score, best


def _need(shape: tuple[int, ...], channels: int, axis: int) -> None:
    if shape[axis] < channels:
        raise VcmflowError(
            f"ONNX detector: an output of shape {shape}, where the description expects {channels} "
            f"or more channels on axis {axis}"
        )


def _grid(outputs: list[Array], spec: OutputSpec, _: InputSpec, classes: int) -> Candidates:
    (values,) = outputs
    _need(values.shape, max(spec.classes + classes, spec.box + 4), 0)
    _, rows, columns = values.shape
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    values = values.reshape(values.shape[0], -1)
    b = values[spec.box : spec.box + 4]
    centre, side = ACTIVATIONS[spec.centre], ACTIVATIONS[spec.size]
    cx = (centre(b[0]) + x.ravel()) / columns
    cy = (centre(b[1]) + y.ravel()) / rows
    w, h = side(b[2]), side(b[3])
    score, kind = _class_scores(values, spec, classes)
    return Candidates(_corners(np.stack((cx, cy, w, h), axis=1)), score, kind)


def _rows(outputs: list[Array], spec: OutputSpec, size: InputSpec, classes: int) -> Candidates:
    (values,) = outputs
    axis = 1 if spec.layout == "rows" else 0
    _need(values.shape, max(spec.classes + classes, spec.box + 4), axis)
    if axis == 1:
        values = values.T
    boxes = _relative(values[spec.box : spec.box + 4].T, spec, size)
    score, kind = _class_scores(values, spec, classes)
    return Candidates(boxes, score, kind)


def _lists(outputs: list[Array], spec: OutputSpec, size: InputSpec, classes: int) -> Candidates:
    boxes, scores, labels = outputs
    if boxes.shape[1] != 4 or len({len(boxes), len(scores), len(labels)}) != 1:
        raise VcmflowError(
            f"ONNX detector: boxes {boxes.shape}, scores {scores.shape} and labels {labels.shape} "
            "do not belong together"
        )
    kind = labels.astype(np.int64) - spec.first_label
    real = (kind >= 0) & (kind < classes)
    return Candidates(_relative(boxes[real], spec, size), scores[real], kind[real])


def _relative(boxes: Array, spec: OutputSpec, size: InputSpec) -> Array:
    """Boxes in any form and unit -> corners relative to the input."""
    if spec.units == "pixels":
        sides: Array = np.array((size.width, size.height) * 2, np.float32)
        boxes = boxes / sides
    return _corners(boxes) if spec.form == "cxcywh" else boxes


def _corners(boxes: Array) -> Array:
    """(n, 4) centre, size -> x0, y0, x1, y1."""
    half = boxes[:, 2:] / 2
    corners: Array = np.concatenate((boxes[:, :2] - half, boxes[:, :2] + half), axis=1)
    return corners


def suppress(
    boxes: Array, scores: Array, classes: npt.NDArray[np.int64], limit: float
) -> list[int]:
    """Greedy NMS within each class: the indices that stay, best first.

    Args:
        boxes: (n, 4) x0, y0, x1, y1.
        scores: (n,).
        classes: (n,).
        limit: a box that overlaps a better one of its class by more than this IoU is dropped.
    """
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        overlap = np.prod((high - low).clip(min=0), axis=1)
        union = area[best] + area[rest] - overlap
        order = rest[(classes[rest] != classes[best]) | (overlap <= limit * union)]
    return kept
