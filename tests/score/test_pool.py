"""Pooling of sequences that differ in length and in the number of kept frames."""

from __future__ import annotations

import math

import pytest

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
