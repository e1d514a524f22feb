"""Rendered motions: no frame shows the class, and clips in folders of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vcmflow.core.video import read_video
from vcmrender.__main__ import main
from vcmrender.actions import render_motion
from vcmrender.catalogue import ACTION_TEST, MOTIONS
from vcmrender.seeds import stream


def test_the_first_frame_is_the_same_whatever_the_class() -> None:
    firsts = [
        next(iter(render_motion(motion, 8, 64, np.random.default_rng(3), "left")))
        for motion in MOTIONS
    ]
    assert all(np.array_equal(first, firsts[0]) for first in firsts)


@pytest.mark.parametrize("motion", MOTIONS)
def test_something_moves_in_every_class_and_the_same_seed_gives_the_same_bytes(
    motion: str,
) -> None:
    clips = [
        np.stack(list(render_motion(motion, 8, 64, np.random.default_rng(5), "right")))
        for _ in range(2)
    ]
    assert np.array_equal(*clips)
    assert clips[0].shape == (8, 64, 64, 3) and clips[0].dtype == np.uint8
    change = np.abs(np.diff(clips[0].astype(int), axis=0)).max(axis=(0, 3))
    assert (change > 40).any()  # far above the noise
    assert (change < 12).mean() > 0.3  # of a ground that stands still


def centre(pictures: list[np.ndarray]) -> np.ndarray:
    """Where pictures differ from what lies behind, as an angle on the circle of places."""
    still = np.median(np.stack(pictures), axis=0)
    places = []
    for picture in pictures:
        weight = (np.abs(picture - still).max(axis=2) > 40).sum(axis=0)
        angle = 2 * np.pi * np.arange(picture.shape[1]) / picture.shape[1]
        places.append(np.angle((weight * np.exp(1j * angle)).sum()))
    return np.unwrap(places)


def test_directions_are_what_they_are_called() -> None:
    for motion, sign in (("left", -1), ("right", 1)):
        moved = []
        for seed in range(6):
            rng = np.random.default_rng(seed)
            pictures = [p.astype(int) for p in render_motion(motion, 12, 64, rng, "left")]
            place = centre(pictures)
            moved.append(place[-1] - place[0])
        assert np.sign(np.median(moved)) == sign, (motion, moved)


def test_test_clips_lie_in_folders_of_their_classes(tmp_path: Path) -> None:
    words = ["--kind", "actions", "--height", "64", "--frames", "6", "--seed", "4"]
    assert main([*words, "--out", str(tmp_path), "--sequences", "up/3.mp4", "left/1.mp4"]) == 0
    found = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.mp4"))
    assert found == ["left/1.mp4", "up/3.mp4"]
    expected = list(render_motion("up", 6, 64, stream(4, "actions", "test", "up/3.mp4"), "left"))
    frames = list(read_video(tmp_path / "up" / "3.mp4"))
    assert len(frames) == 6
    for frame, picture in zip(frames, expected, strict=True):
        assert np.abs(frame.astype(int) - picture).mean() < 8


def test_training_clips_take_turns_over_the_classes(tmp_path: Path) -> None:
    words = ["--kind", "actions", "--split", "train", "--height", "64", "--frames", "3"]
    assert main([*words, "--out", str(tmp_path / "all"), "--sequences", "12"]) == 0
    found = sorted((tmp_path / "all").rglob("*.mp4"))
    assert len(found) == 12 and {path.parent.name for path in found} == set(MOTIONS)
    name = found[0].relative_to(tmp_path / "all").as_posix()
    assert main([*words, "--out", str(tmp_path / "one"), "--sequence", name]) == 0
    assert (tmp_path / "one" / name).read_bytes() == found[0].read_bytes()


def test_every_class_has_as_many_test_clips() -> None:
    counts = {motion: sum(item.scene == motion for item in ACTION_TEST) for motion in MOTIONS}
    assert set(counts.values()) == {10}


def test_one_frame_is_no_motion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--kind", "actions", "--frames", "1", "--out", str(tmp_path / "x")]
    assert main(words) == 2
    assert "--frames is 1; allowed: 2 and more" in capsys.readouterr().err
