"""Training of the mini models: augmentation, targets, losses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vcmflow.core.detections import Detections, no_detections
from vcmflow.core.registry import build, load
from vcmflow.nets.proxy_mini import ProxyNetwork
from vcmflow.nets.weights import load_halves
from vcmflow.nets.yolact.postprocess import decode
from vcmflow.task.registry import TASKS
from vcmflow.train.models.augment import augment, coded, move
from vcmflow.train.models.proxy import labels
from vcmflow.train.models.rendered import render_samples
from vcmflow.train.models.samples import Sample
from vcmflow.train.models.trainee import ModelTrainee, Steps
from vcmflow.train.models.validate import average_precision, mean_jaccard
from vcmflow.train.models.yolact import encode, match
from vcmflow.train.registry import TRAINEES
from vcmflow.train.trainee import Files, Place

MODELS = {"faster_rcnn_mini": "detection", "yolact_mini": "segmentation"}
PROXY = "proxy_mini"
CPU = Place(0, 1, torch.device("cpu"))


def blocks(seed: int, size: tuple[int, int] = (96, 128)) -> Sample:
    """A picture of noise with up to three upright rectangles of plain colour."""
    rng = np.random.default_rng(seed)
    frame = rng.integers(90, 130, (*size, 3)).astype(np.uint8)
    owner = np.zeros(size, np.uint8)
    categories = rng.integers(1, 4, 3)
    for index, category in enumerate(categories, start=1):
        y, x = rng.integers(0, size[0] - 40), rng.integers(0, size[1] - 24)
        frame[y : y + 40, x : x + 24] = (60 * category, 250 - 60 * category, 20)
        owner[y : y + 40, x : x + 24] = index
    return Sample(frame, owner, categories.astype(np.int64))


def test_labels_move_with_the_picture() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        owner = np.zeros((80, 120), np.uint8)
        owner[20:50, 30:70] = 1
        frame = np.where(owner[..., None] > 0, np.uint8(250), np.uint8(5)).repeat(3, axis=2)
        moved = move(Sample(frame, owner, np.array([1])), rng)
        bright = moved.frame[..., 0] > 127
        agree = bright == (moved.owner > 0)
        assert agree.mean() > 0.985
        assert set(np.unique(moved.owner)) <= {0, 1}


def test_augmentation_is_decided_by_its_generator() -> None:
    sample = blocks(0)
    first = augment(sample, np.random.default_rng(5))
    again = augment(sample, np.random.default_rng(5))
    other = augment(sample, np.random.default_rng(6))
    np.testing.assert_array_equal(first.frame, again.frame)
    np.testing.assert_array_equal(first.owner, again.owner)
    assert not np.array_equal(first.frame, other.frame)
    assert first.frame.shape == sample.frame.shape and first.frame.dtype == np.uint8


def test_a_higher_qp_loses_more() -> None:
    frame = blocks(1).frame
    errors = [
        float(np.mean((coded(frame, qp).astype(float) - frame.astype(float)) ** 2))
        for qp in (20, 32, 44)
    ]
    assert 0 < errors[0] < errors[1] < errors[2]


def test_objects_are_the_extent_of_their_visible_pixels() -> None:
    owner = np.zeros((10, 12), np.uint8)
    owner[2:5, 3:9] = 2
    owner[0, 0] = 1
    sample = Sample(np.zeros((10, 12, 3), np.uint8), owner, np.array([1, 3, 2]))
    boxes, categories, masks = sample.objects(2)
    np.testing.assert_array_equal(boxes, [[3, 2, 9, 5]])
    np.testing.assert_array_equal(categories, [3])
    np.testing.assert_array_equal(masks[0], owner == 2)
    assert [len(part) for part in sample.objects(100)] == [0, 0, 0]


def test_every_object_has_an_anchor_and_targets_decode_to_its_box() -> None:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(200, 2, generator=generator)
    anchors = torch.cat((corners, 0.02 + 0.3 * torch.rand(200, 2, generator=generator)), dim=1)
    low = torch.rand(7, 2, generator=generator) * 0.7
    boxes = torch.cat((low, low + 0.02 + 0.25 * torch.rand(7, 2, generator=generator)), dim=1)
    ends = torch.cat((anchors[:, :2] - anchors[:, 2:] / 2, anchors[:, :2] + anchors[:, 2:] / 2), 1)
    owner = match(ends, boxes)
    assert set(owner.tolist()) - {-1, -2} == set(range(7))
    chosen = owner >= 0
    deltas = encode(boxes[owner[chosen]], anchors[chosen])
    torch.testing.assert_close(decode(deltas, anchors[chosen]), boxes[owner[chosen]])
    assert (match(ends, boxes[:0]) == -1).all()


def perfect(sample: Sample) -> Detections:
    boxes, categories, masks = sample.objects(1)
    return Detections(boxes, np.linspace(1, 0.5, len(boxes), dtype=np.float32), categories, masks)


def test_validation_knows_perfect_and_empty() -> None:
    samples = [blocks(seed) for seed in range(4)]
    best = [perfect(sample) for sample in samples]
    assert average_precision(samples, best, 1)["map"] == pytest.approx(1.0)
    assert mean_jaccard(samples, best, 1)["jaccard"] == pytest.approx(1.0)
    none = [no_detections((96, 128)) for _ in samples]
    assert average_precision(samples, none, 1)["map"] == 0.0
    assert mean_jaccard(samples, none, 1)["jaccard"] == 0.0
    half = [no_detections((96, 128)), *best[1:]]
    assert 0 < mean_jaccard(samples, half, 1)["jaccard"] < 1


def trainee_of(name: str, **options: object) -> ModelTrainee:
    given = {"scenes": 1, "validation_scenes": 1, **options}
    settings = build(TRAINEES, name, "trainee", given)
    trainee: ModelTrainee = load(TRAINEES[name].trainee)(settings, Files())
    return trainee


@pytest.mark.parametrize("name", sorted(MODELS))
def test_settings_reach_schedule_optimiser_and_first_weights(name: str) -> None:
    options = {"learning_rate": 0.1, "decay": 0.5, "average": 0.7, "batch": 3, "steps": 40}
    first, again, other = (trainee_of(name, seed=seed, **options) for seed in (1, 1, 2))
    assert (first.schedule.seed, first.schedule.average, first.schedule.steps) == (1, 0.7, 40)
    assert first.schedule.clip == 5.0  # without it, single batches have thrown training off
    weights = [
        next(one.network.parameters()).flatten()[:9].tolist() for one in (first, again, other)
    ]
    assert weights[0] == weights[1] != weights[2]
    rates = [first.learning_rate(step) for step in range(41)]
    assert (max(rates), rates[1], rates[40]) == pytest.approx((0.1, 0.1, 0.001))
    # Without a gradient there is decay alone, of matrices and kernels alone.
    layer = nn.Linear(2, 2)
    before = [value.detach().clone() for value in layer.parameters()]
    for value in layer.parameters():
        value.grad = torch.zeros_like(value)
    first.optimiser(layer).step()
    torch.testing.assert_close(list(layer.parameters()), [before[0] * (1 - 0.1 * 0.5), before[1]])


def test_order_and_changes_of_the_pictures_are_the_seeds() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    samples = [Sample(frame, np.zeros((16, 16), np.uint8), np.array([k])) for k in range(6)]

    def seen(seed: int, epoch: int) -> tuple[list[int], bytes]:
        batch = Steps(samples, 6, seed, CPU)[epoch]
        return [int(one.categories[0]) for one in batch], b"".join(
            one.frame.tobytes() for one in batch
        )

    assert seen(1, 0) == seen(1, 0)
    orders, pictures = zip(*(seen(seed, epoch) for seed in (1, 2) for epoch in (0, 1)), strict=True)
    assert all(sorted(order) == list(range(6)) for order in orders)
    assert len({tuple(order) for order in orders}) == len(set(pictures)) == 4
    alone = [Steps(samples[:1], 1, seed, CPU)[0][0].frame.tobytes() for seed in (1, 2)]
    assert alone[0] != alone[1]


def test_rendered_scenes_depend_on_seed_and_split() -> None:
    drawn = [
        ("detection", 1, 1, "train"),
        ("detection", 1, 2, "train"),
        ("detection", 1, 1, "validation"),
    ]
    assert len({render_samples(*one)[0].frame.tobytes() for one in drawn}) == 3


def test_everything_trainable_is_a_registered_model() -> None:
    for name, kind in MODELS.items():
        assert name in TASKS[kind]
    others = {"embedding", PROXY, "fst", "r2plus1d_mini", "transvfc_mini", "transvfc_r50", "vcs"}
    assert {*others, *MODELS} == set(TRAINEES)


@pytest.mark.parametrize("name", sorted([*MODELS, PROXY]))
def test_a_few_steps_lower_the_loss_and_give_usable_weights(name: str, tmp_path: Path) -> None:
    trainee = trainee_of(name)
    samples = [blocks(seed) for seed in range(2)]
    batch = samples[:2]
    optimiser = torch.optim.AdamW(trainee.network.parameters(), lr=2e-3)
    trainee.network.train()
    totals = []
    for _ in range(8):
        torch.manual_seed(1)
        loss = trainee.loss(trainee.network, batch, 0, CPU).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        totals.append(float(loss.detach()))
    assert min(totals[-3:]) < 0.8 * totals[0]
    weights = tmp_path / "w.safetensors"
    trainee.save(weights, trainee.network, {})
    if name == PROXY:
        load_halves(weights, ProxyNetwork(), PROXY)
        return
    models = TASKS[MODELS[name]]
    detector = build(models, name, "model", {}, weights=weights, device="cpu")
    (found,) = detector.detect([samples[0].frame])
    assert (found.masks is not None) == (MODELS[name] == "segmentation")


def test_the_proxy_learns_the_class_of_every_pixel() -> None:
    owner = np.array([[0, 1], [2, 2]], np.uint8)
    sample = Sample(np.zeros((2, 2, 3), np.uint8), owner, np.array([3, 1]))
    assert labels([sample]).tolist() == [[[0, 3], [1, 1]]]


def test_the_proxy_is_judged_by_the_pixels_of_every_class(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    owner = np.zeros((32, 32), np.uint8)
    owner[:16] = 1
    sample = Sample(np.zeros((32, 32, 3), np.uint8), owner, np.array([1]))
    trainee = trainee_of(PROXY)
    vars(trainee)["_held_out"] = [sample]
    network = ProxyNetwork()
    trainee.save(tmp_path / "w.safetensors", network, {})

    left = torch.zeros(1, 4, 32, 32)
    left[:, 1, :, :16] = 9
    monkeypatch.setattr(ProxyNetwork, "forward", lambda *_: left)
    scores = trainee.validate(tmp_path / "w.safetensors")
    assert scores == pytest.approx({"background": 1 / 3, "person": 1 / 3, "miou": 1 / 3})


def test_a_picture_without_objects_can_be_learnt_from() -> None:
    empty = Sample(blocks(0).frame, np.zeros((96, 128), np.uint8), np.zeros(0, np.int64))
    for name in (*MODELS, PROXY):
        trainee = trainee_of(name)
        trainee.network.train()
        measured = trainee.loss(trainee.network, [empty, empty], 0, CPU)
        assert all(bool(torch.isfinite(torch.as_tensor(v))) for v in measured.means.values())
        measured.loss.backward()
