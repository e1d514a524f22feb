"""What a file of scores may hold, whoever wrote it."""

from __future__ import annotations

import json

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import record
from vcmflow.core.scores import Method
from vcmflow.core.sequence import Sequence
from vcmflow.score.pool import pool
from vcmflow.score.sequence import (
    UNCOMPRESSED,
    Condition,
    Measured,
    SequenceScore,
    Task,
    read_score,
    write_score,
)

COUNTS = {"hits": 1, "proposals": 2, "objects": 1, "frames": 3}


def measured(**numbers: float) -> SequenceScore:
    """A scored sequence of one method at one point."""
    evidence = {"t": {"segmentation": {"jaccard": 0.5, "f1": 0.5, **COUNTS}}}
    conditions = {UNCOMPRESSED: Measured({}, evidence)}
    conditions[Condition("uniform", "22")] = Measured({"m": 3, "psnr": 30.0} | numbers, evidence)
    return SequenceScore(
        Sequence("s", "d", "scene", "masks", 9, 24.0, 32, 24),
        {"t": Task("segmentation", "")},
        {"uniform": Method("uniform", "uniform", "vvc", "flow")},
        conditions,
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v["sequence"].update(fps=-24), "fps must be above 0"),
        (lambda v: v["sequence"].update(annotations="tracks"), "annotations is 'tracks'"),
        (lambda v: v["conditions"][1]["numbers"].update(stream_bytes=-100), "stream_bytes is -100"),
        (lambda v: v["conditions"][1]["numbers"].update(psnr=float("nan")), "NaN is no number"),
        (lambda v: v["conditions"][1]["numbers"].update(psnr=1e9), "allowed: 0..100"),
        (lambda v: v["conditions"][1]["numbers"].update(m="many"), "not the scores of a sequence"),
        (lambda v: v["conditions"][1].update(method="else"), "no method has that name"),
        (lambda v: v["conditions"][1].update(evidence={}), "has not the tasks t"),
        (lambda v: v["conditions"].append(v["conditions"][1]), "stands there twice"),
    ],
)
def test_scores_that_cannot_be_are_refused(tmp_path, change, told):
    path = tmp_path / "s.json"
    write_score(path, measured())
    assert read_score(path) == measured()
    value = json.loads(path.read_text("utf-8"))
    change(value)
    path.write_text(json.dumps(value), "utf-8")
    record(path).unlink()
    with pytest.raises(VcmflowError, match=told):
        read_score(path)


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        ({"jaccard": 7.0, "f1": 0.5, **COUNTS}, "jaccard is 7.0; allowed: 0..1"),
        ({"f1": 1}, "is broken"),
    ],
)
def test_evidence_that_cannot_be_is_refused(evidence, told):
    score = measured(stream_bytes=9, metadata_bytes=2)
    score.conditions[UNCOMPRESSED].evidence["t"]["segmentation"] = evidence
    with pytest.raises(VcmflowError, match=told):
        pool([score])
