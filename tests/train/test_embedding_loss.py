"""Eq. (5), Eq. (6) and semi-hard mining against their definitions, and the log."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.train.embedding.loss import (
    Similarities,
    contrastive_loss,
    cosine_similarities,
    semi_hard,
)
from vcmflow.train.embedding.settings import EmbeddingSettings
from vcmflow.train.embedding.trainee import collapse_warning
from vcmflow.train.registry import TRAINEES


def draw(seed, pairs=3, negatives=5, d=4):
    generator = torch.Generator().manual_seed(seed)
    shapes = (pairs, d), (pairs, d), (negatives, d)
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_the_loss_is_equation_5(temperature):
    anchors, positives, negatives = draw(0)
    total = 0.0
    for y, y_next in zip(anchors.double().numpy(), positives.double().numpy(), strict=True):

        def c(other, y=y):
            return y @ other / np.linalg.norm(y) / np.linalg.norm(other) / temperature

        above = math.exp(c(y_next))
        below = above + sum(math.exp(c(n)) for n in negatives.double().numpy())
        total -= math.log(above / below)
    similarities = cosine_similarities(anchors, positives, negatives)
    keep = torch.ones(3, 5, dtype=torch.bool)
    assert float(contrastive_loss(similarities, keep, temperature)) == pytest.approx(total / 3)


def test_dropped_negatives_do_not_enter():
    anchors, positives, negatives = draw(1)
    keep = torch.zeros(3, 5, dtype=torch.bool)
    keep[:, :2] = True
    few = cosine_similarities(anchors, positives, negatives[:2])
    all_kept = contrastive_loss(few, torch.ones(3, 2, dtype=torch.bool))
    similarities = cosine_similarities(anchors, positives, negatives)
    assert contrastive_loss(similarities, keep) == pytest.approx(float(all_kept))


def test_the_gradient_reaches_anchors_positives_and_negatives():
    """Finite differences agree: nothing is cut off on the way to the loss."""

    def loss(*parts):
        similarities = cosine_similarities(*parts)
        return contrastive_loss(similarities, torch.ones(3, 5, dtype=torch.bool), 0.5)

    assert torch.autograd.gradcheck(loss, [part.double().requires_grad_() for part in draw(5)])


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 4))
def test_mining_keeps_the_band_beyond_the_positive(seed, quantile, hardest):
    similarities = cosine_similarities(*draw(seed, pairs=4, negatives=7))
    mined = semi_hard(similarities, quantile, hardest)
    d_pos = (1 - similarities.positive).numpy()
    d_neg = (1 - similarities.negative).numpy()
    assert mined.radius == pytest.approx(np.sort(d_neg.ravel())[round(quantile * 27)])
    assert mined.share == pytest.approx(mined.keep.float().mean())
    for row in range(4):
        kept = mined.keep[row].numpy()
        band = (d_pos[row] < d_neg[row]) & (d_neg[row] < d_pos[row] + np.float32(mined.radius))
        beyond = np.sort(d_neg[row][d_neg[row] > d_pos[row]])
        if band.any():
            assert np.array_equal(kept, band)
        elif len(beyond):
            assert np.array_equal(np.sort(d_neg[row][kept]), beyond[:hardest])
        else:
            assert kept.all()


def test_a_smaller_quantile_gives_a_smaller_radius():
    similarities = cosine_similarities(*draw(3, negatives=50))
    radii = [semi_hard(similarities, quantile, 1).radius for quantile in (0.9, 0.5, 0.1)]
    assert radii == sorted(radii, reverse=True)
    assert len(set(radii)) == 3


def test_mining_where_no_negative_is_in_the_band():
    far = Similarities(torch.tensor([0.9]), torch.tensor([[-0.9, -0.8, 0.95]]))
    assert semi_hard(far, 0.0, 1).keep.tolist() == [[False, True, False]]
    assert semi_hard(far, 0.0, 2).keep.tolist() == [[True, True, False]]
    near = Similarities(torch.tensor([0.1]), torch.tensor([[0.9, 0.8]]))
    assert semi_hard(near, 0.5, 1).keep.all()


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 4))
def test_what_is_no_candidate_is_as_if_it_were_not_there(seed, quantile, hardest):
    similarities = cosine_similarities(*draw(seed, pairs=4, negatives=7))
    candidates = torch.arange(7).expand(4, 7) < 5
    some = semi_hard(similarities, quantile, hardest, candidates)
    fewer = Similarities(similarities.positive, similarities.negative[:, :5])
    alone = semi_hard(fewer, quantile, hardest)
    assert torch.equal(some.keep[:, :5], alone.keep)
    assert not some.keep[:, 5:].any()
    assert (some.radius, some.share) == (alone.radius, alone.share)
    nothing = semi_hard(similarities, quantile, hardest, torch.zeros(4, 7, dtype=torch.bool))
    assert not nothing.keep.any()
    assert contrastive_loss(similarities, nothing.keep) == 0


def test_a_negative_as_near_as_the_positive_is_not_semi_hard():
    """Copies of a frame: both bounds of the band are open."""
    level = Similarities(torch.tensor([0.5]), torch.tensor([[0.5, 0.25, 0.0, -0.5]]))
    # Of the distances 0.5, 0.75, 1 and 1.5 the radius is the smallest.
    assert semi_hard(level, 0.0, 1).keep.tolist() == [[False, True, False, False]]


def test_collapse_is_told_once_and_not_in_the_first_steps():
    values = [(50, 0.99), (120, 0.5), (140, 0.97), (160, 0.99)]
    rows = [{"step": step, "negative_similarity": value} for step, value in values]
    told = [collapse_warning(rows[:end], 100) for end in (1, 2, 3, 4)]
    assert [message is not None for message in told] == [False, False, True, False]
    assert "step 140" in told[2]
    assert "collapses" in told[2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temprature": 1}, "no option 'temprature'; allowed: .*temperature"),
        ({"temperature": 0}, "temperature is 0; allowed: greater than 0"),
        ({"temperature": "warm"}, "temperature is 'warm'; allowed: a valid number"),
        ({"mining": "maybe"}, "mining is 'maybe'; allowed: a valid boolean"),
        ({"crop": 224, "short_side": 128}, r"short_side is 128; allowed: crop \(224\) or more"),
        ({"precision": "half"}, "bfloat16"),
        ({"grey": 1.5}, "grey is 1.5; allowed: less than or equal to 1"),
        ({"steps": 0}, "steps is 0; allowed: greater than or equal to 1"),
        ({"pairs": 0}, "greater than or equal to 1"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; allowed: a finite number"),
        ({"grey": float("nan")}, "grey is nan; allowed:"),
    ],
)
def test_bad_settings_are_named(options, words):
    with pytest.raises(VcmflowError, match=words):
        build(TRAINEES, "embedding", "trainee", options)


def test_epochs_count_pairs_of_positive_videos():
    assert EmbeddingSettings(epochs=100, pairs=64).schedule(300_000).steps == 468_750
    assert EmbeddingSettings(epochs=100, steps=7).schedule(300_000).steps == 7
    options = {"steps": None, "epochs": 3}
    assert build(TRAINEES, "embedding", "trainee", options).epochs == 3.0


def test_the_plan_sees_the_options_without_torch():
    code = (
        "import sys; from vcmflow.core.registry import build, check_names;"
        "from vcmflow.train.registry import TRAINEES;"
        "check_names(TRAINEES, 'embedding', 'trainee', ['pairs', 'crop'], []);"
        "check_names(TRAINEES, 'yolact_mini', 'trainee', ['scenes'], []);"
        "assert 'vcmflow.train.embedding.settings' not in sys.modules;"
        "build(TRAINEES, 'embedding', 'trainee', {'pairs': 3});"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
