"""Every registered reconstructor, and what each is good at."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.reconstruct.flow import warp_between
from vcmflow.reconstruct.rebuild import gap_times, rebuild
from vcmflow.reconstruct.registry import RECONSTRUCTORS

LIGHT = ["blend", "flow", "hold"]


def make(name, **options):
    return build(RECONSTRUCTORS, name, "reconstructor", options)


def psnr(one, other):
    return 10 * np.log10(255**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-9))


@pytest.mark.parametrize("name", sorted(RECONSTRUCTORS))
def test_frames_of_the_right_kind(moving_square, name):
    if name not in LIGHT:
        pytest.importorskip("torch")
    first, second = moving_square(2, 64, 48)
    before = first.copy(), second.copy()
    options = {} if name in LIGHT else {"weights": "random", "size": "small"}
    frames = make(name, **options).interpolate(first, second, [0.25, 0.5, 0.75])
    assert len(frames) == 3
    for frame in frames:
        assert frame.dtype == np.uint8
        assert frame.shape == first.shape
        assert frame is not first
        assert frame is not second
    assert np.array_equal(first, before[0])
    assert np.array_equal(second, before[1])


@pytest.mark.parametrize("name", LIGHT)
def test_a_still_picture_stays_as_it_is(moving_square, name):
    frame = moving_square(1, 67, 45)[0]
    for made in make(name).interpolate(frame, frame.copy(), [0.2, 0.5, 0.9]):
        assert np.array_equal(made, frame)


@pytest.mark.parametrize("name", LIGHT)
def test_one_time_at_a_time_is_the_same(moving_square, name):
    first, second = moving_square(2)
    together = make(name).interpolate(first, second, [0.25, 0.75])
    for time, frame in zip([0.25, 0.75], together, strict=True):
        assert np.array_equal(make(name).interpolate(first, second, [time])[0], frame)


@pytest.mark.parametrize("name", ["blend", "flow"])
def test_played_backwards_is_the_same_backwards(moving_square, name):
    first, second = moving_square(2)
    forward = make(name).interpolate(first, second, [0.25])[0]
    backward = make(name).interpolate(second, first, [0.75])[0]
    assert np.abs(forward.astype(int) - backward).max() <= 1


def test_hold_takes_the_nearer_frame_and_the_earlier_one_of_two(moving_square):
    first, second = moving_square(2)
    made = make("hold").interpolate(first, second, [0.2, 0.5, 0.51, 0.8])
    nearest = [np.array_equal(frame, first) for frame in made]
    assert nearest == [True, True, False, False]
    assert np.array_equal(made[3], second)


def test_blend_is_linear_and_rounds():
    first, second = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    levels = [frame[0, 0, 0] for frame in make("blend").interpolate(first, second, [0.25, 0.75])]
    assert levels == [64, 191]


def test_flow_follows_motion_that_blend_smears(moving_square):
    frames = moving_square(5, 192, 128, 3, 64)
    flow = make("flow").interpolate(frames[0], frames[4], gap_times(3))
    blend = make("blend").interpolate(frames[0], frames[4], gap_times(3))
    for truth, moved, faded in zip(frames[1:4], flow, blend, strict=True):
        assert psnr(moved, truth) > psnr(faded, truth) + 4


def test_flow_takes_what_is_hidden_from_the_frame_that_shows_it(moving_square):
    """With the true flows: what the square uncovers is seen in one frame only."""
    first, truth, second = moving_square(3, 192, 128, 6, 64)
    forward, backward = np.zeros((2, 128, 192, 2), np.float32)
    forward[20:84, 8:72, 0] = 12
    backward[20:84, 20:84, 0] = -12
    made = warp_between(first, second, forward, backward, [0.5], 1.0)[0].astype(float)
    mix = (first.astype(float) + second) / 2
    # In the middle the square covers the columns 14..78; the second frame shows what is left of
    # it, the first one what is right of it.
    for columns, source in ((slice(9, 13), second), (slice(80, 83), first)):
        part = (slice(30, 70), columns)
        assert np.array_equal(source[part], truth[part])
        error = np.abs(made[part] - truth[part]).mean()
        assert error < 0.2 * np.abs(mix[part] - truth[part]).mean()
    assert psnr(made, truth) > 30


def test_flow_shifts_a_panning_picture_by_the_time():
    texture = cv2.GaussianBlur(
        np.random.default_rng(3).integers(0, 256, (80, 140, 3)).astype(np.uint8), (0, 0), 2
    )
    texture = cv2.normalize(texture, None, 10, 245, cv2.NORM_MINMAX)
    first, second = texture[:64, 0:96], texture[:64, 8:104]
    for time, shift in ((0.25, 2), (0.5, 4), (0.75, 6)):
        made = make("flow").interpolate(first, second, [time])[0]
        truth = texture[:64, shift : 96 + shift]
        inner = (slice(8, 56), slice(12, 84))
        assert psnr(made[inner], truth[inner]) > 35


def test_flow_does_not_depend_on_the_number_of_cores(moving_square):
    first, second = moving_square(2, 192, 128)
    before = cv2.getNumThreads()
    results = []
    try:
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            results.append(make("flow").interpolate(first, second, [0.4])[0])
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(result, results[0]) for result in results)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "best"}, "preset is 'best'; allowed: 'ultrafast', 'fast' or 'medium'"),
        ({"tolerance": 0}, "tolerance is 0; allowed: greater than 0"),
        ({"tolerance": "wide"}, "tolerance is 'wide'"),
        ({"speed": 1}, "reconstructor 'flow' has no option 'speed'; allowed: preset, tolerance"),
    ],
)
def test_bad_options_of_flow(options, message):
    with pytest.raises(VcmflowError, match=message):
        make("flow", **options)


def test_flow_says_when_frames_are_too_small():
    tiny = np.zeros((12, 40, 3), np.uint8)
    with pytest.raises(VcmflowError, match="40x12; at least 16x16"):
        make("flow").interpolate(tiny, tiny, [0.5])


class Recorder:
    """Notes what it is asked for."""

    def __init__(self):
        self.calls = []

    def interpolate(self, first, second, times):
        self.calls.append((int(first[0, 0, 0]), int(second[0, 0, 0]), list(times)))
        return [np.full_like(first, 100 + k) for k in range(len(times))]


def flat(level):
    return np.full((2, 2, 3), level, np.uint8)


def test_every_gap_is_filled_at_its_times():
    recorder = Recorder()
    frames = list(rebuild([flat(1), flat(2), flat(3), flat(4)], [3, 0, 1], recorder))
    assert [int(frame[0, 0, 0]) for frame in frames] == [1, 100, 101, 102, 2, 3, 100, 4]
    assert recorder.calls == [(1, 2, [0.25, 0.5, 0.75]), (3, 4, [0.5])]


def test_one_frame_needs_no_gap():
    assert len(list(rebuild([flat(9)], [], Recorder()))) == 1


@pytest.mark.parametrize("count", [0, 2, 4])
def test_another_number_of_frames_is_an_error(count):
    with pytest.raises(VcmflowError, match="frames for 2 gaps"):
        list(rebuild([flat(k) for k in range(count)], [1, 1], Recorder()))
