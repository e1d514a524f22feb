"""Range coding of latents with integer tables of probabilities.

Means and scales come from a network and are rounded first: scales to 64 steps, means to 64ths.
For each pair there is one table, so that all symbols of a table are coded at once and the coder
itself computes with whole numbers. Values far from their mean are escaped. The coder is
``constriction``'s range coder (Bamler 2022).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import constriction
import numpy as np
import numpy.typing as npt
import torch

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.transvfc.layers import BitEstimator

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]

LARGEST = 2**14  # of a latent's absolute values, which are clamped to it
_SCALES = np.geomspace(0.01, 32.0, 64)
_BETWEEN = np.sqrt(_SCALES[1:] * _SCALES[:-1])
_PARTS = 64  # of the distance of two integers
# Added to every probability, as in the estimated rate: no symbol costs more than 17 bits.
_FLOOR = 1e-5
_ONE = 2**20  # weight of probability 1
_HYPER = 64  # largest absolute value of a hyper latent that is not escaped
_BYTE = constriction.stream.model.Uniform(256)
_ESCAPE_BYTES = 3


def _model(probabilities: npt.NDArray[np.float64], rest: float) -> Any:
    """A table of integer weights, with the escape symbol last."""
    both = np.append(np.maximum(probabilities, 0.0), max(rest, 0.0)) + _FLOOR
    weights = np.rint(both * _ONE)
    return constriction.stream.model.Categorical(weights.astype(np.float32), perfect=False)


def _reach(scale: int) -> int:
    """Largest distance from the mean that is not escaped."""
    return 16 + int(np.ceil(10 * _SCALES[scale]))


@lru_cache(maxsize=64 * _PARTS)
def _laplace(table: int) -> Any:
    """The table of a scale and a part, for distances -reach..reach and the escape."""
    scale, part = divmod(table, _PARTS)
    reach, width, mean = _reach(scale), _SCALES[scale], part / _PARTS
    edges = np.arange(-reach, reach + 2) - 0.5 - mean
    cumulative = 0.5 - 0.5 * np.sign(edges) * np.expm1(-np.abs(edges) / width)
    return _model(np.diff(cumulative), 1 - (cumulative[-1] - cumulative[0]))


@cache
def _reaches() -> IntArray:
    return np.array([_reach(scale) for scale in range(len(_SCALES))], np.int32)


def _tables(means: FloatArray, scales: FloatArray) -> tuple[IntArray, IntArray]:
    """Of every symbol: the integer below its mean, and its table."""
    if not (np.isfinite(means).all() and np.isfinite(scales).all()):
        raise VcmflowError("the entropy model gives values that are not finite")
    scale = np.searchsorted(_BETWEEN, scales).astype(np.int32)
    parts = np.rint(np.clip(means, -LARGEST, LARGEST).astype(np.float64) * _PARTS)
    # The narrowest ones are on one integer, whatever the part.
    whole = np.rint(np.clip(means, -LARGEST, LARGEST).astype(np.float64)) * _PARTS
    parts = np.where(scale == 0, whole, parts).astype(np.int32)
    return parts // _PARTS, scale * _PARTS + parts % _PARTS


class Factorised:
    """Tables of the channels of a hyper latent, from its distribution.

    Args:
        estimator: the distribution, on the CPU.
    """

    def __init__(self, estimator: BitEstimator) -> None:
        channels = estimator.f1.h.shape[1]
        edges = torch.arange(-_HYPER, _HYPER + 2, dtype=torch.float64) - 0.5
        with torch.inference_mode():
            x = edges.view(1, 1, -1, 1).expand(1, channels, -1, 1)
            cumulative = estimator.double()(x)[0, :, :, 0].numpy()
            estimator.float()
        self.models = [_model(np.diff(row), 1 - (row[-1] - row[0])) for row in cumulative]


class Writer:
    """One sub-stream, being written."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def laplace(self, values: IntArray, means: FloatArray, scales: FloatArray) -> None:
        """Code integers with the distributions of each; three arrays of one size."""
        base, tables = _tables(means.ravel(), scales.ravel())
        distances = values.ravel() - base
        for table, places in _groups(tables):
            self._code(distances[places], _laplace(table), int(_reaches()[table // _PARTS]))

    def factorised(self, values: IntArray, tables: Factorised) -> None:
        """Code a hyper latent, channels x positions."""
        for row, model in zip(values.reshape(len(tables.models), -1), tables.models, strict=True):
            self._code(row, model, _HYPER)

    def _code(self, distances: IntArray, model: Any, reach: int) -> None:
        far = np.abs(distances) > reach
        symbols = np.where(far, 2 * reach + 1, distances + reach)
        self._coder.encode(np.ascontiguousarray(symbols, np.int32), model)
        if far.any():
            moved = distances[far].astype(np.int64) + 2 ** (8 * _ESCAPE_BYTES - 1)
            shifts = 8 * np.arange(_ESCAPE_BYTES)
            parts = (moved[:, None] >> shifts) & 255
            self._coder.encode(np.ascontiguousarray(parts.ravel(), np.int32), _BYTE)

    def finish(self) -> bytes:
        """The sub-stream. Zeros at its end are left out; the reader adds them."""
        words = self._coder.get_compressed()
        return bytes(np.asarray(words, ">u4").tobytes().rstrip(b"\0"))


class Reader:
    """One sub-stream, being read. Damage is not noticed here: other values come out."""

    def __init__(self, data: bytes) -> None:
        padded = data + b"\0" * (-len(data) % 4)
        words = np.frombuffer(padded, ">u4").astype(np.uint32)
        self._coder = constriction.stream.queue.RangeDecoder(words)

    def laplace(self, means: FloatArray, scales: FloatArray) -> IntArray:
        """Integers in the order of their distributions.

        Raises:
            VcmflowError: the data cannot be what was written.
        """
        base, tables = _tables(means.ravel(), scales.ravel())
        distances = np.empty(base.shape, np.int32)
        for table, places in _groups(tables):
            reach = int(_reaches()[table // _PARTS])
            distances[places] = self._decode(len(places), _laplace(table), reach)
        return _checked(base + distances).reshape(means.shape)

    def factorised(self, positions: int, tables: Factorised) -> IntArray:
        """A hyper latent, channels x positions.

        Raises:
            VcmflowError: the data cannot be what was written.
        """
        rows = [self._decode(positions, model, _HYPER) for model in tables.models]
        return _checked(np.stack(rows))

    def _decode(self, count: int, model: Any, reach: int) -> IntArray:
        try:
            symbols = np.asarray(self._coder.decode(model, count), np.int32)
            far = symbols == 2 * reach + 1
            distances = (symbols - reach).astype(np.int32)
            if far.any():
                parts = np.asarray(self._coder.decode(_BYTE, _ESCAPE_BYTES * int(far.sum())))
                shifts = 8 * np.arange(_ESCAPE_BYTES)
                moved = (parts.reshape(-1, _ESCAPE_BYTES).astype(np.int64) << shifts).sum(1)
                distances[far] = moved - 2 ** (8 * _ESCAPE_BYTES - 1)
        except (AssertionError, ValueError):  # what constriction says of impossible data
            raise VcmflowError("the coded latents are damaged") from None
        return distances


def _groups(tables: IntArray) -> list[tuple[int, npt.NDArray[np.int64]]]:
    """Tables in use, ascending, each with the places of its symbols."""
    order = np.argsort(tables, kind="stable")
    found, starts = np.unique(tables[order], return_index=True)
    return list(zip(found.tolist(), np.split(order, starts[1:]), strict=True))


def _checked(values: IntArray) -> IntArray:
    if len(values) and int(np.abs(values).max()) > LARGEST:
        raise VcmflowError("the coded latents are damaged")
    return values
