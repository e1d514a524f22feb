"""``vcmflow compress``, ``info`` and ``restore``: what goes in comes out, at its time."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from vcmflow.__main__ import main
from vcmflow.config.load import read_yaml
from vcmflow.core.video import read_pictures, read_video, to_frame
from vcmflow.tool.compress import segment_length
from vcmflow.tool.container import open_container
from vcmflow.tool.method import DEFAULTS, named_method
from vcmflow.tool.restore import Receiver

X264 = ("--codec", "{codec: x264, preset: ultrafast}")
UNEVEN = [0, 400, 900, 1000, 2600, 2700, 4000, 4100, 5555, 6000, 7000]


def aspect_of(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        return Fraction(container.streams.video[0].sample_aspect_ratio or 1)


def times_of(path: Path) -> list[Fraction]:
    return [picture.pts * picture.time_base for picture in read_pictures(path)]


def info_of(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["info", str(path), "--json"]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


@pytest.mark.parametrize(
    ("count", "what"),
    [
        (11, {}),
        (11, {"width": 67, "height": 45, "layout": "yuv444p"}),
        (11, {"layout": "yuv420p10le", "colour": (9, 16)}),
        (11, {"rotation": 90}),
        (11, {"rotation": 180}),
        (11, {"rotation": 270}),
        (11, {"aspect": Fraction(16, 11)}),
        (11, {"times": UNEVEN}),
        (11, {"times": [time + 7000 for time in UNEVEN]}),
        (11, {"time_base": Fraction(1, 90000)}),
        (11, {"audio": True}),
        (1, {}),
        (2, {}),
    ],
    ids=lambda value: "-".join(map(str, value)) or "plain" if isinstance(value, dict) else None,
)
def test_all_frames_come_back_at_their_times(make_video, tmp_path, capsys, count, what):
    video, out, back = make_video(count, **what), tmp_path / "a.vcm", tmp_path / "b.mp4"
    assert main(["compress", str(video), str(out), "--keep", "1/3", "--qp", "30", *X264]) == 0
    assert main(["restore", str(out), str(back)]) == 0
    assert times_of(back) == times_of(video)
    original, restored = list(read_video(video)), list(read_video(back))
    assert [frame.shape for frame in restored] == [frame.shape for frame in original]
    first, again = next(read_pictures(video)), next(read_pictures(back))
    assert (again.width, again.height) == (first.width, first.height)
    assert round(again.rotation / 90) % 4 == round(first.rotation / 90) % 4
    assert again.color_primaries == first.color_primaries
    assert again.color_trc == first.color_trc
    assert aspect_of(back) == aspect_of(video)
    # The kept frames are exactly what the codec gives; the others are near.
    gaps = info_of(out, capsys)["segments"][0]["gaps"]
    kept = [0, *np.cumsum(np.array(gaps, int) + 1)] if gaps else [0]
    with open_container(out) as reader:
        (segment,) = list(reader)
        decoded = list(Receiver(reader).decode(segment, tmp_path))
    for place, frame in zip(kept, decoded, strict=True):
        assert np.array_equal(restored[place], frame)
    for a, b in zip(original, restored, strict=True):
        assert np.abs(a.astype(int) - b).mean() < 12


def test_the_kept_frames_alone_and_as_pictures(make_video, tmp_path):
    video, out = make_video(10), tmp_path / "a.vcm"
    main(["compress", str(video), str(out), "--keep", "0.4", *X264])
    assert main(["restore", str(out), "--only-samples", "--frames", str(tmp_path / "p")]) == 0
    pictures = sorted((tmp_path / "p").iterdir())
    assert [path.name for path in pictures] == [f"{k:06d}.png" for k in range(4)]
    assert cv2.imread(str(pictures[0])).shape == (48, 64, 3)
    assert main(["restore", str(out), str(tmp_path / "k.mp4"), "--only-samples"]) == 0
    whole = times_of(video)
    assert times_of(tmp_path / "k.mp4") == [whole[place] for place in (0, 3, 6, 9)]


def test_segments_stand_on_their_own(make_video, tmp_path, capsys):
    video, out = make_video(30), tmp_path / "a.vcm"
    codec = ("--codec", "{codec: x264, preset: ultrafast, intra_period: 4}")
    words = ["--keep", "1/2", "--segment", "0.4", *codec]
    assert main(["compress", str(video), str(out), *words]) == 0
    info = info_of(out, capsys)
    assert [part["frames"] for part in info["segments"]] == [8, 8, 8, 6]
    assert [part["kept"] for part in info["segments"]] == [4, 4, 4, 3]
    # The number of workers and threads changes nothing.
    again = tmp_path / "again.vcm"
    assert main(["compress", str(video), str(again), *words, "--workers=1", "--threads=3"]) == 0
    assert again.read_bytes() == out.read_bytes()
    # A part is the part of the whole.
    assert main(["restore", str(out), str(tmp_path / "whole.mkv")]) == 0
    assert main(["restore", str(out), str(tmp_path / "p.mp4"), "--from", "0.5", "--to", "0.9"]) == 0
    whole = list(read_video(tmp_path / "whole.mkv"))
    for number, frame in enumerate(read_video(tmp_path / "p.mp4"), start=12):
        assert np.array_equal(frame, whole[number])
    assert times_of(tmp_path / "p.mp4") == times_of(video)[12:23]


@pytest.mark.parametrize(
    ("frames", "keep", "period", "size", "length"),
    [
        (250, 1, 32, 1 << 20, 224),  # seven intra periods
        (250, Fraction(1, 3), 32, 1 << 20, 192),
        (250, Fraction(1, 100), 32, 1 << 20, 250),  # less than one
        (250, 1, 32, 1 << 25, 64),  # what fits on the disk
        (250, 1, 1, 1 << 32, 2),
        (1e9, Fraction(1, 2), 1, 1, 32768),  # what a segment can hold
    ],
)
def test_segments_end_with_an_intra_period_and_have_limits(frames, keep, period, size, length):
    assert segment_length(frames, Fraction(keep), period, size) == length


def test_what_is_cut_off_is_said_and_the_rest_restored(make_video, tmp_path, capsys):
    video, out, cut = make_video(30), tmp_path / "a.vcm", tmp_path / "cut.vcm"
    codec = ("--codec", "{codec: x264, preset: ultrafast, intra_period: 4}")
    main(["compress", str(video), str(out), "--keep", "1/2", "--segment", "0.4", *codec])
    cut.write_bytes(out.read_bytes()[:-200])
    capsys.readouterr()
    assert main(["restore", str(cut), str(tmp_path / "b.mp4")]) == 2
    said = capsys.readouterr()
    assert said.out == "24 of 30 frames written\n"
    assert "the file ends within segment 4 of 4; 6 of 30 frames are missing" in said.err
    assert times_of(tmp_path / "b.mp4") == times_of(video)[:24]
    # One that is damaged in the middle is left out.
    data = bytearray(out.read_bytes())
    with open_container(out) as reader:
        segments = list(reader)
        second = reader.start + len(segments[0].streams["base"]) + segments[0].overhead
    data[second + 60] ^= 1
    cut.write_bytes(data)
    assert main(["restore", str(cut), str(tmp_path / "c.mp4")]) == 2
    assert "segment 2 of 4 is damaged: it has not its checksum" in capsys.readouterr().err
    assert times_of(tmp_path / "c.mp4") == times_of(video)[:8] + times_of(video)[16:]


def test_a_folder_of_pictures(make_video, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for number, frame in enumerate(read_video(make_video(5))):
        cv2.imwrite(str(tmp_path / "in" / f"{number}.png"), frame)
    words = ["--fps", "10", "--sampler", "manifold", "--keep", "0.5", *X264]
    assert main(["compress", str(tmp_path / "in"), str(tmp_path / "a.vcm"), *words]) == 0
    info = info_of(tmp_path / "a.vcm", capsys)
    assert (info["frames"], info["kept"], info["seconds"]) == (5, 3, 0.5)
    main(["restore", str(tmp_path / "a.vcm"), str(tmp_path / "b.mp4"), "--crf", "20"])
    assert times_of(tmp_path / "b.mp4") == [Fraction(k, 10) for k in range(5)]


def test_crf_keeps_the_colours(make_video, tmp_path):
    video, out = make_video(4, 66, 46), tmp_path / "a.vcm"
    main(["compress", str(video), str(out), "--qp", "12", *X264])
    main(["restore", str(out), str(tmp_path / "b.mp4"), "--crf", "8"])
    for a, b in zip(read_video(video), read_video(tmp_path / "b.mp4"), strict=True):
        assert np.abs(a.astype(int) - b).mean() < 4


def test_the_methods_of_the_package_work(make_video, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no params.yaml here
    names = read_yaml(DEFAULTS)["methods"]
    assert {named_method(name).reconstructor for name in names} == {'{"reconstructor": "flow"}'}
    video, out = make_video(4), tmp_path / "a.vcm"
    for name in ("manifold", "all_av1", "uniform_x265"):
        assert main(["compress", str(video), str(out), "--keep", "1/2", "--method", name]) == 0
        with open_container(out) as reader:
            assert sum(1 for _ in Receiver(reader).frames()) == 4
            reader.check()


@pytest.mark.parametrize("sampler", ["uniform", "manifold"])
def test_a_codec_that_needs_an_importance_map(make_video, tmp_path, sampler):
    words = ["--keep", "1/2", "--sampler", sampler, "--map", "texture"]
    words += ["--codec", "{codec: x264_roi, preset: ultrafast, intra_period: 2}"]
    out = tmp_path / "a.vcm"
    assert main(["compress", str(make_video(8)), str(out), *words, "--segment", "0.2"]) == 0
    with open_container(out) as reader:
        assert sum(1 for _ in Receiver(reader).frames()) == 8
        reader.check()


def test_methods_of_a_checkout_bring_their_files():
    """Weights of trainings lie where the workflow puts them."""
    params = Path(__file__).parents[2] / "params.yaml"
    method = named_method("manifold", params)
    assert '"learned"' in method.looking.embedding
    assert (
        method.looking.weights == params.parent / "results/mini/train/embedding/weights.safetensors"
    )
    assert '"structure": "ra"' in method.codec
    assert "title" not in method.codec


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--keep", "0"], "--keep 0; allowed: a share above 0 and at most 1"),
        (["--keep", "x/3"], "--keep x/3; allowed"),
        (["--qp", "64"], "point 64; allowed: whole numbers in 0..63"),
        (["--codec", "vp9"], "unknown codec 'vp9'"),
        (["--method", "unifrom"], "no method 'unifrom'; allowed: "),
        (["--segment", "0"], "segments of 0 s; allowed: above 0"),
        (["--workers", "-1"], "-1 workers"),
        (["--sampler", "tracking"], "--detector is missing"),
        (["--params", "p.yaml"], "--params needs --method"),
    ],
)
def test_what_is_wrong_is_one_line(make_video, tmp_path, capsys, words, message):
    out = tmp_path / "a.vcm"
    assert main(["compress", str(make_video(3)), str(out), *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_input_is_not_written_over(make_video, capsys):
    video = make_video(2)
    before = video.read_bytes()
    assert main(["compress", str(video), str(video)]) == 2
    assert "is the input itself" in capsys.readouterr().err
    assert video.read_bytes() == before


def test_no_frames_are_an_error(tmp_path, capsys):
    empty = tmp_path / "empty.mp4"
    with av.open(str(empty), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(None))
    assert main(["compress", str(empty), str(tmp_path / "a.vcm")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "a.vcm").exists()


def test_the_sound_is_said_to_be_left_out(make_video, tmp_path, capsys):
    video = make_video(3, audio=True)
    main(["compress", str(video), str(tmp_path / "a.vcm"), *X264])
    assert capsys.readouterr().err == f"{video}: its sound is left out\n"


def test_real_video(real, tmp_path, capsys):
    """A few frames of one of DAVIS's sequences."""
    frames = real / "davis2016" / "JPEGImages" / "480p" / "car-shadow"
    (tmp_path / "in").mkdir()
    for path in sorted(frames.iterdir())[:4]:
        picture = cv2.resize(cv2.imread(str(path)), (214, 120))
        cv2.imwrite(str(tmp_path / "in" / f"{path.stem}.png"), picture)
    for codec in ("vvenc", "x264"):
        out = tmp_path / f"{codec}.vcm"
        words = ["--keep", "1/3", "--codec", codec, "--qp", "40"]
        assert main(["compress", str(tmp_path / "in"), str(out), *words]) == 0
        assert main(["restore", str(out), str(tmp_path / f"{codec}.mkv")]) == 0
        assert sum(1 for _ in read_pictures(tmp_path / f"{codec}.mkv")) == 4
        assert info_of(out, capsys)["overhead_bytes"] < 330


def test_rgb_of_the_first_picture_is_upright(make_video):
    """The conftest's rotation is one that readers apply."""
    picture = next(read_pictures(make_video(1, rotation=90)))
    assert to_frame(picture).shape == (64, 48, 3)
