"""The training: it learns, is deterministic, resumes exactly, and warns."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from vcmflow.__main__ import main
from vcmflow.core.errors import VcmflowError
from vcmflow.embed.command import build_embedder
from vcmflow.embed.weights import read_weights
from vcmflow.pretrain.log import read_log
from vcmflow.pretrain.settings import PretrainSettings
from vcmflow.pretrain.training import Checkpoints, Machine, pretrain

TINY = PretrainSettings(
    seed=1, steps=4, pairs=2, negatives=4, negative_videos=2, short_side=40, crop=32, log_every=2,
    learning_rate=0.02, dimension=16,
)  # fmt: skip


# A radius that leaves negatives out already in the first step.
ONE_STEP = {**TINY.__dict__, "steps": 1, "log_every": 1, "radius_start": 0.1, "hardest": 1}


def same(one, other):
    return one.rows == other.rows and all(
        torch.equal(tensor, other.state[name]) for name, tensor in one.state.items()
    )


@pytest.fixture(scope="module")
def straight(videos):
    """A training without interruption."""
    return pretrain(videos, TINY)


@pytest.fixture(scope="module")
def first_step(videos):
    """The loss of the first step."""
    return pretrain(videos, PretrainSettings(**ONE_STEP)).rows[0]["loss"]


def test_the_log_tells_what_happened(straight):
    assert [row["step"] for row in straight.rows] == [2, 4]
    for row in straight.rows:
        assert -1 <= row["negative_similarity"] <= 1
        assert 0 < row["kept_share"] <= 1
        assert 0 <= row["rotation_accuracy"] <= 1
        assert row["loss"] == pytest.approx(row["contrastive_loss"] + 0.5 * row["rotation_loss"])
    assert straight.rows[-1]["epoch"] == pytest.approx(8 / 7)
    assert straight.description.training["unusable_draws"] == straight.rows[-1]["unusable_videos"]
    assert straight.rows[-1]["unusable_videos"] > 0


def test_neither_cache_nor_loaders_change_the_result(videos, straight):
    assert same(straight, pretrain(videos, TINY, Machine(workers=2, cache=0)))


def test_a_resumed_training_equals_an_uninterrupted_one(videos, straight, tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path / "state.pt", every=3)
    module = sys.modules["vcmflow.pretrain.training"]
    step, calls = module._step, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return step(*args)

    monkeypatch.setattr(module, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pretrain(videos, TINY, checkpoints=checkpoints, log=tmp_path / "log.csv")
    assert [row["step"] for row in read_log(tmp_path / "log.csv")] == [2]
    calls.clear()
    monkeypatch.setattr(module, "_step", lambda *args: calls.append(1) or step(*args))
    assert same(straight, pretrain(videos, TINY, checkpoints=checkpoints))
    assert len(calls) == 1


def test_a_checkpoint_of_other_settings_is_not_resumed(videos, tmp_path, capsys):
    checkpoints = Checkpoints(tmp_path / "state.pt", every=1)
    pretrain(videos, PretrainSettings(**ONE_STEP), checkpoints=checkpoints)
    other = PretrainSettings(**{**ONE_STEP, "temperature": 0.5})
    capsys.readouterr()
    assert pretrain(videos, other, checkpoints=checkpoints).rows[0]["step"] == 1
    assert "starts anew" in capsys.readouterr().err
    (tmp_path / "state.pt").write_bytes(b"broken")
    with pytest.raises(VcmflowError, match="damaged checkpoint"):
        pretrain(videos, other, checkpoints=checkpoints)


@pytest.mark.parametrize(
    "change",
    [{"mining": False}, {"rotation": False}, {"temperature": 0.1}, {"precision": "bfloat16"}],
)
def test_every_ablation_changes_the_training(videos, first_step, change):
    other = pretrain(videos, PretrainSettings(**{**ONE_STEP, **change}))
    assert other.rows[0]["loss"] != pytest.approx(first_step, rel=1e-6)
    if change == {"mining": False}:
        assert other.rows[0]["kept_share"] == 1
    if change == {"rotation": False}:
        assert other.rows[0]["loss"] == pytest.approx(other.rows[0]["contrastive_loss"])


def test_a_loss_that_is_no_number_stops_the_training(videos):
    with pytest.raises(VcmflowError, match="lower learning_rate"):
        pretrain(videos, PretrainSettings(**{**TINY.__dict__, "learning_rate": 1e12}))


def test_the_command_writes_weights_that_embed(videos, tmp_path, capsys):
    out = [tmp_path / name for name in ("w.safetensors", "log.csv", "log.png")]
    options = ["steps=2", "pairs=2", "negatives=2", "negative_videos=0.3", "short_side=40",
               "crop=32", "dimension=8", "log_every=1"]  # fmt: skip
    command = ["pretrain", "--videos", str(videos), "--weights-out", str(out[0])]
    command += ["--log-out", str(out[1]), "--plot-out", str(out[2])]
    command += ["--checkpoint", str(tmp_path / "state.pt"), "--checkpoint-every", "1"]
    for option in options:
        command += ["--option", option]
    assert main(command) == 0
    assert "step 2/2" in capsys.readouterr().err
    assert not (tmp_path / "state.pt").exists()
    assert len(read_log(out[1])) == 2
    assert out[2].stat().st_size > 1000
    _, description = read_weights(out[0])
    assert description.short_side == 40
    assert description.training["positive_videos"] == 6
    assert build_embedder("learned", out[0]).dimension == 8


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--option", "crop=9"], "crop is 9; allowed: 32 or more"),
        (["--option", "negative_videos=99"], "at most 8"),
        (["--videos", "nowhere"], "nowhere: no such folder"),
        (["--initial-weights", "nowhere.pth"], "resnet18-f37072fd.pth"),
        (["--device", "tpu"], "auto, cpu, cuda"),
        (["--threads", "0"], "1 or more"),
        (["--cache-mib", "-1"], "0 or more"),
    ],
)
def test_the_command_refuses_in_one_line(videos, tmp_path, capsys, more, words):
    weights, log = tmp_path / "w.safetensors", tmp_path / "log.csv"
    command = ["pretrain", "--videos", str(videos), "--weights-out", str(weights)]
    assert main([*command, "--log-out", str(log), *more]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not weights.exists()


@pytest.mark.slow
def test_training_separates_videos_and_joins_neighbours(videos):
    learned = pretrain(
        videos,
        PretrainSettings(
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


@pytest.mark.slow
def test_two_processes_train_together(videos, tmp_path):
    """The loss of the first step is that of one process, up to batch normalisation's batches."""
    command = [sys.executable, "-m", "vcmflow", "pretrain", "--processes", "2"]
    command += ["--videos", str(videos), "--weights-out", str(tmp_path / "w.safetensors")]
    command += ["--log-out", str(tmp_path / "log.csv")]
    options = {k: v for k, v in TINY.__dict__.items() if v != getattr(PretrainSettings(), k)}
    for key, value in options.items():
        command += ["--option", f"{key}={value}"]
    subprocess.run(command, check=True, timeout=300)
    rows = read_log(tmp_path / "log.csv")
    assert [row["step"] for row in rows] == [2, 4]
    alone = pretrain(videos, TINY)
    assert rows[0]["loss"] == pytest.approx(alone.rows[0]["loss"], abs=0.5)
    assert set(read_weights(tmp_path / "w.safetensors")[0]) == set(alone.state)


@pytest.mark.slow
def test_what_stops_one_of_two_processes_stops_both_with_its_line(videos, tmp_path):
    command = [sys.executable, "-m", "vcmflow", "pretrain", "--processes", "2"]
    command += ["--videos", str(videos), "--weights-out", str(tmp_path / "w.safetensors")]
    command += ["--log-out", str(tmp_path / "log.csv"), "--option", "pairs=3"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 2
    assert "pairs (3) and negatives (128) must be multiples of the 2 processes" in ended.stderr
    assert not (tmp_path / "w.safetensors").exists()
