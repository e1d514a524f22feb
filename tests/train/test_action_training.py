"""The training of the small network of clips: what it draws, what it stores, what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.nets.r2plus1d_mini import VIEW, MiniR2Plus1d
from vcmflow.nets.weights import read_weights
from vcmflow.task.registry import RECOGNISERS
from vcmflow.train.action.settings import ActionSettings
from vcmflow.train.action.trainee import ActionTrainee, Clips, draw
from vcmflow.train.loop import Machine, Output, train
from vcmflow.train.registry import TRAINEES
from vcmflow.train.trainee import Files, Place
from vcmrender.api import MOTIONS

CPU = torch.device("cpu")


def trainee(**options: object) -> ActionTrainee:
    settings: ActionSettings = build(TRAINEES, "r2plus1d_mini", "trainee", options)
    return ActionTrainee(settings, Files())


def run(folder: Path, **options: object) -> list[dict[str, float]]:
    folder.mkdir()
    out = Output(folder / "w.safetensors", folder / "log.csv", folder / "c.checkpoint", every=2)
    return train("r2plus1d_mini", trainee(**options), Machine(), out)


def test_clips_depend_on_seed_and_step_alone_and_processes_share_them() -> None:
    whole = Clips(4, 3, Place(0, 1, CPU))[5]
    parts = [Clips(4, 3, Place(rank, 2, CPU))[5] for rank in (0, 1)]
    assert whole[0].shape == (4, VIEW.frames, VIEW.crop, VIEW.crop, 3)
    assert torch.equal(whole[0][::2], parts[0][0]) and torch.equal(whole[0][1::2], parts[1][0])
    assert torch.equal(whole[1][::2], parts[0][1])
    assert not torch.equal(whole[0], Clips(4, 3, Place(0, 1, CPU))[6][0])
    assert not np.array_equal(draw(3, "train", 0)[0], draw(3, "validation", 0)[0])


def test_a_training_ends_with_weights_that_the_task_reads(tmp_path: Path) -> None:
    rows = run(tmp_path / "a", steps=3, batch=2, clips=2, log_every=1, seed=2)
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert {"loss", "top1", "validation_top1", "validation_top5", "validation_still"} <= {*rows[-1]}
    weights = tmp_path / "a" / "w.safetensors"
    assert read_weights(weights)[1]["notes"]["classes"] == list(MOTIONS)
    model = build(
        RECOGNISERS, "r2plus1d_mini", "model", {}, offered={"weights": weights, "device": "cpu"}
    )
    frames, _ = draw(2, "validation", 0)
    assert {entry["label"] for entry in model.run(frames)} == set(MOTIONS)
    run(tmp_path / "b", steps=3, batch=2, clips=2, log_every=1, seed=2)
    assert (tmp_path / "b" / "w.safetensors").read_bytes() == weights.read_bytes()


def test_the_network_learns_a_batch_by_heart() -> None:
    torch.manual_seed(0)
    own = trainee(learning_rate=0.01, batch=4)
    clips = Clips(4, 0, Place(0, 1, CPU))[0]
    place = Place(0, 1, CPU)
    optimiser = own.optimiser(own.network)
    losses = []
    for step in range(12):
        loss = own.loss(own.network, clips, step, place).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 3


def test_the_network_sees_the_order_of_frames() -> None:
    torch.manual_seed(1)
    network = MiniR2Plus1d(5).eval()
    clips = torch.rand(1, 3, 8, 32, 32)
    with torch.inference_mode():
        assert not torch.allclose(network(clips), network(clips.flip(2)), atol=1e-6)
    assert sum(value.numel() for value in network.parameters()) < 300_000


def test_a_batch_that_processes_cannot_share_is_one_clear_line() -> None:
    with pytest.raises(VcmflowError, match=r"batch \(3\) must be a multiple of the 2 processes"):
        trainee(batch=3).data(Place(0, 2, CPU))
