"""The Python interface: its examples, and that it is what the commands do."""

from __future__ import annotations

import doctest
import json

import numpy as np
import pytest

from vcmflow import api
from vcmflow.__main__ import main
from vcmflow.core.errors import VcmflowError
from vcmflow.core.truth import Annotation, Truth
from vcmflow.core.video import read_video
from vcmflow.sample.decide import choose_frames

METHOD = api.Method(codec="{codec: x264, preset: ultrafast}")


def test_the_examples_are_true():
    assert doctest.testmod(api).failed == 0
    assert doctest.testmod(api).attempted > 10


def test_the_commands_do_the_same(make_video, tmp_path, capsys):
    video = make_video(12)
    summary = api.compress(video, tmp_path / "a.vcm", keep="1/3", method=METHOD)
    words = ["--keep", "1/3", "--codec", METHOD.codec]
    assert main(["compress", str(video), str(tmp_path / "b.vcm"), *words]) == 0
    assert (tmp_path / "a.vcm").read_bytes() == (tmp_path / "b.vcm").read_bytes()
    assert summary.bytes == (tmp_path / "a.vcm").stat().st_size
    capsys.readouterr()
    assert main(["evaluate", str(video), str(tmp_path / "a.vcm"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    restored = [timed.frame for timed in api.restore(tmp_path / "a.vcm")]
    kept = api.sample(video, "1/3")
    assert kept == choose_frames("uniform", 12, 4)
    own = api.evaluate(read_video(video), restored, kept=kept)
    assert (said["psnr"], said["ssim"]) == (own.psnr, own.ssim)
    assert said["psnr_kept"] == own.psnr_kept
    assert said["kept"] == 4
    assert main(["evaluate", str(video), str(tmp_path / "a.vcm")]) == 0
    assert "kbit/s" in capsys.readouterr().out


def test_accuracy_is_that_of_what_is_found(brightest):
    frames = [np.zeros((40, 60, 3), np.uint8) for _ in range(10)]
    for number, frame in enumerate(frames):
        frame[5:25, 2 * number : 2 * number + 20] = 255
    same = api.evaluate(frames, frames, detector=brightest)
    assert (same.psnr, same.ssim, same.status) == (100, 1, "pseudo")
    assert same.accuracy == {"map": 1, "map50": 1, "ap_person": 1, "ap50_person": 1}
    # Half the frames show what was there ten pixels away: IoU 1 / 3.
    moved = [*frames[:5], *(np.roll(frame, 10, axis=1) for frame in frames[5:])]
    half = api.evaluate(frames, moved, detector=brightest, kept=range(5))
    assert half.accuracy["map"] == pytest.approx(51 / 101)  # precision 1 up to recall 1/2
    assert half.psnr_kept == 100
    box = Annotation(0, 3, (0, 5, 20, 20), 400, False, False, None, None)
    other = api.evaluate(frames, frames, detector=brightest, truth=Truth({3: "car"}, (box,)))
    assert (other.status, other.accuracy["map"]) == ("", 0)


def test_as_many_frames_are_wanted(make_video):
    frames = list(read_video(make_video(3)))
    with pytest.raises(VcmflowError, match="the restored frames end after 2"):
        api.evaluate(frames, frames[:2])
    with pytest.raises(VcmflowError, match="more restored frames than the original's 3"):
        api.evaluate(frames, [*frames, frames[0]])
    with pytest.raises(VcmflowError, match="no frames to evaluate"):
        api.evaluate([], [])


def test_frames_of_two_sizes_are_refused(tmp_path):
    frames = [np.zeros((48, 64, 3), np.uint8), np.zeros((48, 66, 3), np.uint8)]
    with pytest.raises(VcmflowError, match="a frame is 66x48, the ones before are 64x48"):
        api.compress(frames, tmp_path / "a.vcm", method=METHOD)
    with pytest.raises(VcmflowError, match="a frame is float64"):
        api.compress([np.zeros((48, 64, 3))], tmp_path / "a.vcm", method=METHOD)
    with pytest.raises(VcmflowError, match="has no frames"):
        api.compress([], tmp_path / "a.vcm", method=METHOD)
