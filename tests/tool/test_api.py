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
from vcmflow.task.yolact_mini import build as yolact_mini

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


def test_accuracy_of_unchanged_frames_is_perfect(make_video):
    frames = list(read_video(make_video(3, 96, 96)))
    detector = yolact_mini(None, "cpu")
    truth = Truth({1: "person"}, (Annotation(0, 1, (0, 0, 9, 9), 81, False, False, None, None),))
    same = api.evaluate(frames, frames, detector=detector)
    assert same.psnr == 100
    assert same.status == "pseudo"
    assert all(value in (1.0, None) for value in same.accuracy.values())
    against = api.evaluate(frames, frames, detector=detector, truth=truth)
    assert against.status == ""
    assert set(against.accuracy) == {"map", "map50", "ap_person", "ap50_person"}


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
