"""TransVFC's streams: both ends in step, the rate as estimated, and nothing believed."""

from __future__ import annotations

import csv
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vcmflow.__main__ import stage
from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.encoding import Shape, read_encoding
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.core.video import write_video
from vcmflow.encode.codec import Learned, Video
from vcmflow.encode.registry import CODECS
from vcmflow.nets.faster_rcnn_mini import SPACE
from vcmflow.nets.transvfc.coder import FrameCoder, fingerprint, padded
from vcmflow.nets.transvfc.entropy import LARGEST, Reader, Writer
from vcmflow.nets.transvfc.layers import bits, laplace_probability
from vcmflow.nets.transvfc.mini import CONFIG, NAME, MiniTransVfc
from vcmflow.nets.transvfc.network import STEP, FeatureCodec
from vcmflow.nets.weights import fixed_weights, save_halves
from vcmflow.score.inputs import read_sent

POINT = 16
DETECTOR = Path(__file__).parents[2] / "models" / "faster_rcnn_mini.safetensors"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network that codes, since it starts as a copy of the reference."""
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = MiniTransVfc()
        fixed_weights(network.front)
        fixed_weights(network.codec.task_head)
        network.start()
    save_halves(path, network, NAME, {})
    return path


@pytest.fixture(scope="module")
def codec(weights: Path) -> Any:
    return build(CODECS, "transvfc", "codec", {"intra": "lossless"}, offered={"weights": weights})


def code(
    codec: Any, frames: list[Any], folder: Path, point: float = POINT
) -> tuple[dict[str, Path], Shape]:
    height, width = frames[0].shape[:2]
    shape = Shape(width, height, len(frames), 10.0)
    out = {role: folder / name for role, name in CODECS["transvfc"].files(point).items()}
    codec.encode(Video(shape, lambda: iter(frames), folder), {}, point, out)
    return out, shape


@pytest.fixture(scope="module")
def sent(codec: Any, moving_frames: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("sent")
    return *code(codec, moving_frames(3, 96, 64), folder), folder


def rows(out: dict[str, Path]) -> list[dict[str, str]]:
    with out["bits"].open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


DECODE = """
import sys, numpy as np
from pathlib import Path
from vcmflow.core.encoding import Shape
from vcmflow.core.registry import build
from vcmflow.encode.registry import CODECS
weights, intra, features, out = map(Path, sys.argv[1:5])
codec = build(CODECS, "transvfc", "codec", {}, offered={"weights": weights})
shape = Shape(*map(int, sys.argv[5:8]), 10.0)
sent = {"intra": intra, "features": features}
np.savez(out, *(one["faster_rcnn_mini.res2"] for one in codec.decode(sent, shape)))
"""


def test_twelve_frames_in_another_process(
    weights: Path, moving_frames: Any, tmp_path: Path
) -> None:
    """Odd size, a real intra codec, the same bits; the rate is as estimated."""
    codec = build(CODECS, "transvfc", "codec", {}, offered={"weights": weights})
    out, shape = code(codec, moving_frames(12, 101, 77), tmp_path)
    here = [one[SPACE] for one in codec.decode(out, shape)]
    command = [sys.executable, "-c", DECODE, str(weights), str(out["intra"])]
    command += [str(out["features"]), str(tmp_path / "there.npz")]
    command += [str(shape.width), str(shape.height), str(shape.pictures)]
    subprocess.run(command, check=True)
    with np.load(tmp_path / "there.npz") as there:
        assert len(there.files) == len(here) == 12
        for name, feature in zip(there.files, here, strict=True):
            assert there[name].tobytes() == feature.tobytes()
    expected = codec.network.extract(np.zeros((77, 101, 3), np.uint8)).shape
    assert {feature.shape for feature in here} == {tuple(expected[1:])}
    assert [row["kind"] for row in rows(out)] == ["I", *"P" * 11]
    total = 0
    for row in rows(out):
        estimated = sum(float(row[key]) for key in row if key.startswith("estimated"))
        assert int(row["bytes"]) <= 1.01 * estimated + 64
        total += int(row["bytes"])
    assert total + 30 == out["features"].stat().st_size


def test_same_bytes_again(sent: Any, codec: Any, moving_frames: Any, tmp_path: Path) -> None:
    out, _, _ = sent
    again, _ = code(codec, moving_frames(3, 96, 64), tmp_path)
    for role, path in out.items():
        if role != "intra":  # Matroska notes nothing of the time, but that is tested elsewhere
            assert path.read_bytes() == again[role].read_bytes()


@pytest.mark.parametrize("kind", ["zero", "noise"])
def test_frames_of_no_sense(codec: Any, kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    frames = [np.zeros((66, 90, 3), np.uint8) for _ in range(3)]
    if kind == "noise":
        frames = [random.integers(0, 256, (66, 90, 3), np.uint8) for _ in range(3)]
    out, shape = code(codec, frames, tmp_path)
    decoded = list(codec.decode(out, shape))
    assert len(decoded) == 3
    assert all(np.isfinite(one[SPACE]).all() for one in decoded)
    assert decoded[0]["size"].tolist() == [66, 90]


def test_intra_frames_come_in_their_period(
    weights: Path, moving_frames: Any, tmp_path: Path
) -> None:
    options = {"intra": "lossless", "intra_period": 2}
    codec = build(CODECS, "transvfc", "codec", options, offered={"weights": weights})
    out, shape = code(codec, moving_frames(5, 64, 64), tmp_path)
    assert [row["kind"] for row in rows(out)] == ["I", "P", "I", "P", "I"]
    assert len(list(codec.decode(out, shape))) == 5


def test_other_weights_are_refused(sent: Any, tmp_path: Path) -> None:
    out, shape, _ = sent
    network = MiniTransVfc()
    fixed_weights(network)
    save_halves(tmp_path / "other.safetensors", network, NAME, {})
    given = {"weights": tmp_path / "other.safetensors"}
    other = build(CODECS, "transvfc", "codec", {"intra": "lossless"}, offered=given)
    with pytest.raises(VcmflowError, match="coded with other weights"):
        next(other.decode(out, shape))
    assert fingerprint(network) != fingerprint(network.codec)


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """A byte changed, a part cut out, doubled, or made zero, or an early end."""
    kind, place = int(random.integers(5)), int(random.integers(len(data)))
    length = int(random.integers(1, 20))
    if kind == 0:
        changed = bytearray(data)
        changed[place] ^= int(random.integers(1, 256))
        return bytes(changed)
    part = {
        1: b"",
        2: 2 * data[place : place + length],
        3: bytes(len(data[place : place + length])),
    }
    if kind == 4:
        return data[:place]
    return data[:place] + part[kind] + data[place + length :]


def check_mutations(codec: Any, sent: Any, folder: Path, count: int, seed: int) -> None:
    out, shape, _ = sent
    good = [one[SPACE].tobytes() for one in codec.decode(out, shape)]
    data, random = out["features"].read_bytes(), np.random.default_rng(seed)
    path = folder / "m.tvfc"
    refused = 0
    for _ in range(count):
        path.write_bytes(mutated(data, random))
        try:
            found = [one[SPACE].tobytes() for one in codec.decode({**out, "features": path}, shape)]
        except VcmflowError as error:
            assert str(error).startswith(str(path))
            assert "\n" not in str(error)
            refused += 1
        else:  # zeros that were zeros before, or spare bits of the coder
            assert found == good
    assert refused > 0.9 * count


def test_mutated_streams(codec: Any, sent: Any, tmp_path: Path) -> None:
    check_mutations(codec, sent, tmp_path, 12, seed=1)


@pytest.mark.slow
def test_a_thousand_mutated_streams(codec: Any, sent: Any, tmp_path: Path) -> None:
    check_mutations(codec, sent, tmp_path, 1000, seed=2)
    resource = pytest.importorskip("resource")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2 * 2**20  # KiB


LONG = """
import resource, sys, numpy as np
from pathlib import Path
from vcmflow.core.encoding import Shape
from vcmflow.core.registry import build
from vcmflow.encode.codec import Video
from vcmflow.encode.registry import CODECS
weights, count = Path(sys.argv[1]), int(sys.argv[3])
folder = Path(sys.argv[2], str(count))  # what all points share is kept in it
folder.mkdir()
codec = build(CODECS, "transvfc", "codec", {}, offered={"weights": weights})
picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
shape = Shape(64, 64, count, 10.0)
out = {role: folder / name for role, name in CODECS["transvfc"].files(16).items()}
frames = lambda: (np.roll(picture, k, 1) for k in range(count))
codec.encode(Video(shape, frames, folder), {}, 16, out)
assert sum(1 for _ in codec.decode(out, shape)) == count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # KiB
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_video(weights: Path, tmp_path: Path) -> None:
    pytest.importorskip("resource")
    found = [
        int(subprocess.run(
            [sys.executable, "-c", LONG, str(weights), str(tmp_path), str(count)],
            check=True, capture_output=True, text=True,
        ).stdout) for count in (100, 1000)
    ]  # fmt: skip
    assert found[1] - found[0] < 2**16  # 64 MiB; the features of 900 frames would be 29


def test_headers_that_lie(codec: Any, sent: Any, tmp_path: Path) -> None:
    out, shape, _ = sent
    data, path = out["features"].read_bytes(), tmp_path / "h.tvfc"
    for changed, said in (
        (b"", "no TransVFC stream"),
        (data[:4] + b"\1" + data[5:], "version 1"),
        (data[:22] + struct.pack("<HH", 65535, 65535) + data[26:], "are expected"),
        (data[:26] + struct.pack("<I", 2**32 - 1) + data[30:], "are expected"),
        (data + b"\0", "bytes behind its 3 frames"),
        (data[:-1], "breaks off in frame 2"),
        (data[:40] + b"\xff" * 5 + data[45:], "frame 1"),
    ):
        path.write_bytes(changed)
        with pytest.raises(VcmflowError, match=said):
            list(codec.decode({**out, "features": path}, shape))
    with pytest.raises(VcmflowError, match="are expected"):
        list(codec.decode(out, replace(shape, pictures=2)))


def test_points(codec: Any, moving_frames: Any, tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match="point 17; allowed: 16, 32, 128, 256"):
        code(codec, moving_frames(2, 64, 64), tmp_path, 17)
    sizes = []
    for point in (16, 256):
        out, _ = code(codec, moving_frames(2, 64, 64), tmp_path, point)
        sizes.append(out["features"].stat().st_size)
    assert sizes[0] > sizes[1]


def test_values_far_from_their_mean_survive() -> None:
    values = np.array([0, 1, -1, 300, -300, LARGEST, -LARGEST, 5], np.int32)
    means = np.array([0, 0.5, 9e9, -9e9, 0.25, 0, 0, -3.75], np.float32)
    scales = np.array([-1, 0, 1e9, 1e-9, 0.7, 3, 1, 40], np.float32)
    writer = Writer()
    writer.laplace(values, means, scales)
    np.testing.assert_array_equal(Reader(writer.finish()).laplace(means, scales), values)
    with pytest.raises(VcmflowError, match="not finite"):
        Writer().laplace(values, np.full(8, np.nan, np.float32), scales)


@pytest.mark.parametrize("width", [0.05, 0.3, 2.0, 12.0])
def test_the_coder_reaches_the_estimate(width: float) -> None:
    random = np.random.default_rng(4)
    means = random.normal(0, 2, 20_000).astype(np.float32)
    scales = (width * np.exp(random.normal(0, 0.5, means.shape))).astype(np.float32)
    values = np.rint(means + scales * random.laplace(0, 1, means.shape)).astype(np.int32)
    writer = Writer()
    writer.laplace(values, means, scales)
    given = (torch.from_numpy(x.astype(np.float32)) for x in (values, means, scales))
    estimate = float(bits(laplace_probability(*given)).double().sum()) / 8
    assert len(writer.finish()) <= 1.01 * estimate + 16


def test_a_second_thread_changes_no_bit(codec: Any, moving_frames: Any) -> None:
    first, second = (padded(codec.network.extract(frame)) for frame in moving_frames(2, 64, 64))
    alone, both = (FrameCoder(codec.network.codec, 0, threads) for threads in (1, 2))
    one, other = (coder.encode(second, first) for coder in (alone, both))
    assert one.streams == other.streams
    assert torch.equal(one.feature, alone.decode(other.streams, first))
    assert torch.equal(one.feature, both.decode(one.streams, first))


def test_both_ends_agree_with_the_autoregressive_part() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        network = FeatureCodec(replace(CONFIG, ar=True, gains=0), MiniTransVfc().codec.task_head)
        current, reference = (padded(torch.rand(1, CONFIG.raw, 20, 36)) for _ in "cr")
    assert current.shape[2] % STEP == current.shape[3] % STEP == 0
    network.eval()
    coded = FrameCoder(network, None).encode(current, reference)
    decoded = FrameCoder(network, None).decode(coded.streams, reference)
    assert torch.equal(decoded, coded.feature)
    bits_sent = 8 * sum(map(len, coded.streams))
    assert bits_sent <= 1.01 * float(sum(coded.estimates)) + 8 * 64


def test_what_the_networks_cost(codec: Any, weights: Path) -> None:
    """Whatever is on the frames; per pixel of a frame whose features need no padding."""
    small, large = (codec.cost(Shape(width, 64, 1, 10.0)) for width in (64, 128))
    assert isinstance(codec, Learned)
    assert small.parameters == sum(x.numel() for x in codec.network.parameters()) > 2_000_000
    assert small.encode_macs > small.decode_macs > 10_000
    usual = codec.cost(Shape(416, 240, 1, 10.0))  # as docs/transvfc.md has it
    assert (round(usual.encode_macs), round(usual.decode_macs)) == (84_213, 54_748)
    mosaic = build(CODECS, "x265_mosaic", "codec", {}, offered={"weights": DETECTOR})
    front = mosaic.cost(Shape(416, 256, 1, 10.0))
    assert front.parameters < 20_000
    assert 0 < front.encode_macs < small.encode_macs
    assert front.decode_macs == 0
    given = {"intra": "lossless", "intra_period": 1}
    still = build(CODECS, "transvfc", "codec", given, offered={"weights": weights})
    assert still.cost(Shape(416, 256, 1, 10.0)) == replace(front, decode_macs=front.encode_macs)
    assert large.decode_macs == pytest.approx(small.decode_macs, rel=0.6)


def test_costs_are_told_with_the_streams(weights: Path, moving_frames: Any, tmp_path: Path) -> None:
    write_video(tmp_path / "frames.mkv", moving_frames(2, 64, 64), 10)
    write_decision(tmp_path / "d.json", Decision("s", "all", "all", 2, 2, (0, 1), 10.0))
    told = ["--codec", "transvfc", "--weights", str(weights), "--points", "16"]
    told += ["--frames", f"{tmp_path}/frames.mkv", "--decision", f"{tmp_path}/d.json"]
    assert stage(["encode", *told, "--out", str(tmp_path)]) == 0
    encoding = read_encoding(tmp_path / "encode.json")
    assert encoding.cost is not None
    sent = read_sent(tmp_path / "encode.json", 2)["16"]
    assert sent["parameters"] == encoding.cost.parameters
    text = (tmp_path / "encode.json").read_text("utf-8")
    (tmp_path / ".encode.json.sha256").unlink()
    for wrong in ("-1", "NaN", '"x"'):
        parameters = f'"parameters": {encoding.cost.parameters}'
        assert parameters in text
        changed = text.replace(parameters, f'"parameters": {wrong}')
        (tmp_path / "encode.json").write_text(changed, "utf-8")
        with pytest.raises(VcmflowError):
            read_encoding(tmp_path / "encode.json")
