"""What holds for every registered embedder, and for the network behind the learned one."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from torchvision.models import mobilenet_v2, resnet18

from vcmflow.core.embedding import embed_frames, load_embedder
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import parameters
from vcmflow.embed.embedder import NetworkEmbedder
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.nets.embedding import FEATURES, normalise, seeded_network
from vcmflow.nets.weights import read_weights, write_weights


def build_embedder(name, weights, options=None):
    return load_embedder(EMBEDDERS, yaml.safe_dump({"embedder": name, **(options or {})}), weights)


HEADER = {"kind": "embedding", "dimension": 16, "short_side": 48, "training": {}}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A weights file for each embedder that needs one."""
    folder = tmp_path_factory.mktemp("weights")
    write_weights(folder / "learned.safetensors", seeded_network(16, 3).state_dict(), HEADER)
    torch.manual_seed(5)
    torch.save(resnet18(weights=None).state_dict(), folder / "imagenet.pth")
    return {"learned": folder / "learned.safetensors", "imagenet": folder / "imagenet.pth"}


@pytest.fixture(scope="module")
def frames():
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (60, 100, 3), dtype=np.uint8) for _ in range(9)]


def build(name, weights, **options):
    if name != "grey":
        options = {"short_side": 48, **options}
    return build_embedder(name, weights.get(name), options=options)


@pytest.mark.parametrize("name", sorted(EMBEDDERS))
def test_every_embedder_gives_one_row_per_frame(name, weights, frames):
    assert (name in weights) == ("weights" in parameters(EMBEDDERS[name].builder))
    embedder = build(name, weights)
    embedding = embed_frames(iter(frames), embedder)
    assert embedding.shape == (9, embedder.dimension)
    assert embedding.dtype == np.float32
    assert len(np.unique(embedding, axis=0)) == 9


@pytest.mark.parametrize("name", sorted(EMBEDDERS))
def test_neither_batch_size_nor_workers_change_a_bit(name, weights, frames):
    embedder = build(name, weights)
    whole = embed_frames(frames, embedder, 9)
    for size in (1, 2, 4, 8, 100):
        for workers in (1, 3):
            assert np.array_equal(embed_frames(frames, embedder, size, workers), whole)


@pytest.mark.parametrize("name", sorted(EMBEDDERS))
def test_building_twice_gives_the_same(name, weights, frames):
    first, second = (embed_frames(frames[:2], build(name, weights)) for _ in range(2))
    assert np.array_equal(first, second)


def test_the_random_network_depends_on_its_seed_alone(frames):
    torch.manual_seed(1)
    one = embed_frames(frames[:2], build("random", {}, seed=1))
    torch.manual_seed(2)
    again = embed_frames(frames[:2], build("random", {}, seed=1))
    other = embed_frames(frames[:2], build("random", {}, seed=2))
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)


def test_fused_and_half_precision_networks_agree_with_the_plain_one(frames):
    torch.manual_seed(0)
    network = seeded_network(16, 3)
    # Statistics other than the initial ones, or fusing would have nothing to get wrong.
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)
    network.eval()
    pictures = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        plain = network(normalise(pictures))[0].numpy()

    def embed(precision):
        parts = network.backbone, FEATURES, network.projection
        return embed_frames(
            frames, NetworkEmbedder(*copy.deepcopy(parts), 60, "cpu", precision, False)
        )

    np.testing.assert_allclose(embed("float32"), plain, atol=1e-4)
    np.testing.assert_allclose(embed("bfloat16"), plain, atol=0.05 * float(np.ptp(plain)))
    assert any(np.array_equal(embed("auto"), embed(name)) for name in ("float32", "bfloat16"))


def test_imagenet_features_are_those_of_torchvision(weights, frames):
    network = resnet18(weights=None)
    network.load_state_dict(torch.load(weights["imagenet"], weights_only=True))
    network.fc = torch.nn.Identity()
    pictures = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network.eval()(normalise(pictures)).numpy()
    embedding = embed_frames(frames, build("imagenet", weights, short_side=60, normalised=False))
    np.testing.assert_allclose(embedding, expected, rtol=1e-3, atol=1e-4)


def test_mobilenet_features_are_those_of_torchvision_in_both_layouts(tmp_path, frames):
    torch.manual_seed(7)
    network = mobilenet_v2(weights=None).eval()
    state = network.state_dict()
    network.classifier = torch.nn.Identity()
    pictures = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network(normalise(pictures)).numpy()
    # The older layout numbers the layers of a block through, activations included.
    old = {}
    for name, tensor in state.items():
        parts = name.split(".")
        if parts[0] == "features" and len(parts) > 4 and parts[2] == "conv":
            flat = {"0.0": "0", "0.1": "1", "1.0": "3", "1.1": "4"}.get(".".join(parts[3:5]))
            if flat is None:
                flat = {"1": "3", "2": "4"} if parts[1] == "1" else {"2": "6", "3": "7"}
                flat = flat[parts[3]]
            name = ".".join([*parts[:3], flat, parts[-1]])
        old[name] = tensor
    assert len(old) == len(state)
    for file, content in (("new.pth", state), ("old.pth", old)):
        torch.save(content, tmp_path / file)
        embedder = build_embedder(
            "imagenet", tmp_path / file, options={"short_side": 60, "normalised": False}
        )
        assert embedder.parameters == sum(p.numel() for p in network.parameters())
        embedding = embed_frames(frames, embedder)
        np.testing.assert_allclose(embedding, expected, rtol=1e-3, atol=1e-4)
        for size in (1, 4):
            assert np.array_equal(embed_frames(frames, embedder, size), embedding)


def test_a_fixed_chunk_changes_nothing_but_what_the_network_sees_at_once(frames):
    seen = []

    class Spy(torch.nn.Module):
        def forward(self, pictures):
            seen.append(len(pictures))
            return pictures.mean(dim=(2, 3))

    def embed(chunk, batch_size):
        embedder = NetworkEmbedder(Spy(), 3, None, 60, "cpu", chunk=chunk)
        return embed_frames(frames, embedder, batch_size)

    whole = embed(None, 9)
    for batch_size in (1, 4, 9):
        seen.clear()
        np.testing.assert_allclose(embed(4, batch_size), whole, atol=1e-6)
        assert set(seen) == {4}


def test_embeddings_have_length_one_unless_the_literal_formula_is_asked_for(weights, frames):
    scaled = embed_frames(frames[:3], build("learned", weights))
    literal = embed_frames(frames[:3], build("learned", weights, normalised=False))
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 1, rtol=1e-5)
    lengths = np.linalg.norm(literal, axis=1, keepdims=True)
    np.testing.assert_allclose(literal / lengths, scaled, atol=1e-6)


def test_grey_is_the_shrunk_luma_and_needs_no_torch():
    frame = np.zeros((18, 32, 3), np.uint8)
    frame[..., 0] = 255
    grey = build_embedder("grey", None)
    embedding = embed_frames([frame], grey)
    assert embedding.shape == (1, 576)
    assert embedding[0] == pytest.approx(0.299, abs=0.003)
    code = (
        "import sys; from vcmflow.core.embedding import load_embedder;"
        "from vcmflow.embed.registry import EMBEDDERS;"
        "load_embedder(EMBEDDERS, 'grey', None); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_network_is_resnet18_with_its_own_layers():
    counted = build_embedder("random", None).parameters
    classifier = 512 * 1000 + 1000
    assert counted == sum(p.numel() for p in resnet18().parameters()) - classifier + 513 * 128


def test_weights_survive_their_file_and_have_stable_bytes(tmp_path):
    state = seeded_network(8, 1).state_dict()
    header = HEADER | {"training": {"steps": 3, "seed": 1}}
    for name in ("a", "b"):
        write_weights(tmp_path / name, state, header)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    read, about = read_weights(tmp_path / "a")
    assert about == header
    assert all(torch.equal(read[name], tensor) for name, tensor in state.items())


def test_weights_of_something_else_are_refused(tmp_path, weights):
    def message(name, path, **options):
        with pytest.raises(VcmflowError) as caught:
            build_embedder(name, path, options=options)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(weights["learned"].read_bytes()[:-100])
    other = tmp_path / "other.safetensors"
    write_weights(other, {"conv1.weight": torch.zeros(3)}, HEADER)
    foreign = tmp_path / "foreign.safetensors"
    write_weights(foreign, {"conv1.weight": torch.zeros(3)}, {"model": "yolact_mini"})
    noise = tmp_path / "noise.pth"
    noise.write_bytes(b"nothing")
    assert "no such weights file" in message("learned", tmp_path / "none")
    assert "resnet18-f37072fd.pth" in message("imagenet", tmp_path / "none")
    assert "--weights" in message("learned", None)
    assert "resnet18-f37072fd.pth" in message("imagenet", None)
    assert "damaged" in message("learned", broken)
    assert "damaged" in message("learned", noise)
    assert "not a whole PyTorch checkpoint" in message("imagenet", noise)
    assert "not a checkpoint of the embedding network" in message("learned", other)
    assert "not the weights of an embedding network" in message("learned", foreign)
    assert "not a checkpoint of torchvision's ResNet-18" in message("imagenet", other)
    assert "takes no weights" in message("grey", weights["learned"])
    assert "takes no weights" in message("random", weights["learned"])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("learnt", {}, "grey, imagenet, learned, random"),
        ("random", {"sead": 1}, "no option 'sead'; allowed: seed"),
        ("random", {"seed": "one"}, "option seed is 'one'; allowed: a valid integer"),
        ("random", {"seed": -1}, "seed is -1; allowed: greater than or equal to 0"),
        ("random", {"precision": "half"}, "bfloat16"),
        ("random", {"short_side": 8}, "greater than or equal to 32"),
        ("grey", {"width": 0}, "greater than or equal to 1"),
    ],
)
def test_bad_options_are_named_with_what_is_allowed(name, options, words):
    with pytest.raises(VcmflowError, match=words):
        build_embedder(name, None, options=options)
