"""Advice: points that were really tried, chosen by the goal."""

from __future__ import annotations

import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from vcmflow.__main__ import main
from vcmflow.core.errors import VcmflowError
from vcmflow.tool.advise import Candidate, Excerpt, Goal, Trial, advise, between, candidates
from vcmflow.tool.compress import Spool
from vcmflow.tool.method import Method
from vcmflow.tool.plot import picture_plot, terminal_plot
from vcmflow.tool.source import of_frames

METHOD = Method(codec="{codec: x264, preset: ultrafast}", reconstructor="hold")
WHOLE = Candidate(Method(codec="x264", sampler="all"), "1")
RATE = Goal(kbps=100)
ACCURACY = Goal(accuracy=0.5)


@pytest.fixture
def excerpt(tmp_path, brightest):
    """A bright square that jumps about on noise: what is dropped is lost."""
    chance = np.random.default_rng(1)
    frames = []
    for _ in range(8):
        frame = chance.integers(0, 120, (64, 96, 3), dtype=np.uint8)
        x, y = chance.integers(0, 70), chance.integers(0, 40)
        frame[y : y + 20, x : x + 20] = 240
        frames.append(frame)
    spool = Spool(tmp_path / "excerpt.rgb")
    assert len(list(spool.record(of_frames(frames).frames))) == 8
    return Excerpt(spool, 25.0, brightest)


def test_dropping_what_cannot_be_rebuilt_is_not_advised(excerpt):
    curves = candidates(METHOD, [METHOD.codec], ["uniform", "all"], ["1", "1/3"])
    assert [curve.name for curve in curves] == [
        "x264 (preset ultrafast), all frames",
        "x264 (preset ultrafast), uniform 1/3",
    ]
    told = []
    trials = advise(excerpt, curves, [20, 40], Goal(accuracy=0.7), told.append)
    assert set(trials) == set(told)
    assert len(trials) > 4  # and closer to the goal
    best = trials[0]
    assert best.candidate == curves[0]
    assert best.accuracy >= 0.7
    assert all(trial.kbps >= best.kbps for trial in trials if trial.accuracy >= 0.7)
    rates = {trial.point: trial.kbps for trial in trials if trial.candidate == best.candidate}
    assert [rates[point] for point in sorted(rates)] == sorted(rates.values(), reverse=True)


def test_a_rate_is_kept(excerpt):
    curves = candidates(METHOD, [METHOD.codec], ["uniform"], ["1/3"])
    trials = advise(excerpt, curves, [20, 45], Goal(kbps=600))
    best = trials[0]
    assert best.kbps <= 600
    assert best.accuracy == max(trial.accuracy for trial in trials if trial.kbps <= 600)


def test_nothing_to_find_is_said(tmp_path, brightest):
    spool = Spool(tmp_path / "excerpt.rgb")
    frames = [np.zeros((32, 32, 3), np.uint8)] * 2
    assert len(list(spool.record(of_frames(frames).frames))) == 2
    with pytest.raises(VcmflowError, match="nothing to find in the excerpt"):
        Excerpt(spool, 25.0, brightest)


def trials(*points):
    return [Trial(WHOLE, *point) for point in points]


@pytest.mark.parametrize(
    ("tried", "goal", "point"),
    [
        (trials((30, 200, 0.9), (40, 50, 0.5)), RATE, 35),
        (trials((30, 100.1, 0.9), (40, 50, 0.5)), RATE, 31),
        (trials((30, 200, 0.9), (31, 50, 0.5)), RATE, None),
        (trials((30, 90, 0.9), (40, 50, 0.5)), RATE, None),
        (trials((30, 300, 0.9), (41, 200, 0.5)), RATE, 46),
        (trials((30, 200, 0.9), (40, 50, 0.1)), ACCURACY, 35),
        (trials((30, 200, 0.4), (40, 50, 0.1)), ACCURACY, None),
        (trials((30, 200, 0.9), (41, 50, 0.6)), ACCURACY, 46),
    ],
)
def test_the_next_point_lies_where_the_curve_should_meet_the_goal(tried, goal, point):
    assert between(tried, goal) == point


def test_points_are_ranked_by_the_goal():
    a, b, c = trials((30, 200, 0.9), (40, 90, 0.5), (45, 50, 0.5))
    assert sorted([a, b, c], key=RATE.rank, reverse=True) == [c, b, a]
    assert sorted([a, b, c], key=ACCURACY.rank, reverse=True) == [c, b, a]
    assert sorted([a, b, c], key=Goal(accuracy=0.95).rank, reverse=True) == [a, c, b]
    assert sorted([a, b, c], key=Goal(kbps=40).rank, reverse=True) == [c, b, a]


@pytest.mark.parametrize("goal", [{}, {"kbps": 1, "accuracy": 1}, {"kbps": 0}, {"accuracy": 2}])
def test_goals_that_cannot_be(goal):
    with pytest.raises(VcmflowError):
        Goal(**goal)


def test_plots_have_every_curve(tmp_path):
    other = Candidate(METHOD, "1/3")
    tried = [*trials((30, 200, 0.9), (40, 50, 0.5)), Trial(other, 30, 120, 0.0)]
    text = terminal_plot(tried, RATE)
    assert "x264, all frames" in text
    assert "x264 (preset ultrafast), uniform 1/3" in text
    assert text.count("|") >= 16
    assert max(map(len, text.splitlines())) <= 80
    picture_plot(tmp_path / "a.png", tried, ACCURACY, "title")
    assert cv2.imread(str(tmp_path / "a.png")).shape[0] > 300


def test_the_command_line_that_is_said_works(real, tmp_path, capsys, monkeypatch):
    frames = sorted((real / "davis2016/JPEGImages/480p/car-shadow").iterdir())[:6]
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for path in frames:
        cv2.imwrite(f"in/{path.stem}.png", cv2.resize(cv2.imread(str(path)), (320, 180)))
    detector = ["--detector", "onnx", "--detector-weights", f"{real}/models/fastestdet.onnx"]
    words = ["advise", "in", *detector, "--kbps", "300", "--qps", "35", "45", "--keeps", "1/3"]
    words += ["--codecs", METHOD.codec, "--interpolator", "hold", "--plot", "a.png"]
    assert main([*words, "--count", "6", "--fps", "10"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert Path("a.png").is_file()
    (line,) = [line for line in said if line.startswith("  vcmflow compress")]
    assert main(shlex.split(line)[1:]) == 0
    assert main(["evaluate", "in", "in.vcm", *detector]) == 0
    text = capsys.readouterr().out
    assert "against what the detector finds on the original" in text
