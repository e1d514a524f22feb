"""Bit allocation: the mean stays, the scale of the importance does not show, more is more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.encode.allocation import Allocation, centred, rounded, texture_of

WIDTH, HEIGHT = 92, 70  # 6 x 5 blocks, the last ones smaller
AREA = np.outer([16, 16, 16, 16, 6], [16, 16, 16, 16, 16, 12])


def spread(seed, decades, zeros):
    """Weights over some decades, a share of them 0."""
    random = np.random.default_rng(seed)
    weights = 10 ** random.uniform(-decades, decades, (1, 5, 6))
    return np.where(random.random(weights.shape) < zeros, 0, weights).astype(np.float32)


SEEDS = st.integers(0, 2**32 - 1)
WEIGHTS = st.builds(spread, SEEDS, st.floats(0, 3), st.sampled_from([0, 0.1, 0.9, 1]))
VALUES = st.builds(lambda seed: np.random.default_rng(seed).normal(0, 3, (1, 5, 6)), SEEDS)
BLOCKS = st.sampled_from([16, 32, 64])
SETTINGS = st.builds(
    Allocation,
    strength=st.floats(0, 4),
    limit=st.integers(1, 12),
    block=BLOCKS,
    region=st.none() | st.floats(0.05, 0.95),
)


def mean(offsets):
    return np.average(offsets, weights=AREA)


def of(weights, **settings):
    return Allocation(**settings).offsets(weights, WIDTH, HEIGHT)[0]


@settings(max_examples=40, deadline=None)
@given(weights=WEIGHTS, allocation=SETTINGS)
def test_the_mean_stays_and_no_offset_exceeds_the_limit(weights, allocation):
    offsets = allocation.offsets(weights, WIDTH, HEIGHT)[0]
    assert np.abs(offsets).max() <= allocation.limit
    # As near as the largest block, raised or not, allows.
    largest = min(allocation.block**2, AREA.sum()) / AREA.sum()
    assert abs(mean(offsets)) <= largest / 2 + 1e-9


@settings(max_examples=40, deadline=None)
@given(weights=WEIGHTS, wanted=st.floats(-5, 5))
def test_another_mean_can_be_asked_for(weights, wanted):
    plain, offsets = (Allocation().offsets(weights, WIDTH, HEIGHT, mean=m)[0] for m in (0, wanted))
    assert abs(mean(offsets) - wanted) <= 128 / AREA.sum() + 1e-9
    assert np.abs(offsets - plain - wanted).max() < 2


@settings(max_examples=40, deadline=None)
@given(weights=WEIGHTS, allocation=SETTINGS, power=st.integers(-6, 6))
def test_the_scale_of_the_importance_does_not_show(weights, allocation, power):
    scaled = allocation.offsets(weights * np.float32(2.0**power), WIDTH, HEIGHT)
    assert np.array_equal(allocation.offsets(weights, WIDTH, HEIGHT), scaled)


@settings(max_examples=40, deadline=None)
@given(weights=WEIGHTS, allocation=SETTINGS)
def test_what_matters_more_is_never_coarser(weights, allocation):
    """Blocks of 16 px: by their own importance; rounding may part equals by one."""
    offsets = of(weights, strength=allocation.strength, limit=allocation.limit).ravel()
    order = np.argsort(weights.ravel())
    assert (np.diff(offsets[order].astype(int)) <= 1).all()
    assert offsets[order[0]] >= offsets[order[-1]] - 1


@settings(max_examples=40, deadline=None)
@given(values=VALUES, strengths=st.data())
def test_response_to_the_strength_is_monotone(values, strengths):
    """The bits given to importance: the correlation of log importance with finer QPs."""
    one, two = sorted(strengths.draw(st.tuples(st.floats(0, 3), st.floats(0, 3))))
    area = AREA.astype(float)
    given_bits = [
        -np.average((centred(-3 * s * values, area, 6) * values)[0], weights=area)
        for s in (one, two)
    ]
    assert given_bits[0] <= given_bits[1] + 1e-6


@settings(max_examples=40, deadline=None)
@given(weights=WEIGHTS, block=BLOCKS)
def test_strength_0_and_equal_importance_are_no_map(weights, block):
    assert not of(weights, strength=0, block=block).any()
    assert not of(np.full_like(weights, 3), block=block).any()


def test_the_optimum_of_the_model():
    """Twice the importance is 3 QP less: lambda / 2, and QP = 3 log2(lambda)."""
    weights = np.ones((1, 5, 6), np.float32)
    weights[0, :, :3] = 2
    offsets = of(weights)
    # The left half is a little larger.
    assert set(np.unique(offsets[:, :3])) <= {-2, -1}
    assert set(np.unique(offsets[:, 3:])) <= {1, 2}
    weights[0, :, :3] = 16
    assert np.ptp(of(weights, limit=20)) in (12, 13)


@pytest.mark.parametrize(("block", "kinds"), [(16, 30), (32, 9), (64, 4)])
def test_blocks_of_a_size_have_one_qp(block, kinds):
    weights = np.random.default_rng(3).uniform(0.1, 9, (1, 5, 6)).astype(np.float32)
    offsets = of(weights, block=block)
    step = block // 16
    corners = np.repeat(np.repeat(offsets[::step, ::step], step, 0), step, 1)[:5, :6]
    assert np.array_equal(offsets, corners)
    assert offsets[::step, ::step].size == kinds


def test_a_region_of_interest_has_two_kinds_of_blocks():
    weights = np.random.default_rng(3).uniform(0.1, 9, (1, 5, 6)).astype(np.float32)
    inside = weights[0] >= np.sort(weights.ravel())[-6]
    offsets = of(weights, region=0.2, strength=2)
    ideal = [offsets[part].astype(float).mean() for part in (inside, ~inside)]
    assert ideal[0] < -2 < 0 < ideal[1]
    # Each kind is of one value, up to rounding.
    assert all(np.ptp(offsets[part]) <= 1 for part in (inside, ~inside))


def test_texture_takes_part_where_it_is_asked_to():
    luma = np.zeros((HEIGHT, WIDTH), np.uint8)
    luma[::2, : WIDTH // 2] = 200
    texture = texture_of(luma)
    assert texture.shape == (5, 6)
    assert texture[:, 4:] == pytest.approx(1)
    assert texture[0, 0] == pytest.approx(1 + 100)
    flat = np.ones((1, 5, 6), np.float32)
    for exponent, sign in ((0.5, -1), (-0.5, 1)):
        offsets = Allocation(texture=exponent).offsets(flat, WIDTH, HEIGHT, texture[None])[0]
        assert sign * offsets[:, :2].mean() > 1
    assert not Allocation().offsets(flat, WIDTH, HEIGHT, texture[None]).any()


@settings(max_examples=40, deadline=None)
@given(values=VALUES, target=st.floats(-0.5, 0.5))
def test_rounding_goes_to_a_neighbour(values, target):
    moved = centred(values, AREA.astype(float), 6) + target
    whole = rounded(moved, AREA.astype(float))
    assert np.abs(whole - moved).max() < 1 + 1e-6
    assert abs(mean(whole[0]) - target) <= 128 / AREA.sum() + 1e-9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m[:, :4], "has 4 x 6 blocks; frames of 92x70 have 5 x 6"),
        (lambda m: m * np.float32(np.nan), "negative or not finite"),
        (lambda m: -m, "negative or not finite"),
    ],
)
def test_wrong_maps(change, message):
    with pytest.raises(VcmflowError, match=message):
        of(change(np.ones((1, 5, 6), np.float32)))
