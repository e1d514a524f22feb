"""The manifold sampler: exact counts, and which changes of the input leave its choice alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.interpolate import CubicSpline

from vcmflow.core.errors import VcmflowError
from vcmflow.sample import manifold, uniform
from vcmflow.sample.decide import choose_frames
from vcmflow.sample.fill import least_count

ARCS = st.sampled_from(["chord", "spline"])


@st.composite
def curves(draw, max_frames=40, max_step=8):
    """An embedding whose steps are small whole numbers: rests, jumps and ties are all likely."""
    n = draw(st.integers(2, max_frames))
    d = draw(st.integers(1, 4))
    steps = draw(hnp.arrays(np.int64, (n, d), elements=st.integers(-max_step, max_step)))
    rests = draw(hnp.arrays(np.bool_, n))
    return np.cumsum(np.where(rests[:, None], 0, steps), axis=0).astype(np.float64)


def by_definition(embedding, m):
    """The bare rule as the paper words it, frame by frame, with exact integer lengths (d = 1)."""
    steps = [0] + [abs(int(b) - int(a)) for a, b in pairwise(embedding)]
    length = np.cumsum(steps).tolist()
    total = length[-1]
    clusters = []
    for s in length:
        inside = [j for j in range(1, m) if (j - 1) * total <= s * (m - 1) < j * total]
        clusters.append(inside[0] if inside else m - 1)
    kept = [0]
    kept += [t for t in range(1, len(clusters)) if clusters[t] != clusters[t - 1]]
    return sorted({*kept, len(clusters) - 1})


@given(curves(), ARCS, st.data())
def test_keeps_exactly_m_frames_in_order_with_both_ends(embedding, arc, data):
    n = len(embedding)
    m = data.draw(st.integers(2, n))
    kept = choose_frames("manifold", n, m, {"embedding": embedding}, options={"arc": arc})
    assert len(kept) == m
    assert kept[0] == 0
    assert kept[-1] == n - 1
    assert all(a < b for a, b in pairwise(kept))


@given(curves(), ARCS)
def test_all_frames_are_kept_when_m_is_n(embedding, arc):
    n = len(embedding)
    kept = choose_frames("manifold", n, n, {"embedding": embedding}, options={"arc": arc})
    assert kept == list(range(n))


@given(
    st.lists(st.integers(-6, 6), min_size=2, max_size=30),
    st.data(),
)
def test_literal_count_is_the_rule_of_the_paper(positions, data):
    m = data.draw(st.integers(2, len(positions)))
    embedding = np.array(positions, dtype=np.float64)[:, None]
    kept = choose_frames(
        "manifold", len(positions), m, {"embedding": embedding}, options={"count": "literal"}
    )
    if np.ptp(positions) == 0:
        assert kept == uniform.choose(len(positions), m).tolist()
    else:
        assert kept == by_definition(positions, m)


@given(curves(), ARCS, st.data())
def test_exact_count_only_adds_to_the_literal_choice(embedding, arc, data):
    n = len(embedding)
    m = data.draw(st.integers(2, n))

    def choice(count):
        return choose_frames(
            "manifold", n, m, {"embedding": embedding}, options={"arc": arc, "count": count}
        )

    assert set(choice("literal")) <= set(choice("exact"))


@given(curves(), ARCS, st.data())
def test_the_embedding_space_may_be_permuted_rotated_shifted_and_scaled(embedding, arc, data):
    n, d = embedding.shape
    m = data.draw(st.integers(2, n))
    seed = data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.normal(size=(d, d)))
    scale = 10.0 ** random.uniform(-3, 3)
    options = {"arc": arc}
    kept = choose_frames("manifold", n, m, {"embedding": embedding}, options=options)
    permuted = embedding[:, random.permutation(d)]
    assert choose_frames("manifold", n, m, {"embedding": permuted}, options=options) == kept
    moved = scale * embedding @ rotation + random.normal(size=d)
    assert choose_frames("manifold", n, m, {"embedding": moved}, options=options) == kept


@given(curves(max_frames=20), st.integers(2, 5), st.data())
def test_slow_motion_moves_the_choice_with_the_content(embedding, factor, data):
    """Playing c times slower, with c - 1 new frames on each chord, scales the choice by c.

    What holds precisely, for the literal rule: rounding the new positions up to whole steps gives
    the old ones. (A new position lies where the curve crosses a division point; the old choice is
    the first old frame at or after it.)
    """
    n = len(embedding)
    m = data.draw(st.integers(2, n))
    if np.all(embedding == embedding[0]):
        return
    times = np.arange(factor * (n - 1) + 1) / factor
    slow = np.stack([np.interp(times, np.arange(n), column) for column in embedding.T], axis=1)
    options = {"count": "literal"}
    kept = choose_frames("manifold", n, m, {"embedding": embedding}, options=options)
    slow_kept = choose_frames("manifold", len(slow), m, {"embedding": slow}, options=options)
    assert sorted({-(-frame // factor) for frame in slow_kept}) == kept


@given(curves(max_frames=20), st.integers(2, 5), ARCS, st.data())
def test_repeated_frames_move_the_choice_with_the_content(embedding, factor, arc, data):
    """Showing every frame c times scales all positions by c (the last one ends the video)."""
    n = len(embedding)
    m = data.draw(st.integers(2, n))
    repeated = np.repeat(embedding, factor, axis=0)
    options = {"count": "literal", "arc": arc}
    if np.all(embedding == embedding[0]):
        return
    kept = choose_frames("manifold", n, m, {"embedding": embedding}, options=options)
    slow = choose_frames("manifold", len(repeated), m, {"embedding": repeated}, options=options)
    expected = {factor * frame for frame in kept[:-1]} | {len(repeated) - 1}
    # A cluster that starts at the last frame is seen when that frame is shown more than once.
    assert set(slow) - {factor * (n - 1)} == expected


@given(st.integers(2, 60), st.data())
def test_constant_speed_gives_equal_steps(n, data):
    m = data.draw(st.integers(2, n))
    direction = np.array([0.1, 0.3, -0.7])
    embedding = np.arange(n)[:, None] * direction
    kept = choose_frames("manifold", n, m, {"embedding": embedding})
    assert kept == [-(-k * (n - 1) // (m - 1)) for k in range(m)]


@pytest.mark.parametrize("arc", ["chord", "spline"])
def test_a_still_video_is_sampled_uniformly(arc):
    embedding = np.full((10, 3), 2.5, dtype=np.float32)
    kept = choose_frames("manifold", 10, 4, {"embedding": embedding}, options={"arc": arc})
    assert kept == [0, 3, 6, 9]


def test_frames_go_where_the_content_moves():
    moving = np.concatenate([np.zeros(50), np.arange(20), np.full(50, 19)])[:, None]
    kept = choose_frames("manifold", 120, 12, {"embedding": moving.astype(np.float64)})
    assert sum(49 <= frame <= 70 for frame in kept) >= 10


def test_an_empty_cluster_is_filled_in_the_widest_gap_with_a_frame_inside():
    # One jump from 2 to 9 crosses two division points. The widest gap is frames 0..3, of length 9;
    # frame 2 is nearest to its half.
    embedding = np.array([0.0, 1, 2, 9, 10])[:, None]
    literal = choose_frames(
        "manifold", 5, 4, {"embedding": embedding}, options={"count": "literal"}
    )
    assert literal == [0, 3, 4]
    assert choose_frames("manifold", 5, 4, {"embedding": embedding}) == [0, 2, 3, 4]


def test_ties_go_to_the_earlier_gap_and_the_earlier_frame():
    # Jumps 0 -> 10 and 12 -> 22 leave two gaps of arc 2 with one and two frames in the middle.
    embedding = np.array([0.0, 10, 10.9, 11.1, 12, 22, 23, 24])[:, None]
    literal = choose_frames(
        "manifold", 8, 3, {"embedding": embedding}, options={"count": "literal"}
    )
    assert literal == [0, 4, 7]
    assert choose_frames("manifold", 8, 5, {"embedding": embedding})[:2] == [0, 1]
    assert manifold.fit(
        lambda _: np.array([0, 1, 4, 5, 7]), np.array([0, 10, 10.9, 11.1, 12, 22, 23, 24.0]), 6
    ).tolist() == [0, 1, 2, 4, 5, 7]


def test_the_spline_is_longer_than_the_chord_and_exact_on_a_line():
    angles = np.linspace(0, np.pi, 9)
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    length = manifold.spline_length(arc)
    assert manifold.chord_length([arc])[-1] < length[-1]
    assert length[-1] == pytest.approx(np.pi, rel=5e-3)
    line = np.array([0.0, 1, 1, 4, 5])[:, None] * [0.6, 0.8]
    assert manifold.spline_length(line) == pytest.approx([0, 1, 1, 4, 5])


@pytest.mark.parametrize("n", [3, 4, 40])
def test_the_spline_is_the_natural_cubic_one(n):
    """Against SciPy's spline, its length summed over many short chords."""
    points = np.random.default_rng(n).normal(size=(n, 3)) * [1, 2, 5]
    chord = manifold.chord_length([points])
    at = np.interp(np.arange(400 * (n - 1) + 1) / 400, np.arange(n), chord)
    fine = CubicSpline(chord, points, bc_type="natural")(at)
    expected = manifold.chord_length([fine])[::400]
    assert manifold.spline_length(points) == pytest.approx(expected, rel=2e-3)


@given(curves(), st.integers(1, 7))
def test_arc_length_does_not_depend_on_how_the_stream_is_cut(embedding, size):
    cut = [embedding[start : start + size] for start in range(0, len(embedding), size)]
    assert np.array_equal(manifold.chord_length(cut), manifold.chord_length([embedding]))


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 3000), st.integers(0, 2**32 - 1), st.data())
def test_no_gap_exceeds_a_byte(n, seed, data):
    random = np.random.default_rng(seed)
    # Bursts in a video that rests: the rule alone would leave gaps of thousands.
    steps = random.random(n) * (random.random(n) < 0.01)
    embedding = np.cumsum(steps)[:, None]
    m = data.draw(st.integers(2, n))
    kept = choose_frames("manifold", n, m, {"embedding": embedding})
    assert np.diff(kept).max() <= 256
    assert len(kept) == max(m, least_count(n))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    embedding = np.zeros((5, 2))
    embedding[2, 1] = value
    for arc in ("chord", "spline"):
        with pytest.raises(VcmflowError, match="not finite"):
            choose_frames("manifold", 5, 3, {"embedding": embedding}, options={"arc": arc})


def test_an_embedding_of_another_video_is_refused():
    with pytest.raises(VcmflowError, match="wanted: 6 rows"):
        choose_frames("manifold", 6, 3, {"embedding": np.zeros((5, 2))})
