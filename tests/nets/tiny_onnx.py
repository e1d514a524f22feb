"""ONNX models of a few bytes, written without the onnx package."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FLOAT, INTS = 1, 7


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor(name: str, values: npt.NDArray[np.float32]) -> bytes:
    dims = b"".join(_field(1, size) for size in values.shape)
    return dims + _field(2, FLOAT) + _field(8, name) + _field(9, values.tobytes())


def _info(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_field(1, _field(1, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, FLOAT) + _field(2, dims)))


def _node(kind: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    named = b"".join(_field(1, name) for name in inputs)
    return named + _field(2, output) + _field(4, kind) + attributes


def brightness_times(outputs: Sequence[npt.NDArray[np.float32]], height: int, width: int) -> bytes:
    """A model of (1, 3, height, width) whose outputs are these arrays times the largest value."""
    axes = b"".join(_field(8, axis) for axis in range(4))
    attributes = _field(5, _field(1, "axes") + axes + _field(20, INTS))
    attributes += _field(5, _field(1, "keepdims") + _field(3, 0) + _field(20, 2))
    graph = _field(1, _node("ReduceMax", ["image"], "peak", attributes))
    for index in range(len(outputs)):
        graph += _field(1, _node("Mul", ["peak", f"w{index}"], f"out{index}"))
    graph += _field(2, "tiny")
    for index, values in enumerate(outputs):
        graph += _field(5, _tensor(f"w{index}", values.astype(np.float32)))
    graph += _field(11, _info("image", (1, 3, height, width)))
    for index, values in enumerate(outputs):
        graph += _field(12, _info(f"out{index}", values.shape))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


def mean_times(weights: Sequence[float], shape: Sequence[int]) -> bytes:
    """A model of one clip whose scores (1, classes) are these weights times its mean."""
    keep = _field(5, _field(1, "keepdims") + _field(3, 0) + _field(20, 2))
    values = np.array([weights], np.float32)
    graph = _field(1, _node("ReduceMean", ["clip"], "mean", keep))
    graph += _field(1, _node("Mul", ["mean", "w"], "scores"))
    graph += _field(2, "tiny") + _field(5, _tensor("w", values))
    graph += _field(11, _info("clip", shape)) + _field(12, _info("scores", values.shape))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))
