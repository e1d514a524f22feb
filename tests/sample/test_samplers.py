"""What holds for every registered sampler, and the baselines' own rules."""

from __future__ import annotations

import typing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import lookup
from vcmflow.core.tracks import Track
from vcmflow.sample import tracking
from vcmflow.sample.decide import all_options, choose_frames, count_to_keep
from vcmflow.sample.fill import least_count
from vcmflow.sample.registry import SAMPLERS

# All but those that repeat what was tried.
CHOOSING = sorted(name for name, entry in SAMPLERS.items() if "choices" not in entry.needs)


def walk(n, seed):
    return np.cumsum(np.random.default_rng(seed).normal(size=(n, 3)), axis=0)


def moving_box(positions, identity=1, size=20.0):
    """One object per frame at the given x; None is a frame without it."""
    return [
        [] if x is None else [Track(identity, (float(x), 5.0, size, size), 0.9, 1)]
        for x in positions
    ]


@st.composite
def tracks(draw, n):
    frames = []
    for _ in range(n):
        ids = draw(st.sets(st.integers(0, 3), max_size=3))
        xs = [draw(st.integers(0, 30)) for _ in ids]
        frames.append(
            [Track(i, (float(x), 0.0, 20.0, 10.0), 0.5, 3) for i, x in zip(ids, xs, strict=True)]
        )
    return frames


@pytest.mark.parametrize("method", CHOOSING)
@given(data=st.data())
def test_every_sampler_keeps_m_frames_and_both_ends(method, data):
    n = data.draw(st.integers(1, 16))
    m = data.draw(st.integers(min(2, n), n))
    embedding = walk(n, data.draw(st.integers(0, 99)))
    kept = choose_frames(method, n, m, {"embedding": embedding, "tracks": data.draw(tracks(n))})
    assert len(kept) == (n if SAMPLERS[method].keeps_all else m)
    assert kept[0] == 0
    assert kept[-1] == n - 1
    assert kept == sorted(set(kept))


@pytest.mark.parametrize("method", CHOOSING)
@pytest.mark.parametrize(("n", "m"), [(1000, 5), (1000, 2), (257, 2), (258, 2), (900, 40)])
def test_every_sampler_respects_the_byte(method, n, m):
    jump = moving_box([0] * (n - 1) + [10])
    still = np.zeros((n, 2))
    still[-1] = 1
    kept = choose_frames(method, n, m, {"embedding": still, "tracks": jump})
    # Of 257 frames, the two ends leave 255 between them: just as many as fit.
    assert np.diff(kept).max() <= 256
    assert least_count(n) == {1000: 5, 257: 2, 258: 3, 900: 5}[n]
    if not SAMPLERS[method].keeps_all:
        assert len(kept) == max(m, least_count(n))


def values_of(sampler):
    """(option, value) of every choice that a sampler leaves."""
    hints = typing.get_type_hints(lookup(SAMPLERS, sampler, "sampler"))
    options = set(all_options(sampler, {}))
    return [(key, v) for key in sorted(options) for v in typing.get_args(hints[key])]


@pytest.mark.parametrize("method", CHOOSING)
def test_every_option_of_every_sampler_works(method):
    needs = {"embedding": walk(9, 1), "tracks": moving_box(range(9))}
    for option, value in values_of(method):
        assert choose_frames(method, 9, 4, needs, {option: value})[-1] == 8
    assert len(values_of("manifold")) == 4


@pytest.mark.parametrize("method", sorted(SAMPLERS))
@pytest.mark.parametrize(("n", "m"), [(10, 1), (10, 11), (10, 0), (1, 2), (0, 1)])
def test_m_out_of_range_is_one_clear_line(method, n, m):
    with pytest.raises(VcmflowError, match=r"m is|frames; wanted"):
        choose_frames(method, n, m, {"embedding": np.zeros((n, 1)), "tracks": [[]] * n})


@pytest.mark.parametrize("method", [name for name, entry in SAMPLERS.items() if entry.needs])
def test_missing_material_is_named(method):
    with pytest.raises(VcmflowError, match=SAMPLERS[method].needs[0]):
        choose_frames(method, 10, 4)


def test_uniform_matches_the_papers_example():
    assert choose_frames("uniform", 10, 4) == [0, 3, 6, 9]


@given(st.integers(2, 400), st.data())
def test_uniform_is_nearest_to_equal_steps(n, data):
    m = data.draw(st.integers(max(2, least_count(n)), n))
    kept = choose_frames("uniform", n, m)
    for k, frame in enumerate(kept):
        assert -0.5 <= frame - k * (n - 1) / (m - 1) < 0.5


def test_the_number_to_keep_follows_the_paper():
    assert [count_to_keep(n, 3) for n in (10, 9, 31)] == [4, 4, 11]
    assert count_to_keep(40, 4) == 11
    assert [count_to_keep(n, 3) for n in (1, 2)] == [1, 2]
    assert count_to_keep(5, 1) == 5
    with pytest.raises(VcmflowError, match="1 or more"):
        count_to_keep(5, 0)


def test_tracking_without_tracks_or_motion_is_uniform():
    assert choose_frames("tracking", 10, 4, needs={"tracks": [[]] * 10}) == [0, 3, 6, 9]
    assert choose_frames("tracking", 10, 4, needs={"tracks": moving_box([5] * 10)}) == [0, 3, 6, 9]


def test_tracking_keeps_where_objects_move():
    # At rest, 3 px a frame in the middle, at rest: the runs break in the middle.
    xs = [0] * 10 + [3 * k for k in range(1, 11)] + [30] * 10
    kept = choose_frames("tracking", 30, 6, needs={"tracks": moving_box(xs)})
    assert len(kept) == 6
    assert all(9 <= frame <= 20 for frame in kept[1:-1])


def test_tracking_counts_a_missing_object_as_unlike():
    appears = [a + b for a, b in zip(
        moving_box([0] * 8), moving_box([None] * 5 + [50] * 3, identity=2), strict=True
    )]  # fmt: skip
    assert choose_frames("tracking", 8, 3, needs={"tracks": appears}) == [0, 5, 7]
    assert tracking.likeness({1: (0, 0, 2, 2)}, {1: (0, 0, 2, 2), 2: (5, 5, 6, 6)}) == 0.5
    assert tracking.likeness({1: (0, 0, 2, 2)}, {1: (1, 0, 3, 2)}) == pytest.approx(1 / 3)
    assert tracking.likeness({}, {}) == 1


def test_tracking_is_topped_up_where_no_threshold_fits():
    # Two jumps out of the box: likeness is 0 or 1, so there is one run or three, never two.
    xs = [0, 0, 0, 100, 100, 100, 200, 200, 200]
    boxes = [tracking._boxes(frame, 0) for frame in moving_box(xs)]
    assert {len(tracking.run_starts(boxes, t)) for t in (0, 1e-9, 0.5, 1)} == {1, 3}
    # Half of the summed unlikeness is reached at frame 3.
    assert choose_frames("tracking", 9, 3, needs={"tracks": moving_box(xs)}) == [0, 3, 8]


def test_tracking_refuses_an_id_twice_in_a_frame():
    twice = [[*frame, *frame] for frame in moving_box([0, 1, 2])]
    with pytest.raises(VcmflowError, match="id 1 twice in frame 0"):
        choose_frames("tracking", 3, 2, needs={"tracks": twice})


def test_options_are_completed_with_the_defaults():
    assert all_options("manifold", {"arc": "spline"}) == {"arc": "spline", "count": "exact"}
    assert all_options("uniform", {}) == {}


@pytest.mark.parametrize(
    ("sampler", "options", "words"),
    [
        ("manifolt", {}, "unknown sampler 'manifolt'; allowed: .*did you mean 'manifold'"),
        ("manifold", {"ark": "chord"}, "no option 'ark'; allowed: arc, count"),
        ("manifold", {"arc": "cord"}, "option arc is 'cord'; allowed: 'chord' or 'spline'"),
        ("manifold", {"m": 3}, "no option 'm'"),
        ("uniform", {"arc": "chord"}, "no option 'arc'; allowed: none"),
    ],
)
def test_a_wrong_name_or_option_is_one_line(sampler, options, words):
    with pytest.raises(VcmflowError, match=words):
        choose_frames(sampler, 9, 4, {"embedding": walk(9, 1)}, options)


# --- random ---------------------------------------------------------------------------------------


def test_random_choices_differ_by_sequence_and_seed_and_are_the_same_again():
    def chosen(sequence, seed):
        return choose_frames("random", 40, 9, options={"seed": seed}, sequence=sequence)

    assert chosen("yard", 0) == chosen("yard", 0)
    assert len({tuple(chosen(name, seed)) for name in ("yard", "gate") for seed in range(4)}) == 8


def test_random_frames_have_equal_chances():
    drawn = [choose_frames("random", 10, 4, options={"seed": seed}) for seed in range(2000)]
    counts = np.bincount(np.concatenate(drawn), minlength=10)
    assert counts[0] == counts[9] == 2000
    # Two of eight: 500 each, with a standard deviation of 19.
    assert np.all(np.abs(counts[1:9] - 500) < 100)


# --- difference -----------------------------------------------------------------------------------


def test_difference_follows_the_sum_of_absolute_differences():
    # One value moves by 4 in one step, four values by 2 each in another: |.| says 4 and 8.
    frames = np.zeros((6, 4))
    frames[2:, 0] = 4
    frames[4:] += 2
    assert choose_frames("difference", 6, 3, {"embedding": frames}) == [0, 4, 5]
    frames[2:, 0] = 20
    assert choose_frames("difference", 6, 3, {"embedding": frames}) == [0, 2, 5]
    still = np.ones((6, 4))
    assert choose_frames("difference", 6, 3, {"embedding": still}) == [0, 2, 5]


@pytest.mark.parametrize("embedding", [np.zeros((5, 2)), np.zeros(6), np.full((6, 2), np.nan)])
def test_difference_refuses_what_is_no_embedding_of_the_sequence(embedding):
    with pytest.raises(VcmflowError, match=r"wanted: 6 rows|not finite"):
        choose_frames("difference", 6, 3, {"embedding": embedding})
