"""The factorised density and the range coder with its integer tables."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.factorised import TOTAL, Decoder, Encoder, Factorised, Tables, tables_of


def prior(channels: int = 3, seed: int = 0) -> Factorised:
    """Densities of several widths and places."""
    torch.manual_seed(seed)
    made = Factorised(channels, scale=4.0)
    for factor in made.factors:
        torch.nn.init.normal_(factor)
    with torch.no_grad():
        made.biases[0] += 3 * torch.randn_like(made.biases[0])
    return made


def coded(tables: Tables, *pieces: np.ndarray) -> bytes:
    encoder = Encoder(tables)
    for piece in pieces:
        encoder.write(piece)
    return encoder.bytes()


def test_the_density_is_one() -> None:
    """Its integers' probabilities sum to 1, and its cumulative distribution rises."""
    values = torch.arange(-3000.0, 3001.0).expand(3, 1, -1)
    with torch.no_grad():
        mass = (prior().probability(values) - 1e-9).sum(dim=-1)
        rises = prior().cumulative(values).diff(dim=-1)
    assert torch.allclose(mass, torch.ones_like(mass), atol=1e-3)
    assert bool((rises > 0).all())


def test_bits_are_exact_where_half_precision_is_allowed() -> None:
    density, code = prior(), torch.arange(-9.0, 9.0).expand(1, 3, -1)
    with torch.no_grad():
        exact = density.bits(code)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = density.bits(code)
    assert torch.equal(mixed, exact)


def test_parameters_of_the_published_density() -> None:
    # Ballé et al. have 61 per channel: 3 of them are quantiles, which tables need none of.
    assert sum(value.numel() for value in Factorised(512).parameters()) == 512 * 58


@settings(max_examples=30)
@given(
    seed=st.integers(0, 99),
    values=st.lists(st.integers(-32767, 32767) | st.integers(-9, 9), min_size=1, max_size=60),
    cut=st.integers(0, 20),
)
def test_round_trip(seed: int, values: list[int], cut: int) -> None:
    """Any integers come back, however they are cut into pieces, far outside the tables as well."""
    tables = tables_of(prior(3, seed))
    cut = min(cut, len(values))
    code = np.array([values, values[::-1], np.zeros_like(values)], np.int32)
    content = coded(tables, code[:, :cut], code[:, cut:])
    decoder = Decoder(tables, content)
    parts = [decoder.read(cut), decoder.read(len(values) - cut)]
    assert np.array_equal(np.concatenate(parts, axis=1), code)


def test_bytes_are_those_of_the_estimate() -> None:
    """What the density says that integers drawn from it cost, to one per cent."""
    density = prior(8)
    tables = tables_of(density)
    rng = np.random.default_rng(1)
    share = tables.counts[:, 1:] / tables.counts[:, 1:].sum(axis=1, keepdims=True)
    rows = [rng.choice(len(one), 4000, p=one) for one in share]
    code = (np.stack(rows) + tables.lowest[:, None]).astype(np.int32)
    with torch.no_grad():
        bits = float(density.bits(torch.from_numpy(code)[None].float()).sum())
    assert 8 * len(coded(tables, code)) == pytest.approx(bits, rel=0.01)


def test_tables_are_whole_numbers_that_another_process_reads_alike(tmp_path) -> None:  # type: ignore[no-untyped-def]
    tables = tables_of(prior())
    assert tables.counts.dtype == np.int32
    assert (tables.counts.sum(axis=1) == TOTAL).all()
    code = np.random.default_rng(0).integers(-6, 7, (3, 50)).astype(np.int32)
    np.savez(tmp_path / "t.npz", lowest=tables.lowest, counts=tables.counts, code=code)
    (tmp_path / "b").write_bytes(coded(tables, code))
    program = (
        "import numpy as np; from vcmflow.nets.factorised import *; t = np.load('t.npz');"
        "d = Decoder(Tables(t['lowest'], t['counts']), open('b', 'rb').read());"
        "assert np.array_equal(d.read(50), t['code'])"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_the_bytes_of_a_stream_are_fixed() -> None:
    """Streams of today are read tomorrow, by whichever version of the coder."""
    tables = Tables(
        np.array([-1, 0], np.int32),
        np.array([[6, 20000, 25530, 20000], [1000, 64536, 0, 0]], np.int32),
    )
    code = np.array([[0, 1, -1, 0, 300, 0], [0, 0, 0, 0, -2, 0]], np.int32)
    content = coded(tables, code)
    assert content.hex() == GOLDEN
    assert np.array_equal(Decoder(tables, bytes.fromhex(GOLDEN)).read(6), code)


GOLDEN = "96476cfbcd018e93"


@pytest.mark.parametrize(
    "counts",
    [
        [[1, TOTAL]],  # the wrong sum
        [[0, TOTAL]],  # nothing can be escaped
        [[TOTAL - 1, 0, 1]],  # a hole
        [[TOTAL]],  # no value
    ],
)
def test_damaged_tables_are_refused(counts: list[list[int]]) -> None:
    with pytest.raises(VcmflowError, match="tables of probabilities"):
        Tables(np.array([0], np.int32), np.array(counts, np.int32))


@given(content=st.binary(max_size=40))
def test_no_bytes_break_the_decoder(content: bytes) -> None:
    decoder = Decoder(tables_of(prior()), content)
    try:
        assert decoder.read(30).shape == (3, 30)
    except VcmflowError as error:
        assert "damaged" in str(error)
