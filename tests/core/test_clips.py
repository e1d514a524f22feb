"""Which frames a network of clips sees, and at what size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcmflow.core.clips import View
from vcmflow.core.errors import VcmflowError


def view(frames: int, stride: int) -> View:
    return View(frames, stride, 48, 32)


def test_spread_frames_are_the_middles_of_equal_parts() -> None:
    assert view(8, 0).indices(80) == [[5, 15, 25, 35, 45, 55, 65, 75]]
    assert view(8, 0).indices(8) == [[*range(8)]]


def test_clips_with_a_stride_lie_in_the_middles_of_equal_parts() -> None:
    assert view(4, 2).indices(7) == [[0, 2, 4, 6]]
    assert view(4, 2).indices(27) == [[10, 12, 14, 16]]
    assert [clip[0] for clip in view(4, 2).indices(27, 3)] == [3, 10, 17]


@given(st.integers(1, 40), st.integers(0, 5), st.integers(1, 6), st.integers(0, 200))
def test_clips_stay_in_the_video_and_keep_their_stride(frames, stride, clips, more) -> None:
    total = max(frames, (frames - 1) * max(1, stride) + 1) + more
    found = view(frames, stride).indices(total, clips if stride else 1)
    assert len(found) == (clips if stride else 1)
    for clip in found:
        assert len(clip) == frames
        assert clip[0] >= 0 and clip[-1] < total
        steps = set(np.diff(clip).tolist())
        assert steps <= {stride} if stride else all(step >= 1 for step in steps)
    # As far from the end as from the beginning, up to rounding.
    assert abs(found[0][0] - (total - 1 - found[-1][-1])) <= 1


@pytest.mark.parametrize(("frames", "stride", "total"), [(8, 0, 7), (8, 1, 7), (4, 3, 9)])
def test_a_short_video_is_one_clear_line(frames: int, stride: int, total: int) -> None:
    with pytest.raises(VcmflowError, match=f"the video has {total} frames, a clip of {frames}"):
        view(frames, stride).indices(total)


def test_the_square_is_the_middle_of_the_resized_frame() -> None:
    frame = np.zeros((96, 192, 3), np.uint8)
    frame[16:80, 64:128] = 255  # what remains of 48 px of short side and a crop of 32
    assert (view(1, 1).square(frame) == 255).all()
    seen = view(1, 1).square(frame)
    assert view(1, 1).square(seen) is seen
