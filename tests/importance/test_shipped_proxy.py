"""What the proxy's shipped weights can do, and that their gradients point at objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vcmflow.core.registry import build
from vcmflow.importance.gradient import confidence, plis
from vcmflow.importance.maps import roim
from vcmflow.nets.proxy_mini import NAME
from vcmflow.train.models.proxy import ProxyTrainee
from vcmflow.train.models.rendered import render_samples
from vcmflow.train.registry import TRAINEES
from vcmflow.train.trainee import Files

WEIGHTS = Path(__file__).parents[2] / "models" / f"{NAME}.safetensors"


@pytest.mark.slow
def test_the_proxy_knows_the_classes() -> None:
    settings = build(TRAINEES, NAME, "trainee", {"scenes": 1, "validation_scenes": 20})
    scores = ProxyTrainee(settings, Files()).validate(WEIGHTS)
    assert scores["miou"] > 0.5


@pytest.mark.slow
def test_its_confidences_depend_on_the_objects() -> None:
    samples = render_samples("detection", 4, 5, "validation")
    inside, outside = [], []
    for sample in samples:
        blocks = roim(confidence(WEIGHTS, top=1000)(sample.frame, 0))
        objects = roim((sample.owner > 0).astype(np.float32)) > 1
        if objects.any() and not objects.all():
            inside.append(blocks[objects].mean())
            outside.append(blocks[~objects].mean())
    assert np.mean(inside) > 2 * np.mean(outside)


def test_the_shipped_weights_are_the_networks() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    assert np.isfinite(plis(WEIGHTS, probes=1)(frame, 0)).all()
