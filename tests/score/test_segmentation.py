"""Jaccard and F1: pixel counts, pairing, absent objects."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rle import encode_mask
from vcmflow.core.truth import Annotation, Found, Truth
from vcmflow.score.segmentation import (
    Instances,
    MaskEvaluator,
    Overlap,
    f1_of,
    mean_overlap,
    pair,
    pool,
)

SIZE = (24, 32)
NO_BOX = (0.0, 0.0, 1.0, 1.0)


def rectangle(x, y, w, h):
    mask = np.zeros(SIZE, bool)
    mask[y : y + h, x : x + w] = True
    return mask


def thing(frame, object_id, mask, crowd=False, ignore=False):
    code = None if mask is None else encode_mask(mask)
    return Annotation(frame, 1, NO_BOX, 1.0, crowd, ignore, object_id, code)


def seen(frame, mask, category=17):
    return Found(frame, category, NO_BOX, 0.5, encode_mask(mask))


def evaluate(things, detections, frames=1, absent="skip"):
    return evaluator(things, frames, absent).score(detections)[0]


def evaluator(things, frames=1, absent="skip"):
    return MaskEvaluator(Truth({1: "object"}, tuple(things)), frames, SIZE, absent, "s")


def test_jaccard_and_f1_are_their_definitions_in_pixels():
    rng = np.random.default_rng(5)
    for _ in range(20):
        a, b = rng.random(SIZE) < 0.4, rng.random(SIZE) < 0.4
        tp, fp, fn = np.sum(a & b), np.sum(a & ~b), np.sum(~a & b)
        result = evaluate([thing(0, 1, b)], [seen(0, a)])
        assert result.jaccard == pytest.approx(tp / (tp + fp + fn))
        assert result.f1 == pytest.approx(2 * tp / (2 * tp + fp + fn))


def test_f1_is_averaged_after_it_is_computed():
    whole, half = rectangle(0, 0, 10, 10), rectangle(0, 0, 10, 5)
    result = evaluate([thing(0, 1, whole), thing(1, 1, whole)], [seen(0, half)], frames=2)
    assert result.jaccard == pytest.approx(0.25)
    assert result.f1 == pytest.approx((2 / 3 + 0) / 2)
    assert result.f1 != pytest.approx(f1_of(result.jaccard))


def test_pairing_maximises_the_sum_of_overlaps():
    rng = np.random.default_rng(1)
    for objects, predictions in ((3, 4), (4, 3), (1, 5), (4, 4)):
        masks = [rng.random(SIZE) < 0.5 for _ in range(objects + predictions)]
        truth, found = masks[:objects], masks[objects:]
        table = np.array([[np.sum(t & f) / np.sum(t | f) for f in found] for t in truth])
        if objects <= predictions:
            best = max(
                sum(table[i, j] for i, j in enumerate(choice))
                for choice in itertools.permutations(range(predictions), objects)
            )
        else:
            best = max(
                sum(table[i, j] for j, i in enumerate(choice))
                for choice in itertools.permutations(range(objects), predictions)
            )
        values, partners = pair([encode_mask(t) for t in truth], [encode_mask(f) for f in found])
        there = [(t, p) for t, p in enumerate(partners) if p is not None]
        assert [values[t] for t, _ in there] == pytest.approx([table[t, p] for t, p in there])
        assert len({p for _, p in there}) == len(there) == min(objects, predictions)
        assert sum(values) == pytest.approx(best)
        assert values.count(0.0) == max(0, objects - predictions)


def test_one_prediction_serves_one_object_and_class_does_not_matter():
    mask = rectangle(2, 2, 8, 8)
    both = [thing(0, 1, mask), thing(0, 2, rectangle(2, 2, 8, 7))]
    assert evaluate(both, [seen(0, mask, category=1)]).jaccard == pytest.approx(0.5)
    assert evaluate(both, [seen(0, mask, category=88)]).jaccard == pytest.approx(0.5)


def test_extra_predictions_cost_nothing_and_missing_ones_count_zero():
    mask = rectangle(2, 2, 8, 8)
    assert evaluate([thing(0, 1, mask)], [seen(0, mask), seen(0, ~mask)]).jaccard == 1
    assert evaluate([thing(0, 1, mask)], []).jaccard == 0


def test_what_is_proposed_in_vain_counts_in_f1_over_objects():
    """Two objects in two frames: one found in both, one missed, a wrong proposal in each."""
    mask, far = rectangle(2, 2, 8, 8), rectangle(20, 10, 5, 5)
    things = [*(thing(frame, 1, mask) for frame in (0, 1)), thing(0, 2, far)]
    half = rectangle(2, 2, 8, 3)  # IoU 3/8
    found = [seen(0, mask), seen(0, rectangle(0, 20, 4, 4)), seen(1, mask), seen(1, half)]
    overlap, counts = evaluator(things, 2).score(found)
    assert counts == Instances(hits=2, proposals=4, objects=3, frames=2)
    assert overlap.jaccard == pytest.approx(0.5)
    part = {"jaccard": 0.5, "f1": 0.5} | vars(counts)
    pooled = pool([part, part])
    assert pooled["f1_objects"] == pytest.approx(2 * 2 / (2 * 2 + 2 + 1))
    assert pooled["proposals"] == 2
    empty = part | {"hits": 0, "objects": 0}
    assert math.isnan(pool([empty])["f1_objects"])
    assert pool([empty])["proposals"] == 2


def test_a_proposal_on_what_is_not_to_be_found_is_no_false_positive():
    mask, crowd = rectangle(2, 2, 8, 8), rectangle(16, 2, 10, 10)
    things = [thing(0, 1, mask), thing(0, 2, crowd, crowd=True)]
    inside, beside = rectangle(17, 3, 4, 4), rectangle(24, 3, 8, 4)
    counts = evaluator(things).score([seen(0, mask), seen(0, inside), seen(0, beside)])[1]
    assert counts == Instances(hits=1, proposals=2, objects=1, frames=1)


def test_objects_weigh_equally_however_long_they_are_visible():
    mask = rectangle(2, 2, 8, 8)
    far = rectangle(20, 10, 5, 5)
    things = [*(thing(frame, 1, mask) for frame in range(4)), thing(0, 2, far)]
    found = [seen(frame, mask) for frame in range(4)]
    assert evaluate(things, found, frames=4).jaccard == pytest.approx((1 + 0) / 2)


def test_frames_without_the_object_are_skipped_or_counted_as_davis_does():
    mask = rectangle(2, 2, 8, 8)
    things = [thing(0, 1, mask), thing(1, 1, mask), thing(2, 1, np.zeros(SIZE, bool))]
    found = [seen(0, mask), seen(3, mask)]
    assert evaluate(things, found, 4).jaccard == pytest.approx(1 / 2)
    assert evaluate(things, found, 4, "davis").jaccard == pytest.approx(3 / 4)


def test_ignored_objects_are_not_searched_for():
    mask = rectangle(2, 2, 8, 8)
    things = [thing(0, 1, mask), thing(0, 2, ~mask, ignore=True), thing(0, 3, ~mask, crowd=True)]
    assert evaluate(things, [seen(0, mask)]).jaccard == 1


def test_nothing_to_find_is_undefined():
    assert math.isnan(evaluate([], [seen(0, rectangle(0, 0, 3, 3))]).jaccard)


def test_means_leave_out_what_is_undefined():
    nothing = Overlap(math.nan, math.nan)
    assert mean_overlap([Overlap(0.2, 0.4), nothing, Overlap(0.6, 0.8)]) == Overlap(
        pytest.approx(0.4), pytest.approx(0.6)
    )
    assert math.isnan(mean_overlap([nothing]).jaccard)


@pytest.mark.parametrize(
    ("things", "message"),
    [
        ([thing(0, 1, None)], "no mask"),
        ([thing(0, None, rectangle(0, 0, 2, 2))], "no object_id"),
        ([thing(0, 1, rectangle(0, 0, 2, 2))] * 2, "comes twice"),
        ([thing(0, 1, np.ones((4, 4), bool))], "frames are 32x24"),
    ],
)
def test_bad_ground_truth_is_refused(things, message):
    with pytest.raises(VcmflowError, match=message):
        evaluate(things, [])


def test_a_run_length_code_that_overruns_its_mask_is_refused():
    bad = Found(0, 1, NO_BOX, 0.5, {"size": list(SIZE), "counts": "0000P000000PPPPPPP9"})
    with pytest.raises(VcmflowError, match="s: prediction in frame 0"):
        evaluate([thing(0, 1, rectangle(0, 0, 2, 2))], [bad])
