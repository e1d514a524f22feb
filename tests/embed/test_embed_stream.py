"""Reading what the user has, as a stream, and ``vcmflow stage embed``."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from vcmflow.__main__ import stage
from vcmflow.core.embedding import embed_frames, load_embedder, prefetch
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import open_source, write_video
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.sample.decide import choose_frames


def ramp(n, height=36, width=64):
    """A bright bar that moves over a gradient."""
    frames = []
    for number in range(n):
        frame = np.tile(np.linspace(0, 120, width), (height, 1))[..., None].repeat(3, axis=2)
        frame[:, 3 * number : 3 * number + 6] = 250
        frames.append(frame.astype(np.uint8))
    return frames


def test_items_come_in_order_and_errors_in_their_place():
    def items():
        yield from range(5)
        raise VcmflowError("broken here")

    got = []
    with pytest.raises(VcmflowError, match="broken here"):
        got.extend(prefetch(items(), depth=2))
        pytest.fail("the error was lost")
    reader = prefetch(items(), depth=2)
    assert [next(reader) for _ in range(5)] == list(range(5))


def test_no_more_than_the_depth_is_made_in_advance_and_the_thread_ends():
    made = []
    before = threading.active_count()
    reader = prefetch((made.append(number) or number for number in range(1000)), depth=3)
    assert next(reader) == 0
    reader.close()
    assert len(made) <= 6
    assert threading.active_count() == before


def test_a_stream_is_embedded_without_holding_it():
    class Lengths:
        """Counts the frames that are alive at once."""

        dimension, parameters, most, alive = 1, 0, 0, 0

        def prepare(self, frame):
            self.alive += 1
            self.most = max(self.most, self.alive)
            return frame

        def embed(self, prepared):
            self.alive -= len(prepared)
            return np.stack(prepared)[:, :1, 0, 0].astype(np.float32)

    frames = (np.full((1, 1, 3), number % 251, np.uint8) for number in range(500))
    embedder = Lengths()
    embedding = embed_frames(frames, embedder, batch_size=8)
    assert embedding[:, 0].tolist() == [number % 251 for number in range(500)]
    assert embedder.most <= 3 * 8


def test_the_command_writes_one_array_per_video(tmp_path):
    for name, n in (("a", 4), ("b", 7)):
        write_video(tmp_path / f"{name}.mkv", ramp(n), 10)
    command = ["embed", "--embedding", "{embedder: grey, width: 16, height: 9}"]
    videos = [str(tmp_path / "a.mkv"), str(tmp_path / "b.mkv")]
    out = [str(tmp_path / "a.npy"), str(tmp_path / "b.npy")]
    assert stage([*command, "--videos", *videos, "--out", *out]) == 0
    assert [np.load(path).shape for path in out] == [(4, 144), (7, 144)]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--videos", "a.mkv", "b.mkv", "--out", "a.npy"], "--out has 1 entries for 2 videos"),
        (["--videos", "none.mkv", "--out", "a.npy"], "none.mkv: no such video"),
        (["--videos", "a.mkv", "--out", "a.npy", "--batch-size", "0"], "batch size 0"),
        (
            ["--videos", "a.mkv", "--out", "a.npy", "--embedding", "{embedder: grey, size: 3}"],
            "width, height",
        ),
        (["--videos", "junk.mkv", "--out", "a.npy"], "junk.mkv"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, monkeypatch, capsys, more, words):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "a.mkv", ramp(3), 10)
    write_video(tmp_path / "b.mkv", ramp(3), 10)
    (tmp_path / "junk.mkv").write_bytes(b"junk")
    assert stage(["embed", "--embedding", "grey", *more]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not (tmp_path / "a.npy").exists()


REAL = Path(__file__).parents[3] / "shared/real/davis2016/JPEGImages/480p"


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/real/davis2016 is missing")
def test_real_pictures_are_embedded_and_sampled():
    frames = list(open_source(REAL / "car-shadow"))
    embedding = embed_frames(frames, load_embedder(EMBEDDERS, "grey", None))
    kept = choose_frames("manifold", len(frames), 11, {"embedding": embedding})
    assert (len(frames), frames[0].shape) == (40, (480, 854, 3))
    assert len(kept) == 11
    # A real video has no still neighbours, and neighbours are nearer than distant frames.
    steps = np.linalg.norm(np.diff(embedding, axis=0), axis=1)
    assert steps.min() > 0
    assert np.linalg.norm(embedding[-1] - embedding[0]) > 3 * np.median(steps)
