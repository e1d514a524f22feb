"""Fully factorised entropy model, and a range coder with fixed integer tables.

The density is that of Ballé et al., "Variational image compression with a scale hyperprior" (2018,
appendix 6.1): one cumulative distribution per channel. It is a network in training alone. What
codes are tables of whole numbers made of it once (``tables_of``), which are stored with the
weights: both ends read the same numbers, so that no rounding of a machine can part them. The coder
is the range coder of ``constriction``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import constriction
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.core.errors import VcmflowError

Integers = npt.NDArray[np.int32]

TOTAL = 1 << 16  # sum of the counts of a table
WIDEST = 255  # largest magnitude that a table holds; what lies beyond is escaped
ESCAPED = 1 << 16  # an escaped value is one of so many, its sign in the lowest bit
_TAIL = 2.0**-18  # probability beyond which a table ends, on either side


class Factorised(nn.Module):
    """A density per channel, convolved with a unit box, so that it says the bits of integers.

    Args:
        channels: of what is coded.
        widths: of the hidden layers of the cumulative distributions.
        scale: half-width of the densities before training.
    """

    def __init__(
        self, channels: int, widths: Sequence[int] = (3, 3, 3, 3), scale: float = 10.0
    ) -> None:
        super().__init__()
        sizes = (1, *widths, 1)
        step = scale ** (1 / (len(widths) + 1))
        self.matrices = nn.ParameterList()
        self.biases = nn.ParameterList()
        self.factors = nn.ParameterList()
        for before, after in pairwise(sizes):
            start = float(np.log(np.expm1(1 / (step * after))))
            self.matrices.append(nn.Parameter(torch.full((channels, after, before), start)))
            self.biases.append(nn.Parameter(torch.rand(channels, after, 1) - 0.5))
        for after in widths:
            self.factors.append(nn.Parameter(torch.zeros(channels, after, 1)))

    def cumulative(self, values: Tensor) -> Tensor:
        """Logits of the cumulative distributions: (C, 1, n) to the same."""
        for layer, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            values = F.softplus(matrix) @ values + bias
            if layer < len(self.factors):
                values = values + torch.tanh(self.factors[layer]) * torch.tanh(values)
        return values

    def probability(self, values: Tensor) -> Tensor:
        """Probability of the unit interval around values (C, 1, n), at least 1e-9."""
        lower, upper = self.cumulative(values - 0.5), self.cumulative(values + 0.5)
        # On the side where the sigmoids are small, which keeps their difference exact.
        sign = -torch.sign(lower + upper).detach()
        return (torch.sigmoid(sign * upper) - torch.sigmoid(sign * lower)).abs().clamp_min(1e-9)

    def bits(self, code: Tensor) -> Tensor:
        """Bits of every value of a code (B, C, ...): the same shape.

        In single precision, inside ``autocast`` as well: half of it cannot tell neighbours apart.
        """
        channels = code.transpose(0, 1).to(torch.promote_types(code.dtype, torch.float32))
        with torch.autocast(code.device.type, enabled=False):
            probability = self.probability(channels.reshape(len(channels), 1, -1))
            return -torch.log2(probability).reshape(channels.shape).transpose(0, 1)


@dataclass(frozen=True)
class Tables:
    """What codes the integers of every channel.

    Attributes:
        lowest: (C,), value of a table's first entry.
        counts: (C, n), each row a positive escape count, the positive counts of consecutive values,
            and zeros up to the longest; their sum is ``TOTAL``.
    """

    lowest: Integers
    counts: Integers

    def __post_init__(self) -> None:
        shapes = self.lowest.ndim == 1 and self.counts.ndim == 2
        if not shapes or len(self.lowest) != len(self.counts) or self.counts.shape[1] < 2:
            raise VcmflowError("tables of probabilities: not one row of two or more per channel")
        lengths = (self.counts > 0).sum(axis=1)
        inside = np.arange(self.counts.shape[1]) < lengths[:, None]
        if (
            np.any((self.counts > 0) != inside)
            or np.any(lengths < 2)
            or np.any(self.counts.sum(axis=1, dtype=np.int64) != TOTAL)
            or np.any(np.abs(self.lowest.astype(np.int64)) > WIDEST)
        ):
            raise VcmflowError("tables of probabilities: damaged")


@torch.no_grad()
def tables_of(prior: Factorised) -> Tables:
    """Round a density to tables."""
    exact = _doubled(prior)
    values = torch.arange(-WIDEST, WIDEST + 1, dtype=torch.float64)
    channels = len(prior.biases[0])
    mass = exact.probability(values.expand(channels, 1, -1))[:, 0].numpy()
    rows, lowest = [], []
    for row in mass:
        # At least one value, the most likely one.
        likely = np.flatnonzero(row >= min(_TAIL, row.max()))
        first, last = int(likely[0]), int(likely[-1])
        inside = row[first : last + 1]
        whole = np.concatenate([[max(0.0, 1 - inside.sum())], inside])
        counts = np.maximum(1, np.floor(whole * (TOTAL - len(whole)))).astype(np.int64)
        counts[counts.argmax()] += TOTAL - counts.sum()
        rows.append(counts)
        lowest.append(first - WIDEST)
    table = np.zeros((channels, max(map(len, rows))), np.int32)
    for counts, to in zip(rows, table, strict=True):
        to[: len(counts)] = counts
    return Tables(np.array(lowest, np.int32), table)


def _doubled(prior: Factorised) -> Factorised:
    exact = Factorised(len(prior.biases[0]), [len(factor[0]) for factor in prior.factors])
    exact.load_state_dict(prior.cpu().state_dict())
    return exact.double()


class _Models:
    """The tables as the range coder takes them."""

    def __init__(self, tables: Tables) -> None:
        model = constriction.stream.model
        self.tables = tables
        self.lengths = (tables.counts > 0).sum(axis=1)
        # The numbers are whole and their sum a power of two, so that they are exact in float64, and
        # the coder's own integers follow from them alike on every machine.
        self.models = [
            model.Categorical(row[:length].astype(np.float64), perfect=False)
            for row, length in zip(tables.counts, self.lengths, strict=True)
        ]
        self.escaped = model.Uniform(ESCAPED)


class Encoder:
    """Writes integers, piece after piece, into one string of bytes.

    Args:
        tables: of all channels.
    """

    def __init__(self, tables: Tables) -> None:
        self._models = _Models(tables)
        self._coder = constriction.stream.queue.RangeEncoder()

    def write(self, code: Integers) -> None:
        """Append a piece: (C, n), in -32767..32767."""
        for row, low, length, model in zip(
            code,
            self._models.tables.lowest,
            self._models.lengths,
            self._models.models,
            strict=True,
        ):
            entries = row.astype(np.int32) - low + 1
            outside = (entries < 1) | (entries >= length)
            entries[outside] = 0
            self._coder.encode(np.ascontiguousarray(entries, np.int32), model)
            if outside.any():
                far = row[outside].astype(np.int32)
                self._coder.encode(
                    (np.abs(far) * 2 + (far < 0)).astype(np.int32), self._models.escaped
                )

    def bytes(self) -> bytes:
        """All that was written. Trailing zeros are left to the reader."""
        words: bytes = self._coder.get_compressed().astype(">u4").tobytes()
        return words.rstrip(b"\0")


class Decoder:
    """Reads what an encoder with the same tables wrote, piece after piece.

    Args:
        tables: of all channels.
        content: the bytes; any bytes give some integers.
    """

    def __init__(self, tables: Tables, content: bytes) -> None:
        self._models = _Models(tables)
        padded = content + bytes(8 - len(content) % 4)
        self._coder = constriction.stream.queue.RangeDecoder(
            np.frombuffer(padded, ">u4").astype(np.uint32)
        )

    def read(self, count: int) -> Integers:
        """The next piece: (C, count).

        Raises:
            VcmflowError: the bytes are none that an encoder writes.
        """
        try:
            return np.stack(
                [self._row(channel, count) for channel in range(len(self._models.models))]
            )
        except AssertionError:  # what the coder raises
            raise VcmflowError("the entropy-coded bytes are damaged") from None

    def _row(self, channel: int, count: int) -> Integers:
        entries = self._coder.decode(self._models.models[channel], count)
        row: Integers = (entries + self._models.tables.lowest[channel] - 1).astype(np.int32)
        outside = entries == 0
        if outside.any():
            far = self._coder.decode(self._models.escaped, int(outside.sum()))
            row[outside] = np.where(far & 1, -(far >> 1), far >> 1)
        return row
