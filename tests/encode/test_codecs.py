"""What holds for every registered codec, and for one of another kind: more streams, features."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from importance_maps import BUILT_IN, need_words

from vcmflow.__main__ import stage
from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.encoding import read_encoding
from vcmflow.core.features import read_features
from vcmflow.core.video import read_video, write_video
from vcmflow.encode.codec import Report
from vcmflow.encode.registry import CODECS, CodecEntry

LOSSY = sorted(name for name in BUILT_IN if not CODECS[name].lossless)


def write_sequence(folder, frames, kept):
    write_video(folder / "frames.mkv", frames, 10)
    decision = Decision("yard", "uniform", "uniform", len(frames), len(kept), tuple(kept), 10.0)
    write_decision(folder / "decision.json", decision)
    return folder


def encode(folder, codec, points, *more):
    name = codec["codec"] if isinstance(codec, dict) else codec
    frames = list(read_video(folder / "frames.mkv"))
    if name in BUILT_IN:
        height, width = frames[0].shape[:2]
        # What importance takes from a part of the frames would hide what coding does.
        more = (*more, *need_words(name, folder, len(frames), width, height, flat=True))
    return stage([
        "encode", "--frames", f"{folder}/frames.mkv", "--decision", f"{folder}/decision.json",
        "--codec", json.dumps(codec), "--points", *map(str, points), "--out", f"{folder}/sent",
        *more,
    ])  # fmt: skip


def reconstruct(folder, point, suffix=".mkv", *more):
    return [
        "reconstruct", "--encoded", f"{folder}/sent/encode.json", "--points", point,
        "--decision", f"{folder}/decision.json", "--reconstructor", "hold",
        "--out", f"{folder}/out/{point}{suffix}", *more,
    ]  # fmt: skip


def some_points(name, data):
    low, high = CODECS[name].points or (0, 1)
    whole = isinstance(low, int) and isinstance(high, int)
    third = (high - low) // 3 if whole else (high - low) / 3
    numbers = st.integers if whole else st.floats
    # Far enough apart for the quality to tell, and off the ends, where it does not change.
    near = data.draw(numbers(low + third // 2, low + third))
    return near, data.draw(numbers(near + third, high - 1))


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
@pytest.mark.parametrize("name", LOSSY)
def test_round_trip(name, moving_frames, tmp_path_factory, data):
    """Number, size and order of frames; quality follows the point; encode.json tells the truth."""
    width, height = (data.draw(st.integers(32, 80)) for _ in "wh")
    kept = [0, *sorted(data.draw(st.sets(st.integers(1, 7), max_size=5))), 8]
    structure = data.draw(st.sampled_from(["ra", "ai"]))
    points = some_points(name, data)
    # Grey: what 4:2:0 takes from colours would hide what coding does.
    frames = [np.stack([frame[..., 1]] * 3, 2) for frame in moving_frames(9, width, height)]
    folder = write_sequence(tmp_path_factory.mktemp(name), frames, kept)
    assert encode(folder, {"codec": name, "structure": structure}, points) == 0
    encoding = read_encoding(folder / "sent" / "encode.json")
    files = {path.name: path.stat().st_size for path in (folder / "sent").glob("[!.]*")}
    for record in ["encode.json", *(name for name in files if name.endswith(".npy"))]:
        del files[record]
    assert sum(files.values()) == sum(coded.bytes for coded in encoding.points.values())
    psnr = []
    for point in encoding.points:
        assert stage(reconstruct(folder, point)) == 0
        decoded = list(read_video(folder / "out" / f"{point}.mkv"))
        assert [frame.shape for frame in decoded] == [(height, width, 3)] * 9
        error = np.mean([(decoded[k].astype(float) - frames[k]) ** 2 for k in kept])
        psnr.append(10 * np.log10(255**2 / error))
    assert psnr[0] > psnr[1] + 1
    first, second = encoding.points.values()
    assert first.bytes > second.bytes


@pytest.fixture(params=LOSSY)
def sent(request, moving_frames, tmp_path):
    folder = write_sequence(tmp_path, moving_frames(5, 48, 32), [0, 2, 4])
    assert encode(folder, request.param, [30]) == 0
    return folder


def test_another_process_decodes_the_same(sent):
    assert stage(reconstruct(sent, "30")) == 0
    here = (sent / "out" / "30.mkv").read_bytes()
    (sent / "frames.mkv").unlink()
    command = [sys.executable, "-m", "vcmflow", "stage", *reconstruct(sent, "30")]
    subprocess.run(command, check=True, cwd=sent / "sent")
    assert (sent / "out" / "30.mkv").read_bytes() == here


def test_a_changed_or_missing_stream_is_one_clear_error(sent, capsys):
    encoding = read_encoding(sent / "sent" / "encode.json")
    for stream in encoding.points["30"].streams:
        path = sent / "sent" / stream.file
        good = path.read_bytes()
        for position in (0, len(good) // 2, len(good) - 1):
            content = bytearray(good)
            content[position] ^= 16
            path.write_bytes(content)
            assert stage(reconstruct(sent, "30")) == 2
            error = capsys.readouterr().err
            assert f"{path}: damaged, or of another run" in error
            assert error.count("\n") == 1
        path.unlink()
        assert stage(reconstruct(sent, "30")) == 2
        error = capsys.readouterr().err
        assert f"{path}: cannot be read" in error
        assert error.count("\n") == 1
        path.write_bytes(good)
    assert not (sent / "out").exists()


class Means:
    """A codec of another kind: it sends block means and a key in streams of their own."""

    def __init__(self, key, scale):
        self.key = key
        self.scale = scale

    def encode(self, video, needs, point, out):
        step = point * self.scale
        with out["means"].open("wb") as file:
            for frame, index in zip(video, needs["embedding"], strict=True):
                mean = frame.mean((0, 1)) + index[0]
                file.write((mean / step).round().astype("<u2").tobytes())
        out["key"].write_bytes(self.key)
        return Report({"encoder": "means"}, [f"step={step}"])

    def decode(self, sent, shape):
        assert sent["key"].read_bytes() == self.key
        means = np.frombuffer(sent["means"].read_bytes(), "<u2").reshape(-1, 3)
        assert len(means) == shape.pictures
        for mean in means:
            yield {"mean": mean, "size": np.array([shape.height, shape.width])}


def build(*, weights: Path, scale: float = 1.0) -> Means:
    return Means(Path(weights).read_bytes(), scale)


@pytest.fixture
def means(monkeypatch, moving_frames, tmp_path):
    """The codec, registered as one line, and a sequence for it."""
    sys.modules["other_codec"] = SimpleNamespace(build=build)
    monkeypatch.setitem(
        CODECS,
        "means",
        CodecEntry(
            "other_codec:build",
            needs=("embedding",),
            streams={"means": ".means", "key": ".key"},
            points=(0.25, 4.0),
            gives="features",
        ),
    )
    write_sequence(tmp_path, moving_frames(5, 48, 32), [0, 1, 4])
    np.save(tmp_path / "e.npy", np.arange(10, dtype=np.float32).reshape(5, 2))
    (tmp_path / "w.bin").write_bytes(b"learned")
    yield tmp_path
    del sys.modules["other_codec"]


INSTANCE = {"codec": "means", "embedding": "learned", "scale": 2}


def encode_means(folder):
    more = ["--need", f"embedding={folder}/e.npy", "--weights", f"{folder}/w.bin"]
    return encode(folder, INSTANCE, [0.5, 4], *more)


def test_a_codec_with_needs_weights_streams_and_features(means):
    assert encode_means(means) == 0
    assert sorted(path.name for path in (means / "sent").glob("[!.]*")) == [
        "0.5.key", "0.5.means", "4.key", "4.means", "encode.json",
    ]  # fmt: skip
    encoding = read_encoding(means / "sent" / "encode.json")
    assert encoding.codec == INSTANCE
    assert encoding.points["0.5"].bytes == 3 * 3 * 2 + len(b"learned")
    more = ["--codec-weights", f"{means}/w.bin"]
    assert stage(reconstruct(means, "0.5", ".npz", *more)) == 0
    features = list(read_features(means / "out" / "0.5.npz"))
    assert len(features) == 5
    originals = [frame.mean((0, 1)).round() for frame in read_video(means / "frames.mkv")]
    for features_of, nearest in zip(features, (0, 1, 1, 4, 4), strict=True):
        # The codec adds a number of the frame itself, not of the one at its place.
        assert np.array_equal(features_of["mean"], originals[nearest] + 2 * nearest)
        assert features_of["size"].tolist() == [32, 48]


@pytest.mark.parametrize(
    ("suffix", "more", "message"),
    [
        (".mkv", [], "what this codec gives is written as .npz"),
        (".npz", ["--reconstructor", "flow"], "'flow' takes no features, which codec 'means' give"),
        (".npz", ["--codec-weights", "decision.json"], "not the weights that encoded"),
        (".npz", ["--codec-weights", "gone.bin"], "not the weights that encoded"),
        (".npz", [], "needs --codec-weights"),
    ],
)
def test_what_does_not_go_together_is_one_line(means, monkeypatch, capsys, suffix, more, message):
    monkeypatch.chdir(means)
    assert encode_means(means) == 0
    assert stage(reconstruct(means, "4", suffix, *more)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_need_or_a_stream_that_is_missing(means, monkeypatch, capsys):
    assert encode(means, INSTANCE, [1], "--weights", f"{means}/w.bin") == 2
    assert "codec 'means' needs --need embedding=FILE" in capsys.readouterr().err
    np.save(means / "e.npy", np.ones((4, 2), np.float32))
    assert encode_means(means) == 2
    assert "'means': --need embedding is of 4 frames, the video has 5" in capsys.readouterr().err
    np.save(means / "e.npy", np.ones((5, 2), np.float32))
    monkeypatch.setattr(Means, "encode", lambda *_: Report({}, []))
    assert encode_means(means) == 2
    assert "codec 'means' at 0.5: wrote no 'means'" in capsys.readouterr().err
    assert not (means / "sent").exists()
