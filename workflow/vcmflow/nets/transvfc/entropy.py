"""Range coding of latents with integer tables of probabilities.

Means and scales come from a network and are rounded first: scales to 64 steps, means to 64ths.
For each pair there is one table, so that all symbols of a table are coded at once and the coder
itself computes with whole numbers. Values far from their mean are escaped. The coder is
``constriction``'s range coder (Bamler 2022).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

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


class _Plan(NamedTuple):
    """In which order symbols are coded, and with which tables.

    Attributes:
        order: place of every symbol that is coded, table after table.
        bounds: where each table's symbols begin in that order, and the end.
        models: the tables.
        reaches: of every symbol, in its place: the largest distance that is not escaped.
    """

    order: npt.NDArray[np.int64]
    bounds: Sequence[int]
    models: Sequence[Any]
    reaches: IntArray

    @classmethod
    def laplace(cls, tables: IntArray) -> _Plan:
        """For symbols each of which has its own table."""
        order = np.argsort(tables, kind="stable")
        found, starts = np.unique(tables[order], return_index=True)
        models = [_laplace(table) for table in found.tolist()]
        bounds = [*starts.tolist(), len(tables)]
        return cls(order, bounds, models, _reaches()[tables // _PARTS])

    @classmethod
    def factorised(cls, tables: Factorised, positions: int) -> _Plan:
        """For channels x positions."""
        count = len(tables.models) * positions
        bounds = range(0, count + 1, positions)
        return cls(np.arange(count), bounds, tables.models, np.full(count, _HYPER, np.int32))

    def parts(self) -> Iterator[tuple[Any, int, int]]:
        """Each table with the first of its symbols in the order, and the one behind its last."""
        return zip(self.models, self.bounds[:-1], self.bounds[1:], strict=True)


class Writer:
    """One sub-stream, being written."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def laplace(self, values: IntArray, means: FloatArray, scales: FloatArray) -> None:
        """Code integers with the distributions of each; three arrays of one size."""
        base, tables = _tables(means.ravel(), scales.ravel())
        self._code(values.ravel() - base, _Plan.laplace(tables))

    def factorised(self, values: IntArray, tables: Factorised) -> None:
        """Code a hyper latent, channels x positions."""
        positions = values.size // len(tables.models)
        self._code(values.ravel(), _Plan.factorised(tables, positions))

    def _code(self, distances: IntArray, plan: _Plan) -> None:
        """Code all symbols, table after table, and then the distances that are too far."""
        far = np.abs(distances) > plan.reaches
        symbols = np.where(far, 2 * plan.reaches + 1, distances + plan.reaches)
        ordered = np.ascontiguousarray(symbols[plan.order], np.int32)
        for model, first, behind in plan.parts():
            self._coder.encode(ordered[first:behind], model)
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
        return _checked(base + self._decode(_Plan.laplace(tables))).reshape(means.shape)

    def factorised(self, positions: int, tables: Factorised) -> IntArray:
        """A hyper latent, channels x positions.

        Raises:
            VcmflowError: the data cannot be what was written.
        """
        found = self._decode(_Plan.factorised(tables, positions))
        return _checked(found.reshape(len(tables.models), positions))

    def _decode(self, plan: _Plan) -> IntArray:
        symbols = np.empty(len(plan.order), np.int32)
        try:
            ordered = [
                self._coder.decode(model, behind - first) for model, first, behind in plan.parts()
            ]
            symbols[plan.order] = np.concatenate(ordered)
            far = symbols == 2 * plan.reaches + 1
            distances = symbols - plan.reaches
            if far.any():
                parts = np.asarray(self._coder.decode(_BYTE, _ESCAPE_BYTES * int(far.sum())))
                shifts = 8 * np.arange(_ESCAPE_BYTES)
                moved = (parts.reshape(-1, _ESCAPE_BYTES).astype(np.int64) << shifts).sum(1)
                distances[far] = moved - 2 ** (8 * _ESCAPE_BYTES - 1)
        except (AssertionError, ValueError):  # what constriction says of impossible data
            raise VcmflowError("the coded latents are damaged") from None
        return distances


def _checked(values: IntArray) -> IntArray:
    if len(values) and int(np.abs(values).max()) > LARGEST:
        raise VcmflowError("the coded latents are damaged")
    return values
