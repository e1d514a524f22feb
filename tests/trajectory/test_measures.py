"""Measures of trajectories whose values are known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vcmflow.core.trajectory import (
    adjacent_distance,
    neighbour_share,
    pair_distance,
    reach,
    sampling_density,
    speed_correlation,
    turning_angle,
    windowed,
)

LINE = np.arange(30.0)[:, None] * np.array([[3.0, 4.0]])


def test_a_straight_line_turns_nowhere_and_a_square_turns_by_right_angles() -> None:
    assert turning_angle(LINE) == pytest.approx(0, abs=1e-5)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0.0]])
    assert turning_angle(square) == pytest.approx(90)
    assert turning_angle(np.array([[0.0], [1.0], [0.0]])) == pytest.approx(180)


def test_frames_that_do_not_move_are_left_out_of_the_curvature() -> None:
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    resting = np.repeat(square, 3, axis=0)
    resting[1] += 1e-9
    assert turning_angle(resting) == pytest.approx(turning_angle(square))
    assert math.isnan(turning_angle(np.zeros((5, 2))))
    assert math.isnan(turning_angle(LINE[:2]))


def test_unrelated_steps_turn_by_right_angles_on_average() -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=(500, 256)), axis=0)
    assert turning_angle(walk) == pytest.approx(90, abs=1)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_ratios_and_angles_do_not_depend_on_scale(scale: float) -> None:
    walk = np.cumsum(np.random.default_rng(1).normal(size=(40, 8)), axis=0)
    ratio = adjacent_distance(walk) / pair_distance([walk])
    assert adjacent_distance(scale * walk) / pair_distance([scale * walk]) == pytest.approx(ratio)
    assert turning_angle(scale * walk) == pytest.approx(turning_angle(walk))
    assert neighbour_share(scale * walk) == neighbour_share(walk)


def test_the_mean_over_pairs_is_that_of_every_pair() -> None:
    random = np.random.default_rng(2)
    parts = [random.normal(size=(700, 3)), random.normal(size=(600, 3)) + 2]
    points = np.concatenate(parts)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    expected = distances[np.triu_indices(len(points), 1)].mean()
    assert pair_distance(parts) == pytest.approx(expected)
    # Neighbours on a line are one step apart, a random pair (n + 1)/3 steps.
    assert adjacent_distance(LINE) / pair_distance([LINE]) == pytest.approx(3 / 31)
    assert math.isnan(pair_distance([LINE[:1]]))


def test_neighbour_share_tells_a_path_from_a_shuffled_one() -> None:
    path = np.linspace(0, 1, 60)[:, None] * np.ones((1, 5))
    assert neighbour_share(path) == 1.0
    shuffled = path[np.random.default_rng(0).permutation(60)]
    assert neighbour_share(shuffled) < 0.25
    assert math.isnan(neighbour_share(path[:2]))


def test_density_is_one_over_the_distance_of_the_kept_frames() -> None:
    assert sampling_density([0, 1, 4]).tolist() == [1, 1 / 3, 1 / 3, 1 / 3]
    assert sampling_density([0, 2, 3, 9]).sum() == pytest.approx(3)


def test_a_window_is_cut_at_the_ends() -> None:
    assert windowed(np.array([1.0, 2, 6, 3]), 1) == pytest.approx([1.5, 3, 11 / 3, 4.5])
    assert windowed(np.array([1.0, 2, 6]), 9) == pytest.approx([3, 3, 3])
    assert [reach(10, 4), reach(61, 21), reach(10, 10), reach(3, 2)] == [3, 3, 1, 2]


def test_frames_chosen_by_the_speed_itself_follow_it_and_even_ones_do_not() -> None:
    random = np.random.default_rng(3)
    following, even = [], []
    for _ in range(20):
        speed = np.repeat(random.uniform(0.1, 3.0, 12), 8)
        length = np.concatenate([[0.0], np.cumsum(speed)])
        marks = np.linspace(0, length[-1], 33)
        kept = sorted({0, len(speed), *np.searchsorted(length, marks[1:-1]).tolist()})
        following.append(speed_correlation(kept, speed, 33))
        even.append(speed_correlation(sorted({*range(0, 96, 3), 96}), speed, 33))
    assert np.mean(following) > 0.85
    assert all(math.isnan(value) or abs(value) < 0.5 for value in even)
    backwards = speed_correlation(kept, -speed, 33)
    assert backwards == pytest.approx(-speed_correlation(kept, speed, 33))


def test_no_correlation_without_anything_that_changes() -> None:
    speed = np.random.default_rng(4).uniform(size=60)
    assert math.isnan(speed_correlation(range(0, 61, 3), speed, 21))
    assert math.isnan(speed_correlation([0, 5, 60], np.ones(60), 21))


def test_a_sequence_of_fewer_than_three_windows_has_no_correlation() -> None:
    speed = np.linspace(0.1, 1, 21)
    kept = [0, 4, 8, 12, 15, 18, 20, 21]
    assert reach(22, 8) == 3
    assert speed_correlation(kept, speed, 8) > 0.9
    assert math.isnan(speed_correlation([*kept[:-2], 20], speed[:-1], 8))
