"""``python -m vcmflow reconstruct`` end to end, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vcmflow.__main__ import main
from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.gaps import write_gaps
from vcmflow.core.video import read_video


@pytest.fixture
def sent(coded, tmp_path):
    """What the receiver has: streams, decision, metadata bytes, sequence."""
    decision = Decision("yard", "uniform", "uniform", 7, 4, coded.kept, 10.0)
    write_decision(tmp_path / "decision.json", decision)
    write_gaps(tmp_path / "kept.gaps", decision.gaps)
    (tmp_path / "sequence.json").write_text(json.dumps({"width": 67, "height": 45, "fps": 10}))
    return tmp_path


def arguments(coded, folder, *more, qps=(32, 42), out="out"):
    return [
        "reconstruct", "--streams", *(str(coded.stream(qp=qp)) for qp in qps),
        "--out", *(str(folder / out / f"qp{qp}.mkv") for qp in qps), *more,
    ]  # fmt: skip


def by_decision(folder):
    return ["--decision", f"{folder}/decision.json", "--width", "67", "--height", "45"]


@pytest.mark.parametrize("interpolator", ["blend", "flow", "hold"])
def test_all_frames_come_back(coded, sent, interpolator):
    more = [*by_decision(sent), "--interpolator", interpolator]
    assert main(arguments(coded, sent, *more)) == 0
    fine, coarse = (list(read_video(sent / "out" / f"qp{qp}.mkv")) for qp in (32, 42))
    assert len(fine) == len(coarse) == 7
    error = {}
    for name, frames in (("fine", fine), ("coarse", coarse)):
        squares = [(a.astype(float) - b) ** 2 for a, b in zip(frames, coded.frames, strict=True)]
        error[name] = np.mean([squares[position] for position in coded.kept])
    assert error["fine"] < error["coarse"]


def test_stream_metadata_and_size_are_all_a_receiver_needs(coded, sent):
    assert main(arguments(coded, sent, *by_decision(sent), out="one")) == 0
    more = ["--gaps", f"{sent}/kept.gaps", "--width", "67", "--height", "45", "--fps", "10"]
    assert main(arguments(coded, sent, *more, out="two")) == 0
    more = ["--gaps", f"{sent}/kept.gaps", "--sequence", f"{sent}/sequence.json"]
    assert main(arguments(coded, sent, *more, "--threads", "2", out="three")) == 0
    for qp in (32, 42):
        videos = {(sent / out / f"qp{qp}.mkv").read_bytes() for out in ("one", "two", "three")}
        assert len(videos) == 1


def test_options_reach_the_interpolator(coded, sent):
    for out, option in (("one", "preset=ultrafast"), ("two", "preset=medium")):
        more = [*by_decision(sent), "--option", option]
        assert main(arguments(coded, sent, *more, out=out)) == 0
    one, two = (np.stack(list(read_video(sent / out / "qp32.mkv"))) for out in ("one", "two"))
    assert not np.array_equal(one, two)
    assert np.array_equal(one[list(coded.kept)], two[list(coded.kept)])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--interpolator", "magic"], "unknown interpolator 'magic'; allowed: blend, ema_vfi"),
        (["--option", "taps=4"], "interpolator 'flow' has no option 'taps'"),
        (["--weights", "w.pkl"], "--weights: interpolator 'flow' takes none"),
        (["--out", "one.mkv"], "--out has 1 files for 2 streams"),
        (["--threads", "0"], "--threads is 0"),
        (["--width", "0"], "the frames' size is 0x45"),
        (["--width", "80"], "pictures are 68x46, 80x46 is expected"),
        (["--decision", "nowhere.json"], "nowhere.json: no such file"),
        (["--sequence", "s.json"], "--sequence already says --width and --height"),
    ],
)
def test_bad_input_is_one_line(coded, sent, capsys, more, message):
    assert main(arguments(coded, sent, *by_decision(sent), *more)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(sent.glob("out/*"))


def test_size_and_rate_have_to_be_known(coded, sent, capsys):
    assert main(arguments(coded, sent, "--decision", f"{sent}/decision.json")) == 2
    assert "the frames' size is missing" in capsys.readouterr().err
    more = ["--gaps", f"{sent}/kept.gaps", "--width", "67", "--height", "45"]
    assert main(arguments(coded, sent, *more)) == 2
    assert "the frame rate is missing" in capsys.readouterr().err


def test_metadata_of_another_sequence_is_noticed(coded, sent, capsys):
    write_gaps(sent / "kept.gaps", [1, 1])
    more = ["--gaps", f"{sent}/kept.gaps", "--sequence", f"{sent}/sequence.json"]
    assert main(arguments(coded, sent, *more)) == 2
    assert "holds 4 pictures, 3 are expected" in capsys.readouterr().err


def test_a_damaged_stream_leaves_no_video(coded, sent, capsys):
    good = coded.stream(mode="ai", qp=30).read_bytes()
    damaged = sent / "damaged.266"
    middle = len(good) * 2 // 3  # the first pictures still decode
    damaged.write_bytes(good[:middle] + bytes(20) + good[middle + 20 :])
    command = ["reconstruct", "--streams", str(damaged), "--out", str(sent / "out" / "x.mkv")]
    assert main([*command, *by_decision(sent)]) == 2
    assert "damaged.266" in capsys.readouterr().err
    assert list((sent / "out").iterdir()) == []
