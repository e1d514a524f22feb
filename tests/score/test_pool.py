"""Pooling of sequences that differ in length and in the number of kept frames."""

from __future__ import annotations

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.scores import Method
from vcmflow.core.sequence import Sequence
from vcmflow.score.pool import natural, pool
from vcmflow.score.sequence import UNCOMPRESSED, Condition, Measured, SequenceScore, Task

CONDITION = Condition("uniform", "32")
METHODS = {"uniform": Method("uniform", "uniform", "vvc", "flow")}


def matches(**found):
    empty = {"scores": [], "matched": [], "ignored": [], "boxes": 0}
    return {name: empty | fields for name, fields in found.items()}


def scored(name, frames, kept, psnr, *, scene="1_yard", jaccard=None, evidence=None):
    numbers = {"m": kept, "m_expected": kept, "stream_bytes": 1000 * kept}
    numbers |= {"metadata_bytes": kept - 1, "encode_seconds": 0.5}
    numbers |= {"psnr": psnr, "ssim": psnr / 100, "psnr_kept": psnr + 2}
    sequence = Sequence(name, "d", scene, "boxes", frames, 25.0, 10, 8)
    kind = "segmentation" if evidence is None else "detection"
    counts = {"hits": 1, "proposals": 2, "objects": 1, "frames": frames}
    own = {"jaccard": jaccard, "f1": jaccard, **counts} if evidence is None else evidence
    found = {"t": {kind: own}}
    conditions = {UNCOMPRESSED: Measured({}, found), CONDITION: Measured(numbers, found)}
    return SequenceScore(sequence, {"t": Task(kind, "")}, METHODS, conditions)


def numbers(pooled, method="uniform", **where):
    """Metric -> value of the rows of one method at a place."""
    wanted = {"sequence": "", "scene": "all", **where, "method": method}
    rows = [row for row in pooled.rows if all(row[key] == wanted[key] for key in wanted)]
    return {row["metric"]: row["value"] for row in rows}


def test_fidelity_weighs_frames_and_masks_weigh_sequences():
    short = scored("short", 10, 4, 30.0, jaccard=0.2)
    long = scored("long", 90, 11, 40.0, jaccard=0.8)
    row = numbers(pool([short, long]), scene="1_yard")
    assert float(row["psnr"]) == pytest.approx((10 * 30 + 90 * 40) / 100)
    assert float(row["ssim"]) == pytest.approx((10 * 0.30 + 90 * 0.40) / 100)
    assert float(row["psnr_kept"]) == pytest.approx((4 * 32 + 11 * 42) / 15)
    assert float(row["jaccard"]) == pytest.approx(0.5)
    assert int(row["rate_bytes"]) == 15 * 1000 + 13
    assert (int(row["stream_bytes"]), int(row["metadata_bytes"])) == (15_000, 13)
    assert float(row["kbps"]) == pytest.approx((15 * 1000 + 13) * 8 / 1000 / (100 / 25))
    assert float(row["bpp"]) == pytest.approx((15 * 1000 + 13) * 8 / (100 * 80), abs=1e-6)
    assert row["encode_seconds"] == "1.0000"


def test_costs_of_networks_are_means_and_whole_numbers():
    short, long = scored("a", 10, 4, 30.0), scored("b", 30, 4, 30.0)
    for one, macs in ((short, 1000.0), (long, 1003.0)):
        costs = {"parameters": 7, "encode_macs": macs, "decode_macs": 0.0}
        one.conditions[CONDITION].numbers.update(costs)
    row = numbers(pool([short, long]))
    found = [row[name] for name in ("parameters", "encode_macs", "decode_macs")]
    assert found == ["7", "1002", "0"]


def test_what_only_some_sequences_have_says_nothing_about_all():
    whole, part = scored("a", 10, 4, 30.0), scored("b", 10, 4, 30.0)
    for name in ("psnr", "ssim", "psnr_kept", "encode_seconds"):
        del part.conditions[CONDITION].numbers[name]
    row = numbers(pool([whole, part]))
    assert {"psnr", "encode_seconds"}.isdisjoint(row)
    assert int(row["rate_bytes"]) == 2 * 4003
    assert "psnr" in numbers(pool([whole, part]), scene="1_yard", sequence="a")


def test_classes_have_metrics_of_their_own():
    found = matches(
        person={"boxes": 2},
        **{"traffic light": {"scores": [0.9], "matched": [1023], "ignored": [0], "boxes": 1}},
    )
    row = numbers(pool([scored("a", 5, 2, 30.0, evidence=found)]))
    assert float(row["ap_traffic_light"]) == pytest.approx(1)
    assert float(row["ap_person"]) == 0
    assert float(row["map"]) == pytest.approx(0.5)


def test_a_class_without_ground_truth_is_undefined():
    pooled = pool([scored("a", 5, 2, 30.0, evidence=boxes(1))])
    (row,) = [r for r in pooled.rows if (r["metric"], r["scene"]) == ("ap_car", "all")][1:]
    assert (row["value"], row["status"]) == ("", "undefined")


def test_scenes_come_in_natural_order():
    names = ["10_b", "9_a", "1_c", "other"]
    pooled = pool([scored(f"s{name}", 5, 2, 30.0, scene=name) for name in names])
    order = list(dict.fromkeys(row["scene"] for row in pooled.rows if not row["sequence"]))
    assert order == ["other", "1_c", "9_a", "10_b", "all"]
    assert natural("s2") < natural("s10")


def boxes(count):
    found = {"scores": [0.9], "matched": [0], "ignored": [0], "boxes": count}
    return matches(person=found, car={})


def test_sequences_without_an_object_are_left_out_on_request_only():
    scores = [
        scored("full", 10, 4, 30.0, evidence=boxes(3)),
        scored("empty", 10, 4, 50.0, evidence=boxes(0)),
        scored("alone", 10, 4, 40.0, scene="2_field", evidence=boxes(0)),
    ]
    everything = pool(scores)
    assert {row["scene"] for row in everything.rows} == {"1_yard", "2_field", "all"}
    assert not everything.left_out
    assert {r["value"] for r in everything.rows if r["metric"] == "left_out"} == {"0"}

    pooled = pool(scores, require_objects=True)
    assert pooled.left_out == ["empty", "alone"]
    scene, dataset = numbers(pooled, scene="1_yard"), numbers(pooled)
    assert (scene["sequences"], scene["left_out"]) == ("1", "1")
    assert (dataset["sequences"], dataset["left_out"]) == ("1", "2")
    assert float(dataset["psnr"]) == 30
    assert {row["sequence"] for row in pooled.rows} == {"full", ""}


def test_a_mask_task_without_a_mask_has_no_object():
    scores = [scored("a", 10, 4, 30.0, jaccard=0.0), scored("b", 10, 4, 30.0)]
    assert pool(scores, require_objects=True).left_out == ["b"]


def test_nothing_left_is_an_error():
    with pytest.raises(VcmflowError, match="d: none of 1 sequences has an object"):
        pool([scored("a", 10, 4, 30.0, evidence=boxes(0))], require_objects=True)
