"""An ONNX file: opened by ONNX Runtime, and how many trained values its protocol buffer holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact

# Numbers in onnx.proto of ModelProto.graph, GraphProto.initializer, TensorProto.dims, .data_type.
_GRAPH, _INITIALIZER, _DIMS, _TYPE = 7, 5, 1, 2
_FLOATS = frozenset({1, 10, 11, 16})  # float, float16, double, bfloat16
_MOST_DIMS = 64  # of a tensor; NumPy has no more either


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The (number, value) pairs of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        length = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            length, at = _varint(data, at)
        if length is None or at + length > len(data):
            raise IndexError
        yield key >> 3, data[at : at + length]
        at += length


def _size(tensor: memoryview) -> int:
    """Number of values of a TensorProto of floats, 0 for other types."""
    dims: list[int] = []
    kind = 0
    for number, value in _fields(tensor):
        if number == _TYPE and isinstance(value, int):
            kind = value
        elif number == _DIMS and isinstance(value, int):
            dims.append(value)
        elif number == _DIMS and isinstance(value, memoryview):
            at = 0
            while at < len(value):
                dim, at = _varint(value, at)
                dims.append(dim)
    if len(dims) > _MOST_DIMS:
        raise IndexError
    return math.prod(dims) if kind in _FLOATS else 0


def parameters(data: bytes) -> int:
    """Count the floating-point values of a model's initializers.

    Raises:
        VcmflowError: the bytes are no ONNX model.
    """
    total = 0
    try:
        for number, graph in _fields(memoryview(data)):
            if number == _GRAPH and isinstance(graph, memoryview):
                for inner, tensor in _fields(graph):
                    if inner == _INITIALIZER and isinstance(tensor, memoryview):
                        total += _size(tensor)
    except IndexError:
        raise VcmflowError("not a whole ONNX model") from None
    return total


def open_model(path: Path, device: str, threads: int) -> tuple[Any, int]:
    """Open an ONNX file: ONNX Runtime's session, and the number of trained values.

    Args:
        path: the ``.onnx`` file.
        device: "cpu" or "cuda" (used where ONNX Runtime offers it).
        threads: of the CPU.

    Raises:
        VcmflowError: no file, or not an ONNX model.
    """
    import onnxruntime

    try:
        data = intact(path).read_bytes()
    except OSError:
        raise VcmflowError(f"{path}: no such file") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    wanted = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
    offered = onnxruntime.get_available_providers()
    providers = [name for name in wanted if name in offered] + ["CPUExecutionProvider"]
    try:
        count = parameters(data)
        return onnxruntime.InferenceSession(data, options, providers=providers), count
    except Exception as error:
        # ONNX Runtime raises classes of its own, without a common base.
        line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise VcmflowError(f"{path}: not a whole ONNX model ({line})") from None
