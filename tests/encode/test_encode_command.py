"""``vcmflow stage encode`` end to end, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from importance_maps import need_words
from test_codecs import LOSSY

from vcmflow.__main__ import stage
from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.encoding import Shape, read_encoding
from vcmflow.core.registry import build
from vcmflow.core.video import write_video
from vcmflow.encode.registry import CODECS

KEPT = (0, 3, 4, 8)


@pytest.fixture
def sequence(tmp_path, moving_frames):
    """Nine frames of 67x45 of which four are kept."""
    frames = moving_frames(9, 67, 45)
    write_video(tmp_path / "frames.mkv", frames, 10)
    decision = Decision("yard_left", "uniform", "uniform", 9, 4, KEPT, 10.0)
    write_decision(tmp_path / "decision.json", decision)
    return tmp_path, frames


def arguments(folder, *more, points=("30", "40"), out="out"):
    return [
        "encode", "--frames", str(folder / "frames.mkv"),
        "--decision", str(folder / "decision.json"), "--points", *points,
        "--out", str(folder / out), *more,
    ]  # fmt: skip


def test_only_the_kept_frames_are_coded_and_everything_is_recorded(sequence):
    folder, frames = sequence
    assert stage(arguments(folder, "--codec", "{codec: vvenc, structure: ai}")) == 0
    encoding = read_encoding(folder / "out" / "encode.json")
    assert encoding.codec == {"codec": "vvenc", "structure": "ai"}
    assert encoding.shape == Shape(67, 45, 4, 10.0)
    assert encoding.encoder["encoder"].startswith("VVenC 1.")
    assert encoding.encoder["ffmpeg"] not in ("", "unknown")
    assert encoding.encoder["colour"]["matrix"] == "bt709"
    assert list(encoding.points) == ["30", "40"]
    assert "40" in encoding.points["40"].arguments
    for point, coded in encoding.points.items():
        stream = folder / "out" / f"{point}.266"
        assert coded.bytes == stream.stat().st_size
        assert 0 < coded.seconds < 60
        decoded = list(build(CODECS, "vvenc", "codec", {}).decode({"base": stream}, encoding.shape))
        for position, picture in zip(KEPT, decoded, strict=True):
            distances = [np.abs(picture.astype(int) - frame).mean() for frame in frames]
            assert int(np.argmin(distances)) == position
    content = json.loads((folder / "out" / "encode.json").read_text())
    assert list(content) == ["codec", "width", "height", "fps", "frames", "encoder", "points"]


@pytest.mark.parametrize("codec", LOSSY)
def test_a_second_run_and_more_threads_write_the_same_files(sequence, codec):
    folder, _ = sequence
    needs = need_words(codec, folder, 9, 67, 45)
    assert stage(arguments(folder, "--codec", codec, *needs, out="one")) == 0
    assert stage(arguments(folder, "--codec", codec, *needs, "--threads", "3", out="two")) == 0
    names = sorted(path.name for path in (folder / "one").glob("[!.]*"))
    suffixes = sorted([*CODECS[codec].streams.values(), *CODECS[codec].records.values()])
    assert names == [f"{q}{suffix}" for q in (30, 40) for suffix in suffixes] + ["encode.json"]
    for name in names[:-1]:
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()
    one, two = (json.loads((folder / out / "encode.json").read_text()) for out in ("one", "two"))
    for content in (one, two):
        for coded in content["points"].values():
            del coded["seconds"]
    assert one == two
    assert "unknown" not in json.dumps(one)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--points", "22", "64"], "codec 'vvenc': point 64; allowed: whole numbers in 0..63"),
        (["--points", "-1", "30"], "point -1; allowed"),
        (["--points", "30", "30"], "points 30 30; wanted: at least one, each once"),
        (
            ["--codec", "vp9"],
            "unknown codec 'vp9'; allowed: av1, kvazaar_roi, lossless, "
            "transvfc, transvfc_r50, vcs_alone, vcs_vvenc, vcs_x264, vcs_x265, vvenc",
        ),
        (["--codec", "{structure: ld, codec: vvenc}"], "structure is 'ld'; allowed: 'ra' or 'ai'"),
        (["--codec", "{codec: vvenc, preset: turbo}"], "preset is 'turbo'; allowed: 'faster'"),
        (["--codec", "{codec: vvenc, intra_period: 20}"], "multiples of the GOP size 16"),
        (["--codec", "{codec: vvenc, speed: 9}"], "codec 'vvenc' has no option 'speed'"),
        (["--codec", "{preset: fast}"], "wanted: a name, or a mapping"),
        (["--need", "embedding=e.npy"], "codec 'vvenc' needs no embedding; it needs: nothing"),
        (["--weights", "w.pt"], "--weights w.pt: no such file"),
        (["--weights", __file__], "codec 'vvenc' takes no weights"),
        (["--threads", "0"], "--threads is 0; allowed: 1 or more"),
        (["--frames", "none.mkv"], "none.mkv: no such file"),
        (["--codec", "{codec: vvenc, extra: no=1}"], "vvenc: extra is 'no=1': ffmpeg failed"),
    ],
)
def test_bad_input_is_one_line(sequence, capsys, more, message):
    folder, _ = sequence
    assert stage(arguments(folder, *more)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (folder / "out").exists()


@pytest.mark.parametrize("length", [8, 10])
def test_a_decision_for_another_video_is_noticed(sequence, moving_frames, capsys, length):
    folder, _ = sequence
    write_video(folder / "frames.mkv", moving_frames(length, 67, 45), 10)
    assert stage(arguments(folder)) == 2
    assert f"has {length} frames, not 9" in capsys.readouterr().err
    assert not (folder / "out").exists()
