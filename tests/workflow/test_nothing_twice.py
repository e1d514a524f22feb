"""Nothing is computed twice: an output lies under the instances that it depends on.

Raw video is temporary by default: whoever needs a reconstruction once more makes it once more, from
streams that stay. So a second detector on finished results reconstructs, but for a run that keeps
its reconstructions (``--notemp``); what it never does is encode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from running import SMOKE, Job, Plans, jobs, run, setting

pytestmark = pytest.mark.workflow

METHODS = ["uniform", "tracking", "manifold", "all"]
METHODS += [*(f"{name}_ai" for name in METHODS), "uniform_lossless"]
CHAIN = {"sampler": "manifold", "codec": "vvenc_ra", "reconstructor": "interpolation"}
RAILWAY = "data.datasets.railway"


def words(changes: Mapping[str, Any]) -> tuple[str, ...]:
    return (*SMOKE, *(setting(key, value) for key, value in changes.items()))


def with_method(**parts: str) -> dict[str, Any]:
    """One more method on the railway scenes, which differs from manifold in these parts."""
    return {"methods.more": CHAIN | parts, f"{RAILWAY}.methods": [*METHODS, "more"]}


SECOND_DETECTOR = {
    "task.tasks.by_segmenter": {
        "kind": "detection",
        "model": "yolact_mini",
        "weights": "models/yolact_mini.safetensors",
    },
    f"{RAILWAY}.tasks": ["detection", "by_segmenter"],
}
SECOND_RECONSTRUCTOR = {
    "reconstruct.reconstructors.hold": {"reconstructor": "hold"},
    **with_method(reconstructor="hold"),
}
SECOND_CODEC = {
    "encode.codecs.x265": {"codec": "x265", "preset": "fast"},
    **with_method(codec="x265"),
}
CHANGES = [SECOND_RECONSTRUCTOR, SECOND_CODEC, SECOND_DETECTOR]


def of(planned: Iterable[Job], *stages: str) -> list[str]:
    """Outputs of the jobs of some stages."""
    return [output for rule, output in planned if stage_of(rule) in stages]


def stage_of(rule: str) -> str:
    """The rule's name; of those that each codec or batch has for itself, what is common."""
    names = ("encode_", "reconstruct_", "embed_", "track_")
    own = rule.startswith(names) and rule != "reconstruct_shown"
    return rule.partition("_")[0] if own else rule


@pytest.fixture(scope="module")
def fresh(checkout: Path) -> Iterator[Plans]:
    """Plans of a checkout without results."""
    plans = Plans(checkout, [SMOKE, *map(words, CHANGES)])
    yield plans
    plans.close()


@pytest.fixture(scope="module")
def later(smoke: Path) -> Iterator[Plans]:
    """Plans of a checkout in which everything is done but for the change."""
    plans = Plans(smoke, map(words, CHANGES))
    yield plans
    plans.close()


def added(plans: Plans, change: Mapping[str, Any]) -> list[Job]:
    """The jobs of a fresh plan with a change that are not there without it."""
    before = plans[SMOKE]
    after = plans[words(change)]
    assert set(before) <= set(after), "and every job that was there is there"
    return sorted(set(after) - set(before))


def test_a_second_reconstructor_adds_reconstructions_of_its_chain(fresh: Plans) -> None:
    new = added(fresh, SECOND_RECONSTRUCTOR)
    assert not of(new, "encode", "sample", "embed", "track", "train", "task_source")
    rebuilt = of(new, "reconstruct", "task")  # which also compares with the originals
    assert len(rebuilt) == 3 + 1
    assert all("/manifold/vvenc_ra/hold" in output for output in rebuilt)


def test_a_method_that_differs_in_its_codec_shares_decision_and_embedding(fresh: Plans) -> None:
    new = added(fresh, SECOND_CODEC)
    assert not of(new, "sample", "embed", "track", "train", "task_source")
    coded = of(new, "encode", "reconstruct", "task")
    assert len(coded) == 3 + 3 + 1
    assert all("/manifold/x265/" in output for output in coded)


def test_a_second_detector_adds_no_coding(fresh: Plans) -> None:
    new = added(fresh, SECOND_DETECTOR)
    assert not of(new, "encode", "reconstruct", "sample", "embed", "track", "train")
    found = of(new, "task", "task_source")
    assert len(found) == len(METHODS) + 1 + 1, "the methods, the swept one, and the source"
    assert all("/task/by_segmenter/" in output for output in found)


def test_a_second_reconstructor_after_a_run_encodes_nothing(later: Plans) -> None:
    new = later[words(SECOND_RECONSTRUCTOR)]
    assert not of(new, "encode", "sample", "embed", "track", "train", "task_source")
    rebuilt = of(new, "reconstruct", "task")  # which also compares with the originals
    assert len(rebuilt) == 3 + 1
    assert all("/manifold/vvenc_ra/hold" in output for output in rebuilt)


def test_another_codec_after_a_run_chooses_no_frames(later: Plans) -> None:
    new = later[words(SECOND_CODEC)]
    assert not of(new, "sample", "embed", "track", "train", "task_source")
    coded = of(new, "encode", "reconstruct", "task")
    assert len(coded) == 3 + 3 + 1
    assert all("/manifold/x265/" in output for output in coded)


def test_a_second_detector_after_a_run_encodes_nothing(later: Plans) -> None:
    new = later[words(SECOND_DETECTOR)]
    assert not of(new, "encode", "sample", "embed", "track", "train")


def test_a_second_detector_rebuilds_nothing_where_reconstructions_were_kept(finished: Path) -> None:
    one = {f"{RAILWAY}.methods": ["uniform"], "sample.sweep": None}
    chain = "uniform/vvenc_ra/interpolation"
    sequences = sorted(path.name for path in (finished / "results/smoke/railway/encode").iterdir())
    kept = [
        f"results/smoke/railway/reconstruct/{sequence}/{chain}/{point}.mkv"
        for sequence in sequences
        for point in (27, 42)
    ]
    run(finished, "snakemake", "--cores", "all", "--notemp", *kept, *SMOKE)
    new = jobs(finished, "results/smoke/railway/score/scores.csv", *words(SECOND_DETECTOR | one))
    assert not of(new, "encode", "reconstruct", "sample", "embed", "track", "train")
    assert sorted(of(new, "task", "task_source")) == [
        f"results/smoke/railway/task/by_segmenter/{place}/000.json" for place in ("source", chain)
    ]
