"""Training the embedding: it learns, is deterministic, resumes exactly, and warns."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from vcmflow.__main__ import stage
from vcmflow.core.embedding import load_embedder
from vcmflow.core.rows import number, read_csv
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.nets.weights import read_weights
from vcmflow.train.embedding.batches import Batch
from vcmflow.train.embedding.loss import contrastive_loss, cosine_similarities, semi_hard
from vcmflow.train.embedding.settings import EmbeddingSettings
from vcmflow.train.embedding.trainee import EmbeddingTrainee
from vcmflow.train.loop import Machine, Output, train
from vcmflow.train.trainee import Files, Place

TINY = EmbeddingSettings(
    seed=1, steps=4, pairs=2, negatives=4, negative_videos=2, short_side=40, crop=32, log_every=2,
    learning_rate=0.02, dimension=16,
)  # fmt: skip


ONE_STEP = replace(TINY, steps=1, log_every=1)


@dataclass
class Trained:
    rows: list[dict[str, float]]
    state: dict[str, torch.Tensor]
    header: dict[str, Any]


def output(folder, every=500):
    return Output(folder / "w.safetensors", folder / "log.csv", folder / "state.pt", every)


def learn(videos, folder, settings=TINY, machine=None, every=500, cache=512 * 2**20):
    trainee = EmbeddingTrainee(settings, Files(videos=videos, cache=cache))
    rows = train("embedding", trainee, machine or Machine(), output(folder, every))
    return Trained(rows, *read_weights(folder / "w.safetensors"))


def read_log(path):
    return [{key: number(row, key) for key in row} for row in read_csv(path, ["step"])]


def same(one, other):
    return one.rows == other.rows and all(
        torch.equal(tensor, other.state[name]) for name, tensor in one.state.items()
    )


@pytest.fixture(scope="module")
def straight(videos, tmp_path_factory):
    """A training without interruption."""
    return learn(videos, tmp_path_factory.mktemp("straight"))


def test_the_log_tells_what_happened(straight):
    assert [row["step"] for row in straight.rows] == [2, 4]
    for row in straight.rows:
        assert -1 <= row["negative_similarity"] <= 1
        assert 0 < row["kept_share"] <= 1
        assert 0 <= row["rotation_accuracy"] <= 1
        assert row["loss"] == pytest.approx(row["contrastive_loss"] + 0.5 * row["rotation_loss"])
    assert straight.rows[-1]["epoch"] == pytest.approx(8 / 7)
    about = straight.header["training"]
    assert about["unusable_draws"] == straight.rows[-1]["unusable_videos"]
    assert straight.rows[-1]["unusable_videos"] > 0


def test_neither_cache_nor_loaders_change_the_result(videos, straight, tmp_path):
    assert same(straight, learn(videos, tmp_path, machine=Machine(workers=2), cache=0))


def test_a_resumed_training_equals_an_uninterrupted_one(videos, straight, tmp_path, monkeypatch):
    loss, calls = EmbeddingTrainee.loss, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return loss(*args)

    monkeypatch.setattr(EmbeddingTrainee, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(videos, tmp_path, every=3)
    assert [row["step"] for row in read_log(tmp_path / "log.csv")] == [2]
    calls.clear()
    monkeypatch.setattr(EmbeddingTrainee, "loss", lambda *args: calls.append(1) or loss(*args))
    assert same(straight, learn(videos, tmp_path, every=3))
    assert len(calls) == 1
    assert not (tmp_path / "state.pt").exists()


class Fixed(nn.Module):
    """In place of the network: it gives these vectors, and thinks every rotation as likely."""

    def __init__(self, vectors):
        super().__init__()
        self.vectors = nn.Parameter(torch.as_tensor(vectors, dtype=torch.float32))

    def forward(self, pictures):
        assert len(pictures) == len(self.vectors)
        return self.vectors, torch.zeros(len(pictures), 4)


def trainee_of(videos, **change):
    return EmbeddingTrainee(replace(TINY, **change), Files(videos=videos))


def measure(trainee, network, pairs, step=0, kinds=None):
    """What the trainee makes of the network's vectors of anchors, positives and negatives."""
    count = len(network.vectors)
    pictures = torch.zeros(count, 3, 4, 4, dtype=torch.uint8)
    parts = pictures.split([pairs, pairs, count - 2 * pairs])
    kinds = kinds or ([0] * pairs, [-1] * (count - 2 * pairs))
    batch = Batch(*parts, torch.zeros(count, dtype=torch.int64), *map(torch.tensor, kinds), ())
    return trainee.loss(network, batch, step, Place(0, 1, torch.device("cpu")))


@pytest.mark.parametrize(("temperature", "rotation"), [(1.0, 0.0), (0.2, 2.0)])
def test_the_loss_sums_what_the_settings_say(videos, temperature, rotation):
    """Anchors at 60 degrees to their positives and at 90 to three negatives, rotations guessed."""
    network = Fixed([[2, 0], [1, 0], [1, 3**0.5], [1, 3**0.5], [0, 1], [0, 2], [0, 3]])
    change = {"temperature": temperature, "mining": False}
    change |= {"rotation_weight": rotation} if rotation else {"rotation": False}
    measured = measure(trainee_of(videos, **change), network, pairs=2)
    contrastive = math.log(1 + 3 * math.exp(-0.5 / temperature))
    assert measured.loss.item() == pytest.approx(contrastive + rotation * math.log(4))
    assert ("rotation_loss" in measured.means) == bool(rotation)
    assert "kept_share" not in measured.means
    measured.loss.backward()
    assert (network.vectors.grad.abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("mining", [True, False])
def test_videos_of_one_kind_are_not_each_others_negatives(videos, mining):
    """Two anchors, a negative of each one's kind and one of neither: each is held to two."""
    network = Fixed([[1, 0], [0, 1], [1, 0], [0, 1], [-1, 0.1], [0.1, -1], [-1, -1]])
    trainee = trainee_of(videos, mining=mining, rotation=False, radius_start=1.0, radius_end=1.0)
    measured = measure(trainee, network, pairs=2, kinds=([3, 5], [3, 5, 4]))
    similarities = cosine_similarities(*network.vectors.split([2, 2, 3]))
    others = torch.tensor([[False, True, True], [True, False, True]])
    keep = semi_hard(similarities, 1.0, TINY.hardest, others).keep if mining else others
    assert measured.loss.item() == pytest.approx(contrastive_loss(similarities, keep).item())
    everything = measure(trainee, network, pairs=2).loss.item()
    assert measured.loss.item() < everything


def test_the_radius_goes_from_its_start_to_its_end(videos):
    """Ten random anchors and thirty negatives; at the last step the band is empty for many."""
    network = Fixed(torch.randn(50, 6, generator=torch.Generator().manual_seed(2)))
    similarities = cosine_similarities(*network.vectors.split([10, 10, 30]))
    trainee = trainee_of(videos, steps=10, radius_start=0.8, radius_end=0.0, hardest=3)
    for step, quantile in ((0, 0.8), (5, 0.4), (10, 0.0)):
        means, mined = (
            measure(trainee, network, 10, step).means,
            semi_hard(similarities, quantile, 3),
        )
        assert means["radius"] == pytest.approx(mined.radius)
        loss = contrastive_loss(similarities, mined.keep)
        assert means["contrastive_loss"].item() == pytest.approx(loss.item())


def test_the_optimiser_has_momentum_and_decay_and_its_rate_rises_and_falls(videos):
    change = {"learning_rate": 0.1, "momentum": 0.5, "warmup": 0.5}
    trainee = trainee_of(videos, weight_decay=0.0, **change)
    network = Fixed([[0.0]])
    optimiser = trainee.optimiser(network)
    for _ in range(2):
        network.vectors.grad = torch.ones(1, 1)
        optimiser.step()
    assert network.vectors.item() == pytest.approx(-(0.1 + 0.1 * 1.5))
    rates = [trainee.learning_rate(step) for step in range(5)]
    assert rates == pytest.approx([0.05, 0.1, 0.1, 0.05, 0.0])
    network = Fixed([[1.0]])
    network.vectors.grad = torch.zeros(1, 1)
    trainee_of(videos, weight_decay=0.2, **change).optimiser(network).step()
    assert network.vectors.item() == pytest.approx(1 - 0.1 * 0.2)


def test_a_checkpoint_is_one_of_the_same_settings_and_videos(videos):
    """What tells a checkpoint of another training, which is not resumed."""
    same, again, other = (trainee_of(videos, temperature=value) for value in (1.0, 1.0, 0.5))
    assert same.identity == again.identity != other.identity
    fewer = EmbeddingTrainee(TINY, Files(videos=videos / "reading"))
    assert fewer.identity != same.identity


def test_the_seed_decides_the_split_and_the_first_weights(videos):
    made = [trainee_of(videos, seed=seed) for seed in (1, 1, 2)]
    weights = [next(one.network.parameters()).flatten()[:5].tolist() for one in made]
    assert weights[0] == weights[1] != weights[2]
    files = [one.identity[1] for one in made]
    assert files[0] == files[1] != files[2]


def test_mixed_precision_is_close(videos, tmp_path):
    exact, mixed = (
        learn(videos, tmp_path, replace(ONE_STEP, precision=precision)).rows[0]["loss"]
        for precision in ("float32", "bfloat16")
    )
    assert mixed != exact
    assert mixed == pytest.approx(exact, rel=0.1)


def instance(**options):
    return yaml.safe_dump({"trainee": "embedding", **options}, default_flow_style=True)


def command(videos, folder, *more, **options):
    words = ["train", "--trainee", instance(**options), "--videos", str(videos)]
    words += ["--weights-out", str(folder / "w.safetensors"), "--log-out", str(folder / "log.csv")]
    return [*words, *more]


def test_the_command_writes_weights_that_embed(videos, tmp_path, capsys):
    options = {"steps": 2, "pairs": 2, "negatives": 2, "negative_videos": 0.3, "short_side": 40,
               "crop": 32, "dimension": 8, "log_every": 1}  # fmt: skip
    more = ("--checkpoint", str(tmp_path / "state.pt"), "--checkpoint-every", "1")
    assert stage(command(videos, tmp_path, *more, **options)) == 0
    assert "step 2/2" in capsys.readouterr().err
    assert not (tmp_path / "state.pt").exists()
    assert len(read_log(tmp_path / "log.csv")) == 2
    weights = tmp_path / "w.safetensors"
    _, header = read_weights(weights)
    assert header["short_side"] == 40
    assert header["training"]["positive_videos"] == 6
    assert load_embedder(EMBEDDERS, "learned", weights).dimension == 8


@pytest.mark.parametrize(
    ("options", "more", "words"),
    [
        ({"crop": 9}, [], "option crop is 9; allowed: greater than or equal to 32"),
        ({"crop": 300}, [], "short_side is 256; allowed: crop (300) or more"),
        ({"grey": 1.5}, [], "option grey is 1.5; allowed: less than or equal to 1"),
        ({"colour": 1}, [], "no option 'colour'; allowed: seed, epochs"),
        ({"precision": "half"}, [], "allowed: 'auto', 'float32' or 'bfloat16'"),
        ({"negative_videos": 99}, [], "at most 8"),
        ({}, ["--videos", "nowhere"], "nowhere: no such folder"),
        ({}, ["--initial-weights", "nowhere.pth"], "nowhere.pth: no such file"),
        ({}, ["--threads", "0"], "1 or more"),
        ({}, ["--cache-mib", "-1"], "0 or more"),
    ],
)
def test_the_command_refuses_in_one_line(videos, tmp_path, capsys, options, more, words):
    assert stage(command(videos, tmp_path, *more, **options)) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not (tmp_path / "w.safetensors").exists()


def test_what_the_trainee_needs_is_named(tmp_path, capsys):
    words = [word for word in command("x", tmp_path) if word not in ("--videos", "x")]
    assert stage(words) == 2
    assert "trainee 'embedding' needs --videos" in capsys.readouterr().err


@pytest.mark.workflow
def test_training_separates_videos_and_joins_neighbours(videos, tmp_path):
    learned = learn(
        videos,
        tmp_path,
        EmbeddingSettings(
            seed=1, steps=100, pairs=8, negatives=8, negative_videos=2, short_side=48, crop=48,
            temperature=0.2, learning_rate=0.02, dimension=16,
        ),
    )  # fmt: skip
    first, last = learned.rows[0], learned.rows[-1]

    def apart(row):
        return row["positive_similarity"] - row["negative_similarity"]

    assert apart(first) < 0.3
    assert apart(last) > 0.8
    assert last["contrastive_loss"] < 0.5 * first["contrastive_loss"]
    assert last["rotation_loss"] < first["rotation_loss"]


@pytest.mark.workflow
def test_two_processes_train_together(videos, tmp_path, straight):
    """The loss of the first step is that of one process, up to batch normalisation's batches."""
    options = {k: v for k, v in vars(TINY).items() if v != getattr(EmbeddingSettings(), k)}
    words = command(videos, tmp_path, "--processes", "2", **options)
    subprocess.run([sys.executable, "-m", "vcmflow", "stage", *words], check=True, timeout=300)
    rows = read_log(tmp_path / "log.csv")
    assert [row["step"] for row in rows] == [2, 4]
    assert rows[0]["loss"] == pytest.approx(straight.rows[0]["loss"], abs=0.5)
    assert rows[-1]["epoch"] == pytest.approx(straight.rows[-1]["epoch"])
    assert set(read_weights(tmp_path / "w.safetensors")[0]) == set(straight.state)


@pytest.mark.workflow
def test_what_stops_one_of_two_processes_stops_both_with_its_line(videos, tmp_path):
    words = command(videos, tmp_path, "--processes", "2", pairs=3)
    ended = subprocess.run(
        [sys.executable, "-m", "vcmflow", "stage", *words],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 2
    assert "pairs (3) and negatives (128) must be multiples of the 2 processes" in ended.stderr
    assert not (tmp_path / "w.safetensors").exists()
