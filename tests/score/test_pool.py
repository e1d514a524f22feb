"""Pooling of sequences that differ in length and in the number of kept frames."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.score.detection import Matches
from vcmflow.score.inputs import Fidelity, Sequence
from vcmflow.score.pool import natural, pool, scene_columns
from vcmflow.score.segmentation import Overlap
from vcmflow.score.sequence import Coded, Condition, Measured, SequenceScore

CONDITION = Condition("uniform", "ra", 32)


def scored(name, frames, kept, psnr, *, scene="1_yard", jaccard=math.nan, matches=None):
    fidelity = Fidelity(psnr, psnr / 100, psnr + 2, frames, kept)
    coded = Coded(kept, kept, 1000 * kept, kept - 1, fidelity)
    overlap = Overlap(jaccard, jaccard)
    sequence = Sequence(name, "d", scene, "detection", "annotations", frames, 25.0, 10, 8)
    return SequenceScore(sequence, {CONDITION: Measured(coded, overlap, matches or {})})


def test_fidelity_weighs_frames_and_masks_weigh_sequences():
    short = scored("short", 10, 4, 30.0, jaccard=0.2)
    long = scored("long", 90, 11, 40.0, jaccard=0.8)
    (row,) = pool([short, long]).scenes
    assert float(row["psnr"]) == pytest.approx((10 * 30 + 90 * 40) / 100)
    assert float(row["ssim"]) == pytest.approx((10 * 0.30 + 90 * 0.40) / 100)
    assert float(row["psnr_kept"]) == pytest.approx((4 * 32 + 11 * 42) / 15)
    assert float(row["jaccard"]) == pytest.approx(0.5)
    assert int(row["rate_bytes"]) == 15 * 1000 + 13
    assert float(row["kbps"]) == pytest.approx((15 * 1000 + 13) * 8 / 1000 / (100 / 25))
    assert float(row["bpp"]) == pytest.approx((15 * 1000 + 13) * 8 / (100 * 80), abs=1e-6)


def test_classes_beyond_the_usual_get_columns_of_their_own():
    matches = {"traffic light": Matches((0.9,), (1023,), (0,), 1), "person": Matches((), (), (), 2)}
    pooled = pool([scored("a", 5, 2, 30.0, matches=matches)])
    assert pooled.classes == ["traffic_light"]
    assert "ap_traffic_light" in scene_columns(pooled.classes)
    (row,) = pooled.dataset
    assert float(row["ap_traffic_light"]) == pytest.approx(1)
    assert float(row["ap_person"]) == 0
    assert float(row["map"]) == pytest.approx(0.5)


def test_scenes_come_in_natural_order():
    names = ["10_b", "9_a", "1_c", "other"]
    pooled = pool([scored(f"s{name}", 5, 2, 30.0, scene=name) for name in names])
    assert [row["scene"] for row in pooled.scenes] == ["other", "1_c", "9_a", "10_b"]
    assert [row["scene"] for row in pooled.dataset] == ["all"]
    assert natural("s2") < natural("s10")


def boxes(count):
    return {"person": Matches((0.9,), (0,), (0,), count), "car": Matches((), (), (), 0)}


def test_sequences_without_an_object_are_left_out_on_request_only():
    scores = [
        scored("full", 10, 4, 30.0, matches=boxes(3)),
        scored("empty", 10, 4, 50.0, matches=boxes(0)),
        scored("alone", 10, 4, 40.0, scene="2_field", matches=boxes(0)),
    ]
    everything = pool(scores)
    assert [row["scene"] for row in everything.scenes] == ["1_yard", "2_field"]
    assert not everything.left_out
    assert {row["left_out"] for row in [*everything.scenes, *everything.dataset]} == {"0"}

    pooled = pool(scores, require_objects=True)
    assert pooled.left_out == ["empty", "alone"]
    (scene,) = pooled.scenes
    assert (scene["scene"], scene["sequences"], scene["left_out"]) == ("1_yard", "1", "1")
    assert (pooled.dataset[0]["sequences"], pooled.dataset[0]["left_out"]) == ("1", "2")
    assert float(pooled.dataset[0]["psnr"]) == 30
    assert {row["sequence"] for row in pooled.sequences} == {"full"}


def test_a_mask_task_without_a_mask_has_no_object():
    def masks(name, jaccard):
        score = scored(name, 10, 4, 30.0, jaccard=jaccard)
        return replace(score, sequence=replace(score.sequence, task="segmentation"))

    pooled = pool([masks("a", 0.0), masks("b", math.nan)], require_objects=True)
    assert pooled.left_out == ["b"]


def test_nothing_left_is_an_error():
    with pytest.raises(VcmflowError, match="d: none of 1 sequences has an object"):
        pool([scored("a", 10, 4, 30.0, matches=boxes(0))], require_objects=True)
