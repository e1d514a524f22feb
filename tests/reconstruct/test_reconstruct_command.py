"""``vcmflow stage reconstruct`` end to end, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vcmflow.__main__ import stage
from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.files import record
from vcmflow.core.gaps import write_gaps
from vcmflow.core.video import read_video, write_video


@pytest.fixture
def sent(coded, tmp_path):
    """What the receiver has: encode.json with its streams, decision, metadata bytes."""
    decision = Decision("yard", "uniform", "uniform", 7, 4, coded.kept, 10.0)
    write_decision(tmp_path / "decision.json", decision)
    write_gaps(tmp_path / "kept.gaps", decision.gaps)
    write_video(tmp_path / "frames.mkv", coded.frames, 10)
    command = ["encode", "--frames", f"{tmp_path}/frames.mkv", "--points", "32", "42"]
    command += ["--decision", f"{tmp_path}/decision.json", "--out", f"{tmp_path}/sent"]
    assert stage(command) == 0
    return tmp_path


def arguments(folder, *more, points=("32", "42"), out="out"):
    placed = [] if "--gaps" in more else ["--decision", f"{folder}/decision.json"]
    return [
        "reconstruct", "--encoded", f"{folder}/sent/encode.json", "--points", *points, *placed,
        "--out", *(f"{folder}/{out}/{point}.mkv" for point in points), *more,
    ]  # fmt: skip


@pytest.mark.parametrize("reconstructor", ["blend", "flow", "hold"])
def test_all_frames_come_back(coded, sent, reconstructor):
    more = ["--reconstructor", reconstructor, "--times-out", f"{sent}/out/times.json"]
    assert stage(arguments(sent, *more)) == 0
    fine, coarse = (list(read_video(sent / "out" / f"{qp}.mkv")) for qp in (32, 42))
    assert len(fine) == len(coarse) == 7
    error = {}
    for name, frames in (("fine", fine), ("coarse", coarse)):
        squares = [(a.astype(float) - b) ** 2 for a, b in zip(frames, coded.frames, strict=True)]
        error[name] = np.mean([squares[position] for position in coded.kept])
    assert error["fine"] < error["coarse"]
    times = json.loads((sent / "out" / "times.json").read_text())
    assert list(times) == ["points"]
    assert list(times["points"]) == ["32", "42"]
    for seconds in times["points"].values():
        assert list(seconds) == ["decode_seconds", "reconstruct_seconds"]
        assert 0 < seconds["decode_seconds"] < 60
        assert 0 <= seconds["reconstruct_seconds"] < 60


def test_the_gaps_are_all_that_a_receiver_needs_of_the_decision(sent):
    assert stage(arguments(sent, out="one")) == 0
    (sent / "decision.json").unlink()
    (sent / "frames.mkv").unlink()
    assert stage(arguments(sent, "--gaps", f"{sent}/kept.gaps", "--threads", "2", out="two")) == 0
    for qp in (32, 42):
        videos = {(sent / out / f"{qp}.mkv").read_bytes() for out in ("one", "two")}
        assert len(videos) == 1


def test_options_reach_the_reconstructor(coded, sent):
    for out, preset in (("one", "ultrafast"), ("two", "medium")):
        instance = json.dumps({"reconstructor": "flow", "preset": preset})
        assert stage(arguments(sent, "--reconstructor", instance, out=out)) == 0
    one, two = (np.stack(list(read_video(sent / out / "32.mkv"))) for out in ("one", "two"))
    assert not np.array_equal(one, two)
    assert np.array_equal(one[list(coded.kept)], two[list(coded.kept)])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--reconstructor", "magic"], "unknown reconstructor 'magic'; allowed: blend, ema_vfi"),
        (["--reconstructor", "{reconstructor: flow, taps: 4}"], "'flow' has no option 'taps'"),
        (["--weights", "w.pkl"], "reconstructor 'flow' takes no weights"),
        (["--codec-weights", "w.pkl"], "codec 'vvenc' takes no weights"),
        (["--out", "one.mkv"], "--out has 1 files for 2 points"),
        (["--out", "one.mkv", "two.npz"], "two.npz: what this codec gives is written as .mkv"),
        (["--points", "37", "32"], "encode.json: no point 37; there are 32, 42"),
        (["--threads", "0"], "--threads is 0"),
        (["--decision", "nowhere.json"], "nowhere.json: no such file"),
        (["--encoded", "nowhere.json"], "nowhere.json: no such file"),
    ],
)
def test_bad_input_is_one_line(sent, capsys, more, message):
    assert stage([*arguments(sent), *more]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(sent.glob("out/*"))


def test_metadata_of_another_sequence_is_noticed(sent, capsys):
    write_gaps(sent / "kept.gaps", [1, 1])
    assert stage(arguments(sent, "--gaps", f"{sent}/kept.gaps")) == 2
    assert "holds 4 pictures, 3 are expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("points"),
        lambda content: content.update(codec="vvenc"),
        lambda content: content.update(frames=0),
        lambda content: content["points"]["32"]["streams"][0].update(file="../frames.mkv"),
        lambda content: content["points"]["32"]["streams"][0].update(bytes="many"),
    ],
)
def test_what_is_no_encode_json_is_refused(sent, capsys, change):
    path = sent / "sent" / "encode.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    record(path).unlink()
    assert stage(arguments(sent)) == 2
    error = capsys.readouterr().err
    assert "encode.json: not what encode writes" in error
    assert error.count("\n") == 1
