"""``python -m vcmflow encode`` end to end, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vcmflow.__main__ import main
from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.video import write_video
from vcmflow.encode.bitstream import pictures_of
from vcmflow.encode.decode import decode_stream

KEPT = (0, 3, 4, 8)


@pytest.fixture
def sequence(tmp_path, moving_frames):
    """Nine frames of 67x45 of which four are kept."""
    frames = moving_frames(9, 67, 45)
    write_video(tmp_path / "frames.mkv", frames, 10)
    decision = Decision("yard_left", "uniform", "uniform", 9, 4, KEPT, 10.0)
    write_decision(tmp_path / "decision.json", decision)
    return tmp_path, frames


def arguments(folder, *more, qps=("30", "40"), suffix=".266", out="out"):
    streams = [str(folder / out / f"qp{qp}{suffix}") for qp in qps]
    return [
        "encode", "--frames", str(folder / "frames.mkv"),
        "--decision", str(folder / "decision.json"), "--qp", *qps, "--streams-out", *streams,
        "--csv-out", str(folder / out / "encode.csv"),
        "--json-out", str(folder / out / "encode.json"), *more,
    ]  # fmt: skip


def test_only_the_kept_frames_are_coded_and_everything_is_recorded(sequence):
    folder, frames = sequence
    assert main(arguments(folder, "--mode", "ra")) == 0
    sizes = []
    for qp in (30, 40):
        stream = folder / "out" / f"qp{qp}.266"
        sizes.append(stream.stat().st_size)
        assert len(pictures_of(stream)) == len(KEPT)
        decoded = list(decode_stream(stream, 67, 45, len(KEPT)))
        for position, picture in zip(KEPT, decoded, strict=True):
            distances = [np.abs(picture.astype(int) - frame).mean() for frame in frames]
            assert int(np.argmin(distances)) == position
    assert (folder / "out" / "encode.csv").read_text() == (
        f"qp,frames,stream_bytes,codec,mode\n30,4,{sizes[0]},vvenc,ra\n40,4,{sizes[1]},vvenc,ra\n"
    )
    settings = json.loads((folder / "out" / "encode.json").read_text())
    assert settings["encoder"].startswith("VVenC 1.")
    assert settings["ffmpeg"] not in ("", "unknown")
    assert (settings["sequence"], settings["sampler"]) == ("yard_left", "uniform")
    assert (settings["codec"], settings["mode"], settings["preset"]) == ("vvenc", "ra", "faster")
    assert (settings["frames"], settings["fps"], settings["intra_period"]) == (4, 10.0, 32)
    assert (settings["width"], settings["height"]) == (67, 45)
    assert (settings["coded_width"], settings["coded_height"]) == (68, 46)
    assert settings["colour"]["matrix"] == "bt709"
    assert "40" in settings["arguments"]["40"]


def test_a_second_run_and_more_threads_write_the_same_files(sequence):
    folder, _ = sequence
    assert main(arguments(folder, out="one")) == 0
    assert main(arguments(folder, "--threads", "3", out="two")) == 0
    names = sorted(path.name for path in (folder / "one").iterdir())
    assert names == ["encode.csv", "encode.json", "qp30.266", "qp40.266"]
    for name in names:
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()


@pytest.mark.parametrize(("codec", "suffix"), [("x264", ".264"), ("x265", ".265")])
def test_other_codecs_and_options(sequence, codec, suffix):
    folder, _ = sequence
    more = ["--codec", codec, "--mode", "ai", "--preset", "ultrafast"]
    assert main(arguments(folder, *more, suffix=suffix)) == 0
    settings = json.loads((folder / "out" / "encode.json").read_text())
    assert settings["encoder"].startswith(f"{codec} ")
    assert "unknown" not in json.dumps(settings)
    assert settings["intra_period"] == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--qp", "22", "64"], "--qp 64: allowed with vvenc: 0..63"),
        (["--qp", "-1", "30"], "--qp -1: allowed with vvenc: 0..63"),
        (["--qp", "30", "30"], "--qp has a value twice: 30 30"),
        (["--qp", "30"], "--streams-out has 2 files for 1 QPs"),
        (["--codec", "x265"], "streams of x265 end in .265"),
        (["--codec", "vp9"], "unknown codec 'vp9'; allowed: vvenc, x264, x265"),
        (["--mode", "ld"], "mode is 'ld'; allowed: ra, ai"),
        (["--preset", "turbo"], "preset is 'turbo'; allowed: faster"),
        (["--intra-period", "20"], "multiples of the GOP size 16"),
        (["--intra-period", "0"], "--intra-period is 0; allowed: 1 or more"),
        (["--threads", "0"], "--threads is 0; allowed: 1 or more"),
        (["--option", "speed=9"], "codec 'vvenc' has no option 'speed'"),
        (["--option", "gop_size"], "option 'gop_size' is not key=value"),
        (["--frames", "none.mkv"], "none.mkv: no such file"),
    ],
)
def test_bad_input_is_one_line(sequence, capsys, more, message):
    folder, _ = sequence
    assert main(arguments(folder, *more)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (folder / "out").exists()


def test_x265_has_a_smaller_range_of_qps(sequence, capsys):
    folder, _ = sequence
    assert main(arguments(folder, "--codec", "x265", qps=("52",), suffix=".265")) == 2
    assert "--qp 52: allowed with x265: 0..51" in capsys.readouterr().err


@pytest.mark.parametrize("length", [8, 10])
def test_a_decision_for_another_video_is_noticed(sequence, moving_frames, capsys, length):
    folder, _ = sequence
    write_video(folder / "frames.mkv", moving_frames(length, 67, 45), 10)
    assert main(arguments(folder)) == 2
    assert f"has {length} frames, not 9" in capsys.readouterr().err
    assert not (folder / "out").exists()
