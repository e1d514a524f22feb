"""The progress lines: how far a run is and how long it still takes."""

from __future__ import annotations

import pytest

from snakemake_logger_plugin_vcmflow.estimate import Estimate, clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (-3, "0:00"), (59.6, "1:00"), (605, "10:05"), (3725, "1:02:05")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_rest_is_what_the_rules_took_so_far() -> None:
    estimate = Estimate({})
    estimate.plan({"encode": 4, "total": 4}, now=0)
    estimate.start(1, "encode", "a", 1, now=0)
    assert estimate.finish(1, now=10).startswith(" 25 %  1/4  encode a (10.0 s)")
    assert estimate.left(now=10) == pytest.approx(30)


def test_two_jobs_at_a_time_halve_the_rest() -> None:
    estimate = Estimate({})
    estimate.plan({"encode": 6}, now=0)
    for job in (1, 2):
        estimate.start(job, "encode", "", 1, now=0)
    for job in (1, 2):
        estimate.finish(job, now=10)
    assert estimate.left(now=10) == pytest.approx(20)


def test_unseen_rules_count_with_their_stored_cost_scaled_to_this_machine() -> None:
    estimate = Estimate({"encode": 5.0, "task": 20.0})
    estimate.plan({"encode": 1, "task": 1}, now=0)
    assert estimate.left(now=0) == pytest.approx(25)
    estimate.start(1, "encode", "", 1, now=0)
    estimate.finish(1, now=10)  # twice as slow as stored
    assert estimate.left(now=10) == pytest.approx(40)


def test_a_long_running_job_is_named_and_an_unknown_one_ignored() -> None:
    estimate = Estimate({})
    estimate.plan({"pretrain": 1, "encode": 1}, now=0)
    estimate.start(1, "pretrain", "", 1, now=0)
    estimate.start(2, "encode", "x", 1, now=20)
    assert "still running: pretrain" in estimate.finish(2, now=21)
    assert estimate.finish(99, now=22) == ""
