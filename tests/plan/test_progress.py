"""The progress lines: how far a run is and how long it still takes."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from planning import plan
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_vcmflow import LogHandler, stored_costs
from snakemake_logger_plugin_vcmflow.estimate import Estimate, clock

RULES = Path(__file__).parents[2] / "workflow" / "rules"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (-3, "0:00"), (59.6, "1:00"), (605, "10:05"), (3725, "1:02:05")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_rest_is_what_the_rules_took_so_far() -> None:
    estimate = Estimate({})
    estimate.plan({"encode": 4, "total": 4}, now=0)
    estimate.start(1, "encode", "a", now=0)
    assert estimate.finish(1, now=10).startswith(" 25 %  1/4  encode a (10.0 s)")
    assert estimate.left(now=10) == pytest.approx(30)


def test_two_jobs_at_a_time_halve_the_rest() -> None:
    estimate = Estimate({})
    estimate.plan({"encode": 6}, now=0)
    for job in (1, 2):
        estimate.start(job, "encode", "", now=0)
    for job in (1, 2):
        estimate.finish(job, now=10)
    assert estimate.left(now=10) == pytest.approx(20)


def test_unseen_rules_count_with_their_stored_cost_scaled_to_this_machine() -> None:
    estimate = Estimate({"encode": 5.0, "task": 20.0})
    estimate.plan({"encode": 1, "task": 1}, now=0)
    assert estimate.left(now=0) == pytest.approx(25)
    estimate.start(1, "encode", "", now=0)
    estimate.finish(1, now=10)  # twice as slow as stored
    assert estimate.left(now=10) == pytest.approx(40)


def test_a_rule_costs_what_its_family_costs() -> None:
    estimate = Estimate({"encode": 5.0, "encode_slow": 50.0})
    estimate.plan({"encode_vvenc_ra_32": 1, "encode_slow_ai": 1, "other": 1}, now=0)
    assert estimate.left(now=0) == pytest.approx(5 + 50 + 1)


def test_a_long_running_job_is_named_and_an_unknown_one_ignored() -> None:
    estimate = Estimate({})
    estimate.plan({"train": 1, "encode": 1}, now=0)
    estimate.start(1, "train", "embedding", now=0)
    estimate.start(2, "encode", "x", now=20)
    assert estimate.finish(2, now=21).endswith("still running: train embedding")
    assert estimate.finish(99, now=22) == ""


def test_a_failed_job_does_not_run_any_more() -> None:
    estimate = Estimate({})
    estimate.plan({"encode": 3}, now=0)
    for job in (1, 2):
        estimate.start(job, "encode", f"{job}", now=0)
    estimate.fail(1)
    estimate.fail(99)
    line = estimate.finish(2, now=20)
    assert "1 failed" in line and "still running" not in line
    estimate.start(1, "encode", "1", now=20)  # tried again
    estimate.start(3, "encode", "3", now=40)
    assert estimate.finish(3, now=50).endswith("still running: encode 1")


def test_a_line_stays_a_line_however_many_jobs_run() -> None:
    estimate = Estimate({})
    estimate.plan({"encode": 500}, now=0)
    for job in range(500):
        estimate.start(job, "encode", f"s{job}", now=0)
    line = estimate.finish(0, now=20)
    assert line.endswith("still running: encode s1 and 498 more")


def test_long_names_are_shortened_in_their_middle() -> None:
    estimate = Estimate({})
    estimate.plan({"encode": 500}, now=0)
    for job in range(500):
        estimate.start(job, "encode", f"{'wildcard/' * 40}s{job}", now=0)
    line = estimate.finish(0, now=20)
    assert len(line) < 200
    assert "encode wildcard" in line and "…" in line and "/s0 (20.0 s)" in line


def test_what_takes_longest_has_a_stored_cost() -> None:
    text = "".join(path.read_text("utf-8") for path in RULES.glob("*.smk"))
    rules = {*re.findall(r"^ *(?:use rule \w+ as|rule) (\w+)", text, re.MULTILINE)}
    # Not in the mini preset, where costs were measured, or over in a moment.
    rules -= {"download", "fetch_weights", "selection", "select_sequences", "sequence_table"}
    rules -= {"metrics", "provenance"}
    rules |= {f"encode_{coding.name}" for coding in plan().encodings()}
    rules |= {f"reconstruct_{coding.name}" for coding in plan().reconstructions()}
    for rule in rules:
        estimate = Estimate(dict.fromkeys(stored_costs(), 7.0))
        estimate.plan({rule: 1}, now=0)
        assert estimate.left(now=0) == 7, rule


def handler() -> LogHandler:
    """The plug-in as a run has it."""
    return LogHandler(OutputSettings(), None)


def record(event: LogEvent, **fields: object) -> logging.LogRecord:
    """What Snakemake's logger hands over."""
    level = logging.ERROR if event == LogEvent.JOB_ERROR else logging.INFO
    return logging.makeLogRecord({"levelno": level, "msg": "", "event": event, **fields})


def test_the_plug_in_hears_of_starts_ends_and_failures(capsys: pytest.CaptureFixture[str]) -> None:
    ours = handler()
    ours.emit(record(LogEvent.RUN_INFO, stats={"encode_vvenc_ra": 2, "total": 2}))
    for job in (1, 2):
        wildcards = {"sequence": f"s{job}"}
        ours.emit(
            record(LogEvent.JOB_INFO, jobid=job, rule_name="encode_vvenc_ra", wildcards=wildcards)
        )
    failure = {"jobid": 1, "rule_name": "encode_vvenc_ra", "rule_msg": None, "shellcmd": None}
    empty = dict.fromkeys(("conda_env", "container_img"))
    files = {"input": ["i.mkv"], "output": ["o.266"], "log": [], "aux": {}, "indent": False}
    ours.emit(record(LogEvent.JOB_ERROR, **failure, **empty, **files))
    ours.emit(record(LogEvent.JOB_FINISHED, job_id=2))
    said = capsys.readouterr().err
    assert "rule encode_vvenc_ra" in said and "o.266" in said, "a failure looks as Snakemake's own"
    assert "1/2  encode_vvenc_ra s2" in said and "1 failed" in said


def test_a_group_is_told_of_by_its_jobs_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    ours = handler()
    ours.emit(record(LogEvent.RUN_INFO, stats={"sample": 500, "total": 500}))
    members = [f"sample s{number}" for number in range(500)]
    capsys.readouterr()
    ours.emit(record(LogEvent.GROUP_INFO, groupid="coding", jobs=members))
    assert capsys.readouterr().err == ""
    for number in range(500):
        name = {"sequence": f"s{number}"}
        ours.emit(record(LogEvent.JOB_INFO, jobid=number, rule_name="sample", wildcards=name))
    ours.emit(record(LogEvent.JOB_FINISHED, job_id=7))
    (line,) = capsys.readouterr().err.splitlines()
    assert "1/500  sample s7" in line and len(line) < 200
