"""The training of VCS: what clips a step gets, its stages, resuming, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from train_clips import moving_texture, write_clip

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import read_csv
from vcmflow.nets.proxy_mini import NAME, ProxyNetwork
from vcmflow.nets.vcs.codec import load_codec
from vcmflow.nets.weights import save_halves
from vcmflow.train.loop import Machine, Output, train
from vcmflow.train.trainee import Files, Place
from vcmflow.train.vcs.clips import Clips, neighbours
from vcmflow.train.vcs.settings import VcsSettings
from vcmflow.train.vcs.trainee import VcsTrainee

# Every stage has one step.
SETTINGS = VcsSettings(
    steps=4,
    batch=2,
    frames=3,
    crop=64,
    short_side=64,
    width=0.25,
    code_from=0.25,
    rate_from=0.5,
    rate_rise=0.1,
    contrast_from=0.5,
    real_from=0.75,
    queue=4,
    features="proxy_mini",
    perceptual=0.1,
    held_out=1,
    log_every=1,
    precision="float32",
)
ALONE = Place(0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """Three videos, a short one, and the proxy's weights."""
    folder = tmp_path_factory.mktemp("material")
    for number in range(3):
        write_clip(folder / "videos" / f"{number}.mp4", moving_texture(number, 6, 72, 88))
    write_clip(folder / "videos" / "0_short.mp4", moving_texture(9, 2, 72, 88))
    torch.manual_seed(0)
    save_halves(folder / "proxy.safetensors", ProxyNetwork(), NAME, {})
    return Files(videos=folder / "videos", initial_weights=folder / "proxy.safetensors")


def run(settings, files, folder: Path, trainee=VcsTrainee):
    out = Output(folder / "w.safetensors", folder / "log.csv", folder / "a.checkpoint", every=2)
    return train("vcs", trainee(settings, files), Machine(), out)


@pytest.fixture(scope="module")
def trained(material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return run(SETTINGS, material, folder), folder


def test_stages_add_their_parts_one_after_the_other(trained):
    rows, folder = trained
    begun = [{name for name in row if name in PARTS} for row in rows]
    assert begun == [
        {"perceptual"},
        {"perceptual", "bpp"},
        {"perceptual", "bpp", "contrast"},
        {"perceptual", "bpp", "contrast", "real", "discriminator"},
    ]
    assert rows[-1]["validation_bpp"] > 0
    assert 0 <= rows[-1]["validation_used"] <= 1
    assert rows[-1]["validation_perceptual_base"] > 0
    # Two steps of an untrained network change little; the base codec's own error is the measure.
    assert rows[-1]["validation_l1"] == pytest.approx(rows[-1]["validation_l1_base"], rel=0.2)
    assert len(read_csv(folder / "log.csv", ["step"])) == 4


PARTS = ("perceptual", "bpp", "contrast", "real", "discriminator")


def test_the_weights_are_a_codec(trained):
    network, tables = load_codec(trained[1] / "w.safetensors")
    assert network.config.width == 0.25
    assert len(tables.counts) == 128


class Stopped(Exception):
    pass


def test_a_resumed_training_ends_with_the_same_weights(material, trained, tmp_path):
    class Broken(VcsTrainee):
        def loss(self, model, batch, step, place):
            if step == 3:
                raise Stopped
            return super().loss(model, batch, step, place)

    with pytest.raises(Stopped):
        run(SETTINGS, material, tmp_path, Broken)
    assert (tmp_path / "a.checkpoint").is_file()
    run(SETTINGS, material, tmp_path)
    there = trained[1] / "w.safetensors"
    assert (tmp_path / "w.safetensors").read_bytes() == there.read_bytes()


def test_the_discriminator_is_moved_by_its_own_loss_alone(material):
    """And the codec by none of it."""
    trainee = VcsTrainee(replace(SETTINGS, perceptual=0.0, contrast=0.0), material)
    network, batch = trainee.network, trainee.data(ALONE)[0]
    trainee.loss(network, batch, 3, ALONE).loss.backward()
    judged = [value.grad.clone() for value in network.discriminator.parameters()]
    network.zero_grad()
    trainee = VcsTrainee(replace(SETTINGS, perceptual=0.0, contrast=0.0, real=1e3), material)
    again = trainee.network
    torch.manual_seed(0)
    trainee.loss(again, batch, 3, ALONE).loss.backward()
    for before, value in zip(judged, again.discriminator.parameters(), strict=True):
        assert torch.allclose(before, value.grad, atol=1e-6)


def test_until_its_time_the_rate_teaches_the_density_alone(material):
    settings = replace(SETTINGS, perceptual=0.0, contrast=0.0, rate=1.0)
    taught = {}
    for rate in (1.0, 1e3):
        for step in (1, 3):
            trainee = VcsTrainee(replace(settings, rate=rate, real=0.0), material)
            batch = trainee.data(ALONE)[0]
            torch.manual_seed(0)
            trainee.loss(trainee.network, batch, step, ALONE).loss.backward()
            codec = trainee.network.codec
            for name, part in (("encoder", codec.sem_enc), ("density", codec.prior)):
                gradients = [v.grad.flatten() for v in part.parameters() if v.grad is not None]
                taught[rate, step, name] = torch.cat(gradients)
    assert torch.equal(taught[1.0, 1, "encoder"], taught[1e3, 1, "encoder"])
    assert not torch.allclose(taught[1.0, 3, "encoder"], taught[1e3, 3, "encoder"])
    assert not torch.allclose(taught[1.0, 1, "density"], taught[1e3, 1, "density"])


def test_a_step_has_its_clips_whoever_asks(material):
    videos = sorted(material.videos.glob("[0-9].mp4"))
    whole = Clips(videos, SETTINGS, ALONE)[7]
    assert whole.frames.shape == whole.decoded.shape == (2, 3, 3, 64, 64)
    assert whole.frames.dtype == torch.uint8
    for rank in (0, 1):
        half = Clips(videos, SETTINGS, Place(rank, 2, torch.device("cpu")))[7]
        assert torch.equal(half.frames[0], whole.frames[rank])
        assert torch.equal(half.decoded[0], whole.decoded[rank])
    error = (whole.frames.float() - whole.decoded.float()).abs().mean()
    assert 0.5 < float(error) < 40
    assert not torch.equal(whole.frames, Clips(videos, SETTINGS, ALONE)[8].frames)


def test_points_are_those_of_the_paper_and_coarser_ones_decode_worse(material):
    assert VcsSettings().points == [35, 39, 43, 47, 51]
    videos = sorted(material.videos.glob("[0-9].mp4"))
    errors = []
    for point in (20, 51):
        settings = replace(SETTINGS, low=point, high=point)
        batch = Clips(videos, settings, ALONE)[0]
        errors.append(float((batch.frames.float() - batch.decoded.float()).abs().mean()))
    assert errors[0] < errors[1]


def test_neighbours_lie_where_they_are_asked_for(material):
    video = material.videos / "1.mp4"
    everything = neighbours(video, 6, 0.3)
    assert np.array_equal(neighbours(video, 2, 0.0), everything[:2])
    assert np.array_equal(neighbours(video, 2, 0.5), everything[2:4])
    assert np.array_equal(neighbours(video, 2, 1.0), everything[4:])


@pytest.mark.parametrize(
    ("change", "files", "message"),
    [
        ({}, {"videos": None}, "needs --videos"),
        ({}, {"initial_weights": None}, "needs --initial-weights, those of the network 'proxy_m"),
        ({"held_out": 4}, {}, "4 videos; wanted: more than held_out"),
    ],
)
def test_what_is_missing_is_one_line(material, change, files, message):
    with pytest.raises(VcmflowError, match=message):
        VcsTrainee(replace(SETTINGS, **change), replace(material, **files))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"short_side": 32}, "short_side is 32; allowed: crop"),
        ({"low": 40, "high": 39}, "high is 39; allowed: low"),
        ({"queue": 1}, "queue is 1; allowed: batch"),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(change, message):
    with pytest.raises(VcmflowError, match=message):
        replace(SETTINGS, **change)


def test_videos_that_are_all_too_short_are_one_line(material):
    videos = sorted(material.videos.glob("*short*"))
    with pytest.raises(VcmflowError, match="100 draws in a row gave no video of 3 frames"):
        Clips(videos, SETTINGS, ALONE)[0]


def test_a_code_that_has_collapsed_is_told(material):
    trainee = VcsTrainee(SETTINGS, material)
    assert trainee.warning([{"step": 1.0, "validation_used": 0.0}]) is not None
    assert trainee.warning([{"step": 1.0, "validation_used": 0.1}]) is None
    assert trainee.warning([{"step": 1.0}]) is None
