"""A codec of another kind in a container: weights, a need, streams in several roles."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vcmflow.__main__ import main
from vcmflow.core.video import read_video
from vcmflow.encode.codec import Report
from vcmflow.encode.registry import CODECS, CodecEntry
from vcmflow.tool.container import open_container


class Means:
    """Sends every frame's mean, and the weights themselves."""

    def __init__(self, key):
        self.key = key

    def encode(self, video, needs, point, out):  # noqa: ARG002
        means = [frame.mean((0, 1)).round() for frame in video]
        assert len(needs["embedding"]) == len(means) == video.shape.pictures
        out["means"].write_bytes(np.array(means, np.uint8).tobytes())
        out["key"].write_bytes(self.key)
        return Report({"encoder": "means"}, [])

    def decode(self, sent, shape):
        assert sent["key"].read_bytes() == self.key
        for mean in np.frombuffer(sent["means"].read_bytes(), np.uint8).reshape(-1, 3):
            yield np.broadcast_to(mean, (shape.height, shape.width, 3)).copy()


def build(*, weights: Path) -> Means:
    return Means(Path(weights).read_bytes())


@pytest.fixture
def compressed(monkeypatch, make_video, tmp_path):
    """A video of two segments, coded by it; compressed(gives) -> the container."""
    monkeypatch.setitem(sys.modules, "other_codec", SimpleNamespace(build=build))
    (tmp_path / "w.bin").write_bytes(b"learned")
    video = make_video(12)

    def compress(gives="frames"):
        streams = {"means": ".means", "key": ".key"}
        entry = CodecEntry(
            *("other_codec:build", ("embedding",)), streams=streams, points=(0.25, 4), gives=gives
        )
        monkeypatch.setitem(CODECS, "means", entry)
        words = ["--codec", "means", "--codec-weights", str(tmp_path / "w.bin"), "--qp", "0.5"]
        words += ["--keep", "1/2", "--segment", "0.3"]
        assert main(["compress", str(video), str(tmp_path / "a.vcm"), *words]) == 0
        return video, tmp_path / "a.vcm"

    return compress


def test_it_comes_back(compressed, tmp_path):
    video, out = compressed()
    with open_container(out) as reader:
        for segment in reader:
            assert segment.streams["key"] == b"learned"
            assert len(segment.streams["means"]) == 3 * segment.kept
    words = [str(tmp_path / "b.mkv"), "--codec-weights", str(tmp_path / "w.bin")]
    assert main(["restore", str(out), *words, "--interpolator", "hold"]) == 0
    original, restored = list(read_video(video)), list(read_video(tmp_path / "b.mkv"))
    assert len(restored) == 12
    for place in (0, 5, 6, 11):  # the ends of both segments
        assert np.abs(original[place].mean((0, 1)) - restored[place][0, 0]).max() <= 0.5


@pytest.mark.parametrize(
    ("gives", "weights", "message"),
    [
        ("frames", None, "needs --codec-weights, the file that encoded it"),
        ("frames", "a.vcm", "not the weights that encoded"),
        ("features", "w.bin", "codec 'means' gives features, no frames"),
    ],
)
def test_what_cannot_be_restored_is_one_line(compressed, tmp_path, capsys, gives, weights, message):
    _, out = compressed(gives)
    words = [] if weights is None else ["--codec-weights", str(tmp_path / weights)]
    assert main(["restore", str(out), str(tmp_path / "b.mkv"), *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "b.mkv").exists()
