"""Average precision: cases counted by hand, and pycocotools run on all frames at once."""

from __future__ import annotations

import contextlib
import io
import math

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from vcmflow.core.truth import Annotation, Found, Truth
from vcmflow.score.detection import (
    Evaluator,
    Matches,
    average_precision,
    mean_average_precision,
)

NAMES = {1: "person", 2: "bicycle", 3: "car"}
BOX = (10.0, 10.0, 100.0, 50.0)


def box(frame, where=BOX, category=1, crowd=False, ignore=False):
    return Annotation(frame, category, where, where[2] * where[3], crowd, ignore, None, None)


def seen(frame, where=BOX, score=0.9, category=1):
    return Found(frame, category, where, score, None)


def ap(annotations, detections, frames=2, name="person"):
    evaluator = Evaluator(Truth(NAMES, tuple(annotations)), frames)
    return average_precision([evaluator.match(detections)[name]])


def test_everything_found_is_one():
    result = ap([box(0), box(1)], [seen(0), seen(1)])
    assert (result.ap, result.ap50) == (pytest.approx(1), pytest.approx(1))


def test_nothing_found_is_zero():
    assert ap([box(0)], []).ap == 0


def test_a_class_without_ground_truth_has_no_precision():
    assert math.isnan(ap([box(0)], [seen(0, category=3)], name="car").ap)
    assert math.isnan(average_precision([]).ap)


def test_half_found_is_the_recall_up_to_one_half():
    # COCO samples precision at the 101 recalls 0, 0.01, ..., 1; 51 of them are reached.
    assert ap([box(0), box(1)], [seen(0)]).ap == pytest.approx(51 / 101)


def test_a_false_alarm_counts_only_if_it_scores_higher():
    elsewhere = (200.0, 10.0, 30.0, 30.0)
    assert ap([box(0)], [seen(0), seen(0, elsewhere, 0.5)]).ap == pytest.approx(1)
    assert ap([box(0)], [seen(0, score=0.5), seen(0, elsewhere)]).ap == pytest.approx(0.5)


def test_a_loose_box_counts_up_to_its_overlap():
    # 72 of 100 pixels overlap: right at 0.50, 0.55, 0.60, 0.65 and 0.70, wrong at the other five.
    result = ap([box(0)], [seen(0, (10.0, 10.0, 72.0, 50.0))])
    assert (result.ap, result.ap50) == (pytest.approx(0.5), pytest.approx(1))


def test_the_second_detection_of_a_box_is_a_false_alarm():
    twice = [seen(0, score=0.9), seen(0, score=0.8), seen(1, score=0.7)]
    # Recall 1/2 at precision 1, then recall 1 at precision 2/3.
    assert ap([box(0), box(1)], twice).ap == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_the_hundred_best_detections_of_a_frame_count():
    """Ninety-nine false alarms of higher scores leave room for the right one; a hundred do not."""
    alarms = [seen(0, (300.0 + index, 10.0, 5.0, 5.0), 0.9) for index in range(100)]
    right = seen(0, score=0.5)
    assert ap([box(0)], [*alarms[:99], right]).ap == pytest.approx(1 / 100)
    assert ap([box(0)], [*alarms, right]).ap == 0


def test_another_class_does_not_count():
    assert ap([box(0)], [seen(0, category=2)]).ap == 0


@pytest.mark.parametrize("mark", [{"ignore": True}, {"crowd": True}])
def test_an_ignored_box_is_neither_missed_nor_a_false_alarm(mark):
    aside = (200.0, 10.0, 50.0, 50.0)
    marked = box(0, aside, **mark)
    assert ap([box(0), marked], [seen(0, score=0.5)]).ap == pytest.approx(1)
    assert ap([box(0), marked], [seen(0, score=0.5), seen(0, aside)]).ap == pytest.approx(1)
    assert math.isnan(ap([marked], [seen(0, aside)]).ap)


def test_a_crowd_swallows_any_number_and_an_ignored_box_only_one():
    aside = (200.0, 10.0, 100.0, 100.0)
    inside = [seen(0, (200.0, 10.0, 95.0, 95.0)), seen(0, (204.0, 14.0, 95.0, 95.0))]
    crowd = ap([box(0), box(0, aside, crowd=True)], [*inside, seen(0, score=0.5)])
    single = ap([box(0), box(0, aside, ignore=True)], [*inside, seen(0, score=0.5)])
    assert crowd.ap50 == pytest.approx(1)
    assert single.ap50 == pytest.approx(0.5)


def test_map_is_the_mean_over_classes_with_ground_truth():
    assert mean_average_precision([0.2, math.nan, 0.6]) == pytest.approx(0.4)
    assert math.isnan(mean_average_precision([math.nan]))


# --- pooling --------------------------------------------------------------------------------------


def random_sequence(rng, frames):
    boxes, detections = [], []
    for frame in range(frames):
        for _ in range(rng.integers(0, 5)):
            category = int(rng.integers(1, 4))
            where = (*rng.uniform(0, 300, 2), *rng.uniform(8, 90, 2))
            boxes.append(
                box(frame, where, category, crowd=rng.random() < 0.1, ignore=rng.random() < 0.1)
            )
            for _ in range(rng.integers(0, 3)):
                near = np.maximum(np.array(where) + rng.normal(0, 3, 4), 1)
                # Few distinct scores, so that ties are many.
                score = round(rng.uniform(), 1)
                named = category if rng.random() < 0.8 else int(rng.integers(1, 4))
                detections.append(seen(frame, tuple(near), score, named))
    return boxes, detections


def everything_at_once(sequences, category):
    """One ordinary pycocotools evaluation of all frames, image ids offset by sequence."""
    images, annotations, results, offset = [], [], [], 0
    for frames, boxes, detections in sequences:
        images += [{"id": offset + frame} for frame in range(frames)]
        annotations += [
            {
                "id": len(annotations) + index,
                "image_id": offset + b.frame,
                "category_id": b.category,
                "bbox": list(b.box),
                "area": b.area,
                "iscrowd": int(b.crowd),
            }
            for index, b in enumerate(boxes, start=1)
        ]
        results += [
            {
                "image_id": offset + d.frame,
                "category_id": d.category,
                "bbox": list(d.box),
                "score": d.score,
            }
            for d in detections
        ]
        offset += frames
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": key, "name": name} for key, name in NAMES.items()],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.catIds = [category]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0], evaluation.stats[1]


@pytest.mark.parametrize("seed", range(4))
def test_pooling_sequences_equals_one_evaluation_of_all_frames(seed):
    rng = np.random.default_rng(seed)
    sequences = []
    for frames in (3, 7, 5):
        boxes, detections = random_sequence(rng, frames)
        # The plain evaluation does not know `ignore` without `iscrowd`.
        sequences.append((frames, [b for b in boxes if b.crowd or not b.ignore], detections))
    matches = [
        Evaluator(Truth(NAMES, tuple(boxes)), frames).match(detections)
        for frames, boxes, detections in sequences
    ]
    for category, name in NAMES.items():
        pooled = average_precision(part[name] for part in matches)
        expected = everything_at_once(sequences, category)
        assert pooled.ap == pytest.approx(expected[0], abs=1e-12)
        assert pooled.ap50 == pytest.approx(expected[1], abs=1e-12)
        assert 0 < pooled.ap < 1


def test_a_sequence_without_detections_lowers_recall_only():
    evaluator = Evaluator(Truth(NAMES, (box(0),)), 1)
    full, empty = evaluator.match([seen(0)])["person"], evaluator.match([])["person"]
    assert empty == Matches((), (), (), 1)
    assert average_precision([full, empty]).ap == pytest.approx(51 / 101)


def test_one_evaluator_serves_many_conditions_without_memory():
    evaluator = Evaluator(Truth(NAMES, (box(0), box(1, ignore=True))), 2)
    first = evaluator.match([seen(0), seen(1)])
    evaluator.match([])
    assert evaluator.match([seen(0), seen(1)]) == first


def test_evaluation_prints_nothing(capsys):
    ap([box(0)], [seen(0)])
    assert capsys.readouterr() == ("", "")
