"""VCS: two streams of one codec, with networks of a quarter of the width and random weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import as_video
from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.encode.registry import CODECS
from vcmflow.encode.vcs import PIECE, Networks
from vcmflow.nets.factorised import Decoder
from vcmflow.nets.vcs.codec import Vcs, padded, rounded, save_codec
from vcmflow.nets.vcs.config import Config

BASES = ["vvenc", "x264", "x265"]
WIDTH, HEIGHT, FRAMES = 80, 48, PIECE + 3


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A network that corrects frames a little, by its code and without."""
    torch.manual_seed(0)
    network = Vcs(Config(width=0.25))
    with torch.no_grad():
        for value in network.lfn.decoder[-1].parameters():
            value.normal_(std=0.05)
        network.lfn.lift.weight.normal_(std=0.1)
        network.sem_enc.scale.weight.mul_(4)
    path = tmp_path_factory.mktemp("weights") / "vcs.safetensors"
    save_codec(path, network, {})
    return path


def codec(name, weights, **options):
    offered = {"weights": weights, "device": "cpu", "threads": 1}
    return build(CODECS, name, "codec", options, offered=offered)


@pytest.fixture(scope="session")
def frames(moving_frames):
    return moving_frames(FRAMES, WIDTH, HEIGHT)


@pytest.fixture(scope="session")
def send(weights, frames, tmp_path_factory):
    """send(codec, point, **options) -> role -> path of a new stream."""

    def sent(name, point=35, **options):
        folder = tmp_path_factory.mktemp("sent")
        out = {role: folder / file for role, file in CODECS[name].files(point).items()}
        codec(name, weights, **options).encode(as_video(frames, folder), {}, point, out)
        return out

    return sent


@pytest.fixture(scope="session")
def streams(send):
    return send("vcs_x265")


SHAPE = Shape(WIDTH, HEIGHT, FRAMES, 10.0)


@pytest.mark.parametrize("base", BASES)
def test_the_base_stream_is_that_of_the_base_codec(base, send, frames, tmp_path):
    both = send(f"vcs_{base}")
    alone = tmp_path / "alone"
    plain = build(CODECS, base, "codec", {}, offered={"threads": 1})
    plain.encode(as_video(frames, tmp_path), {}, 35, {"base": alone})
    assert both["base"].read_bytes() == alone.read_bytes()
    assert both["base"].suffix == CODECS[base].streams["base"]


@pytest.mark.parametrize("base", BASES)
def test_frames_come_back_other_than_the_base_decodes_them(base, send, weights):
    both = send(f"vcs_{base}")
    made = list(codec(f"vcs_{base}", weights).decode(both, SHAPE))
    decoded = list(build(CODECS, base, "codec", {}).decode(both, SHAPE))
    assert len(made) == len(decoded) == FRAMES
    assert {(f.shape, f.dtype.name) for f in made} == {((HEIGHT, WIDTH, 3), "uint8")}
    assert np.abs(np.array(made, int) - np.array(decoded, int)).mean() > 0.1


def test_the_receiver_has_the_code_that_the_sender_made(streams, frames, weights):
    """The integers are those of the whole clip at once, and their estimate is the stream's size."""
    networks = Networks(weights, "cpu", 1)
    decoded = list(build(CODECS, "x265", "codec", {}).decode(streams, SHAPE))
    with torch.no_grad():
        exact = networks.network.sem_enc(networks.tensor(frames), networks.tensor(decoded))
    payload = streams["semantic"].read_bytes()[4:]
    decoder, parts = Decoder(networks.tables, payload), []
    for count in (PIECE, FRAMES - PIECE):
        values = torch.from_numpy(decoder.read(count * 2 * 3)).view(128, count, 2, 3)
        parts.append(values)
    got = torch.cat(parts, dim=1)[None].float()
    # The sums of pieces and of the whole may differ in the last bit, and halves round both ways.
    assert float((got != rounded(exact)).float().mean()) < 1e-3
    assert float((got - exact).abs().max()) < 0.501
    with torch.no_grad():
        bits = float(networks.network.prior.bits(got).sum())
    assert 8 * len(payload) == pytest.approx(bits, rel=0.01)


def test_another_process_decodes_the_same(streams, weights, tmp_path):
    here = np.stack(list(codec("vcs_x265", weights).decode(streams, SHAPE)))
    program = (
        "import sys, json, numpy as np; from pathlib import Path;"
        "from vcmflow.core.encoding import Shape; from vcmflow.core.registry import build;"
        "from vcmflow.encode.registry import CODECS;"
        "sent, weights, shape = json.loads(sys.argv[1]);"
        "made = build(CODECS, 'vcs_x265', 'codec', {}, offered={'weights': Path(weights),"
        "'device': 'cpu', 'threads': 1});"
        "sent = {k: Path(v) for k, v in sent.items()};"
        "np.save('there.npy', np.stack(list(made.decode(sent, Shape(*shape)))))"
    )
    words = [{k: str(v) for k, v in streams.items()}, str(weights), [WIDTH, HEIGHT, FRAMES, 10.0]]
    command = [sys.executable, "-c", program, json.dumps(words)]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert np.array_equal(np.load(tmp_path / "there.npy"), here)


def test_bytes_do_not_depend_on_the_run_or_on_threads(streams, frames, weights, tmp_path):
    out = {role: tmp_path / role for role in streams}
    offered = {"weights": weights, "device": "cpu", "threads": 2}
    again = build(CODECS, "vcs_x265", "codec", {}, offered=offered)
    again.encode(as_video(frames, tmp_path), {}, 35, out)
    for role, path in streams.items():
        assert out[role].read_bytes() == path.read_bytes()


def test_without_a_code_only_its_checksum_is_sent(send, weights, streams):
    alone = send("vcs_x265", semantics="zero")
    assert alone["semantic"].stat().st_size == 4
    assert alone["base"].read_bytes() == streams["base"].read_bytes()
    made = np.array(list(codec("vcs_x265", weights, semantics="zero").decode(alone, SHAPE)), int)
    both = np.array(list(codec("vcs_x265", weights).decode(streams, SHAPE)), int)
    assert (made != both).any()
    networks = Networks(weights, "cpu", 1)
    decoded = list(build(CODECS, "x265", "codec", {}).decode(streams, SHAPE))
    with torch.no_grad():
        exact = networks.network.lfn(networks.tensor(decoded), torch.zeros(1, 128, FRAMES, 2, 3))
    crop = exact[0, :, :, :HEIGHT, :WIDTH].permute(1, 2, 3, 0).numpy() * 255
    assert np.abs(crop.clip(0, 255) - made).max() < 0.51


def test_without_a_base_the_semantic_stream_alone_is_sent(send, frames, weights):
    alone = send("vcs_alone", 0)
    assert set(alone) == {"semantic"}
    made = np.array(list(codec("vcs_alone", weights).decode(alone, SHAPE)), int)
    assert made.shape == (FRAMES, HEIGHT, WIDTH, 3)
    networks = Networks(weights, "cpu", 1)
    grey = networks.tensor([np.full_like(frame, 128) for frame in frames])
    with torch.no_grad():
        code = rounded(networks.network.sem_enc(networks.tensor(frames), grey))
        exact = networks.network.lfn(grey, code)
    crop = exact[0, :, :, :HEIGHT, :WIDTH].permute(1, 2, 3, 0).numpy() * 255
    assert np.abs(crop.clip(0, 255) - made).mean() < 1


def test_a_preset_that_its_base_does_not_have_is_one_line(weights):
    with pytest.raises(VcmflowError, match="preset is 'veryslow'; allowed: 'faster'"):
        codec("vcs_vvenc", weights, preset="veryslow")


@pytest.mark.parametrize("place", [0, 3, 4, -1])
def test_a_changed_semantic_stream_is_one_clear_error(streams, weights, tmp_path, place):
    content = bytearray(streams["semantic"].read_bytes())
    content[place] ^= 1
    refuse(content, streams, weights, tmp_path, SHAPE)


@pytest.mark.parametrize("length", [0, 3, 4, -1])
def test_a_cut_or_longer_one_too(streams, weights, tmp_path, length):
    content = streams["semantic"].read_bytes()
    refuse(content[:length], streams, weights, tmp_path, SHAPE)
    refuse(content + b"\0", streams, weights, tmp_path, SHAPE)


def test_and_one_of_other_frames(streams, weights, tmp_path):
    other = Shape(HEIGHT, WIDTH, FRAMES, 10.0)
    refuse(streams["semantic"].read_bytes(), streams, weights, tmp_path, other)


def refuse(content, streams, weights, folder, shape):
    path = folder / "changed.vcs"
    path.write_bytes(content)
    with pytest.raises(
        VcmflowError, match=r"changed\.vcs: damaged, or not of \d+ frames"
    ) as caught:
        next(codec("vcs_x265", weights).decode({**streams, "semantic": path}, shape))
    assert "\n" not in str(caught.value)


def test_weights_that_are_missing_are_one_line(streams):
    with pytest.raises(VcmflowError, match="needs --weights, those of a training of 'vcs'"):
        next(codec("vcs_x265", None).decode(streams, SHAPE))


def test_frames_are_padded_and_scaled(weights, frames):
    tensor = Networks(weights, "cpu", 1).tensor(frames)
    assert tensor.shape == (1, 3, FRAMES, 64, 96)
    assert torch.equal(tensor, padded(tensor))
    assert np.allclose(
        tensor[0, :, 4, :HEIGHT, :WIDTH].permute(1, 2, 0) * 255, frames[4], atol=1e-4
    )


@pytest.mark.slow
def test_memory_does_not_grow_with_the_video(weights, tmp_path):
    """100 frames and 1,000, each there and back in a process of its own."""
    program = """
import resource, sys, tempfile
from pathlib import Path
import numpy as np
from vcmflow.core.encoding import Shape
from vcmflow.core.registry import build
from vcmflow.encode.codec import Video
from vcmflow.encode.registry import CODECS
count, weights, folder = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
texture = np.random.default_rng(0).integers(0, 255, (8, 200, 3), np.uint8).repeat(8, 0)
frames = lambda: (texture[:64, t % 100 : t % 100 + 96] for t in range(count))
made = build(CODECS, "vcs_x265", "codec", {}, offered={"weights": weights, "threads": 1})
out = {role: folder / f"{count}{role}" for role in ("base", "semantic")}
shape = Shape(96, 64, count, 10.0)
with tempfile.TemporaryDirectory() as scratch:
    made.encode(Video(shape, frames, Path(scratch)), {}, 40, out)
assert sum(1 for _ in made.decode(out, shape)) == count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", program, str(count), str(weights), str(tmp_path)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for count in (100, 1000)
    ]
    assert peaks[1] < peaks[0] + 30  # MiB; the frames alone would be 18 per 1,000, networks 500


def test_the_shipped_weights_fit_the_networks_of_today(frames, tmp_path):
    weights = Path(__file__).parents[2] / "models" / "vcs_mini.safetensors"
    made = codec("vcs_x265", weights)
    out = {role: tmp_path / role for role in ("base", "semantic")}
    made.encode(as_video(frames, tmp_path), {}, 35, out)
    got = np.array(list(made.decode(out, SHAPE)), float)
    decoded = np.array(list(build(CODECS, "x265", "codec", {}).decode(out, SHAPE)), float)
    assert 0 < np.abs(got - decoded).mean() < 5


def test_what_the_networks_cost(weights):
    sent, zero = (codec("vcs_x265", weights, semantics=s).cost(SHAPE) for s in ("sent", "zero"))
    assert sent.encode_macs > 0
    assert zero.encode_macs == 0
    assert sent.decode_macs >= zero.decode_macs > 0
    assert sent.parameters > zero.parameters > 0
