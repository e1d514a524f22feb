"""Lossless video: what is written comes back, the same every time, or there is an error."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import record
from vcmflow.core.video import frame_rate, open_source, read_frames, read_video, write_video


def random_frames(count, height=18, width=26, seed=1):
    return list(
        np.random.default_rng(seed).integers(0, 256, (count, height, width, 3)).astype(np.uint8)
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 40), st.integers(2, 40), st.integers(0, 99))
def test_every_bit_comes_back(tmp_path_factory, count, height, width, seed):
    path = tmp_path_factory.mktemp("video") / "v.mkv"
    frames = random_frames(count, height, width, seed)
    assert write_video(path, frames, 10) == count
    back = list(read_video(path))
    assert len(back) == count
    for frame, read in zip(frames, back, strict=True):
        assert read.dtype == np.uint8
        assert np.array_equal(frame, read)


def test_same_frames_same_bytes(tmp_path):
    for name in ("a.mkv", "b.mkv"):
        write_video(tmp_path / name, random_frames(3), 29.97)
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


@pytest.mark.parametrize("fps", [1, 10, 29.97, 30000 / 1001, 59.94, 240])
def test_frame_rates(tmp_path, fps):
    write_video(tmp_path / "v.mkv", random_frames(12), fps)
    assert len(list(read_video(tmp_path / "v.mkv"))) == 12
    with av.open(str(tmp_path / "v.mkv")) as container:
        assert float(container.streams.video[0].average_rate) == pytest.approx(fps, rel=0.01)


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 19)))
def test_some_frames_are_those_frames(twenty, wanted):
    frames, path = twenty
    read = list(read_frames(path, sorted(wanted), 20))
    assert len(read) == len(wanted)
    for position, frame in zip(sorted(wanted), read, strict=True):
        assert np.array_equal(frame, frames[position])


@pytest.fixture(scope="module")
def twenty(tmp_path_factory):
    path = tmp_path_factory.mktemp("twenty") / "v.mkv"
    frames = random_frames(20)
    write_video(path, frames, 25)
    return frames, path


def write_foreign(path, codec, frames, pixels="yuv420p"):
    """A video as other programs write it: with references between frames, and reordering."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(25))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def test_some_frames_of_other_codecs(tmp_path):
    frames = [np.full((32, 48, 3), 12 * number, np.uint8) for number in range(20)]
    path = tmp_path / "v.mp4"
    write_foreign(path, "mpeg4", frames)
    assert len(list(read_video(path))) == 20
    for position, frame in zip((3, 4, 19), read_frames(path, (3, 4, 19), 20), strict=True):
        assert abs(float(frame.mean()) - 12 * position) < 6


@pytest.mark.parametrize("total", [19, 21])
def test_another_number_of_frames_is_noticed(twenty, total):
    with pytest.raises(VcmflowError, match=f"has 20 frames, not {total}"):
        list(read_frames(twenty[1], [0, 2], total))


@pytest.mark.parametrize("share", [0.15, 0.5, 0.8, 0.95])
def test_a_file_that_breaks_off_is_an_error(twenty, tmp_path, share):
    content = twenty[1].read_bytes()
    short = tmp_path / "short.mkv"
    short.write_bytes(content[: int(share * len(content))])
    with pytest.raises(VcmflowError, match=r"short\.mkv: breaks off after \d+ frames"):
        list(read_video(short))
    with pytest.raises(VcmflowError, match=r"short\.mkv: "):
        list(read_frames(short, [0], 20))


@pytest.mark.parametrize("content", [b"", b"no video", b"\x1a\x45\xdf\xa3" + bytes(300)])
def test_what_is_no_video_is_an_error(tmp_path, content):
    path = tmp_path / "odd.mkv"
    path.write_bytes(content)
    with pytest.raises(VcmflowError, match=r"odd\.mkv: "):
        list(read_video(path))


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(VcmflowError, match=r"none\.mkv: no such file"):
        list(read_video(tmp_path / "none.mkv"))
    with pytest.raises(VcmflowError, match="cannot be decoded"):
        list(read_video(tmp_path))


def test_sound_without_pictures_is_an_error(tmp_path):
    path = tmp_path / "sound.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(VcmflowError, match="no video stream"):
        list(read_video(path))


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frames to write"),
        ([np.zeros((4, 4, 3), np.float32)], "frame 0 is float32"),
        ([np.zeros((9, 1, 3), np.uint8)], "cannot be written"),
        ([np.zeros((4, 4), np.uint8)], r"frame 0 is uint8 \(4, 4\)"),
        ([np.zeros((4, 4, 4), np.uint8)], r"not uint8 H x W x 3"),
        (
            [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 6, 3), np.uint8)],
            "frame 1 is 6x4, the first one is 4x4",
        ),
    ],
)
def test_bad_frames_leave_no_file(tmp_path, frames, message):
    with pytest.raises(VcmflowError, match=message):
        write_video(tmp_path / "v.mkv", frames, 10)
    assert list(tmp_path.iterdir()) == []


def test_an_error_among_the_frames_leaves_the_old_file(tmp_path):
    path = tmp_path / "v.mkv"
    write_video(path, random_frames(2), 10)
    before = path.read_bytes()

    def broken():
        yield from random_frames(3)
        raise VcmflowError("the decoder gave up")

    with pytest.raises(VcmflowError, match="gave up"):
        write_video(path, broken(), 10)
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [record(path), path]


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
    frames = list(open_source(tmp_path))
    assert [frame.shape for frame in frames] == [(8, 10, 3)] * 3
    assert [frame[0, 0].tolist() for frame in frames] == [[40] * 3, [80] * 3, [0] * 3]


def test_a_video_file_gives_its_frames(tmp_path):
    frames = random_frames(5)
    write_video(tmp_path / "a.mkv", frames, 10)
    assert np.array_equal(np.stack(list(open_source(tmp_path / "a.mkv"))), np.stack(frames))


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
        list(open_source(tmp_path / "a"))


def test_a_change_of_size_is_named(tmp_path):
    for number, size in enumerate(((8, 10), (8, 10), (8, 12))):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros(size, np.uint8))
    with pytest.raises(VcmflowError, match="frame 2 is 12x8, the ones before are 10x8"):
        list(open_source(tmp_path))


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
    assert len(list(open_source(whole))) == 40
    data = whole.read_bytes()
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(VcmflowError, match=f"cut{suffix}"):
        list(open_source(cut))


def test_one_frame_is_enough(tmp_path):
    write_h264(tmp_path / "one.mp4", random_frames(1, 36, 64))
    assert len(list(open_source(tmp_path / "one.mp4"))) == 1


def test_titles_in_another_encoding_are_no_obstacle(tmp_path):
    path = tmp_path / "latin.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "bgr0"
        container.metadata["title"] = "Suedxxx"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"Suedxxx", b"S\xfcd\xe4\xf6\xdf!"))
    assert len(list(read_video(path))) == 1
    assert frame_rate(path) == 10


@pytest.mark.parametrize("script", ["ffconcat version 1.0\nfile other.mkv\n", "#EXTM3U\nother.mkv"])
def test_a_list_of_other_files_is_no_video(tmp_path, script):
    write_video(tmp_path / "other.mkv", [np.zeros((16, 16, 3), np.uint8)], 10)
    (tmp_path / "list.mp4").write_text(script)
    with pytest.raises(VcmflowError, match="cannot be decoded"):
        list(read_video(tmp_path / "list.mp4"))


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mov", "a.ts", "a.mpg", "a.webm"])
def test_the_containers_of_videos_are_open(tmp_path, name):
    codec = {"a.avi": "mpeg4", "a.mpg": "mpeg2video", "a.webm": "libvpx"}.get(name, "libx264")
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for picture in np.random.default_rng(0).integers(0, 255, (30, 32, 32, 3), np.uint8):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(list(read_video(tmp_path / name))) == 30


def test_postscript_is_no_picture(tmp_path):
    (tmp_path / "0.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    with pytest.raises(VcmflowError, match="not a readable picture"):
        list(open_source(tmp_path))
