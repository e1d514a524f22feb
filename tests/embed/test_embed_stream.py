"""Reading what the user has, as a stream, and ``python -m vcmflow embed``."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from vcmflow.__main__ import main
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import write_video
from vcmflow.embed.command import build_embedder
from vcmflow.embed.source import open_frames
from vcmflow.embed.stream import ahead, embed_frames
from vcmflow.sample.decide import choose_frames


def ramp(n, height=36, width=64):
    """A bright bar that moves over a gradient."""
    frames = []
    for number in range(n):
        frame = np.tile(np.linspace(0, 120, width), (height, 1))[..., None].repeat(3, axis=2)
        frame[:, 3 * number : 3 * number + 6] = 250
        frames.append(frame.astype(np.uint8))
    return frames


def write_h264(path, frames, **options):
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("h264", rate=10)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def test_folders_of_pictures_become_rgb_in_name_order(tmp_path):
    grey = np.full((8, 10), 40, np.uint8)
    cv2.imwrite(str(tmp_path / "0.png"), grey)
    cv2.imwrite(str(tmp_path / "1.png"), np.full((8, 10, 3), 80 * 257, np.uint16))
    cv2.imwrite(str(tmp_path / "2.PNG"), np.full((8, 10, 4), [10, 20, 30, 0], np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    frames = list(open_frames(tmp_path))
    assert [frame.shape for frame in frames] == [(8, 10, 3)] * 3
    assert [frame[0, 0].tolist() for frame in frames] == [[40] * 3, [80] * 3, [30, 20, 10]]


def test_a_video_file_gives_its_frames(tmp_path):
    frames = ramp(5)
    write_video(tmp_path / "a.mkv", frames, 10)
    assert np.array_equal(np.stack(list(open_frames(tmp_path / "a.mkv"))), np.stack(frames))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: (folder / "a").mkdir(), "no pictures"),
        (lambda folder: (folder / "a").write_bytes(b""), "decoded"),
        (lambda folder: (folder / "a").write_bytes(b"junk" * 99), "decoded"),
        (lambda _: None, "no such file"),
        (lambda folder: ((folder / "a").mkdir(), (folder / "a/0.jpg").write_bytes(b"x")), "0.jpg"),
    ],
)
def test_what_holds_no_frames_is_one_clear_line(tmp_path, make, words):
    make(tmp_path)
    with pytest.raises(VcmflowError, match=words):
        list(open_frames(tmp_path / "a"))


def test_a_change_of_size_is_named(tmp_path):
    for number, size in enumerate(((8, 10), (8, 10), (8, 12))):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros(size, np.uint8))
    with pytest.raises(VcmflowError, match="frame 2 is 12x8, the ones before are 10x8"):
        list(open_frames(tmp_path))


@pytest.mark.parametrize(
    ("suffix", "options"),
    [(".mp4", {}), (".mp4", {"movflags": "+faststart"}), (".mkv", {}), (".avi", {})],
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_breaks_off_is_one_clear_line(tmp_path, suffix, options, share):
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (36, 64, 3), dtype=np.uint8) for _ in range(40)]
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    write_h264(whole, frames, **options)
    assert len(list(open_frames(whole))) == 40
    data = whole.read_bytes()
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(VcmflowError, match=f"cut{suffix}"):
        list(open_frames(cut))


def test_one_frame_is_enough(tmp_path):
    write_h264(tmp_path / "one.mp4", ramp(1))
    assert len(list(open_frames(tmp_path / "one.mp4"))) == 1


def test_items_come_in_order_and_errors_in_their_place():
    def items():
        yield from range(5)
        raise VcmflowError("broken here")

    got = []
    with pytest.raises(VcmflowError, match="broken here"):
        got.extend(ahead(items(), depth=2))
        pytest.fail("the error was lost")
    reader = ahead(items(), depth=2)
    assert [next(reader) for _ in range(5)] == list(range(5))


def test_no_more_than_the_depth_is_made_in_advance_and_the_thread_ends():
    made = []
    before = threading.active_count()
    reader = ahead((made.append(number) or number for number in range(1000)), depth=3)
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
    command = ["embed", "--embedding", "grey", "--option", "width=16", "--option", "height=9"]
    videos = [str(tmp_path / "a.mkv"), str(tmp_path / "b.mkv")]
    out = [str(tmp_path / "a.npy"), str(tmp_path / "b.npy")]
    assert main([*command, "--videos", *videos, "--out", *out]) == 0
    assert [np.load(path).shape for path in out] == [(4, 144), (7, 144)]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--videos", "a.mkv", "b.mkv", "--out", "a.npy"], "1 files for 2 videos"),
        (["--videos", "none.mkv", "--out", "a.npy"], "none.mkv: no such video"),
        (["--videos", "a.mkv", "--out", "a.npy", "--batch-size", "0"], "batch size 0"),
        (["--videos", "a.mkv", "--out", "a.npy", "--option", "size=3"], "width, height"),
        (["--videos", "junk.mkv", "--out", "a.npy"], "junk.mkv"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, monkeypatch, capsys, more, words):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "a.mkv", ramp(3), 10)
    write_video(tmp_path / "b.mkv", ramp(3), 10)
    (tmp_path / "junk.mkv").write_bytes(b"junk")
    assert main(["embed", "--embedding", "grey", *more]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not (tmp_path / "a.npy").exists()


REAL = Path(__file__).parents[3] / "shared/real/davis2016/JPEGImages/480p"


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/real/davis2016 is missing")
def test_real_pictures_are_embedded_and_sampled():
    frames = list(open_frames(REAL / "car-shadow"))
    embedding = embed_frames(frames, build_embedder("grey", None))
    kept = choose_frames("manifold", len(frames), 11, embedding=embedding)
    assert (len(frames), frames[0].shape) == (40, (480, 854, 3))
    assert len(kept) == 11
    # A real video has no still neighbours, and neighbours are nearer than distant frames.
    steps = np.linalg.norm(np.diff(embedding, axis=0), axis=1)
    assert steps.min() > 0
    assert np.linalg.norm(embedding[-1] - embedding[0]) > 3 * np.median(steps)
