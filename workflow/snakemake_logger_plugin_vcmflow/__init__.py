"""Snakemake's output as one line per finished job: how far, what runs, how long still.

Loaded by the default profile (``logger: vcmflow``). Errors, dry runs and everything else look as
Snakemake's own handler prints them.
"""

from __future__ import annotations

import csv
import sys
import time
from logging import LogRecord
from pathlib import Path
from typing import Any

from snakemake.logging import DefaultFilter, DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_vcmflow.estimate import Estimate, clock

COSTS = Path(__file__).with_name("seconds_per_job.csv")


def stored_costs(path: Path = COSTS) -> dict[str, float]:
    """Seconds per job of each rule or family of rules, as measured on the mini preset."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["rule"]: float(row["seconds"]) for row in csv.DictReader(file)}


class LogHandler(LogHandlerBase):
    """Prints progress to stderr, one line for each job that ends."""

    def __post_init__(self) -> None:
        settings = self.common_settings
        self._formatter = DefaultFormatter(settings.quiet, settings.show_failed_logs)
        self._filter = DefaultFilter(
            settings.quiet,
            settings.debug_dag,
            settings.verbose,
            settings.dryrun,
            settings.printshellcmds,
        )
        self._estimate = Estimate(stored_costs())
        self._stream = sys.stdout if settings.stdout else sys.stderr

    def emit(self, record: LogRecord) -> None:
        """Print what a record has to tell, or nothing."""
        event = getattr(record, "event", None)
        ours = not self.common_settings.dryrun and self._told_by_us(event, record)
        if not ours and self._filter.filter(record):
            self._print(self._formatter.format(record))

    def _told_by_us(self, event: LogEvent | None, record: LogRecord) -> bool:
        fields: dict[str, Any] = record.__dict__
        if event == LogEvent.RUN_INFO:
            self._estimate.plan(fields.get("stats") or {}, time.monotonic())
            return False
        if event == LogEvent.JOB_INFO:
            names = "/".join(str(value) for value in (fields.get("wildcards") or {}).values())
            self._estimate.start(fields["jobid"], fields["rule_name"], names, time.monotonic())
            return True
        if event == LogEvent.JOB_ERROR:
            self._estimate.fail(fields["jobid"])
            return False
        if event == LogEvent.JOB_FINISHED:
            line = self._estimate.finish(fields["job_id"], time.monotonic())
            if line:
                self._print(line)
            return True
        # A group of a cluster's jobs is told of when it ends, by its jobs.
        silent = LogEvent.PROGRESS, LogEvent.WORKFLOW_STARTED, LogEvent.JOB_STARTED
        if event in (*silent, LogEvent.GROUP_INFO):
            return True
        text = str(fields.get("msg", ""))
        if event is None and text.startswith("Elapsed time"):
            self._print(f"done in {clock(self._estimate.elapsed(time.monotonic()))}")
            return True
        return event is None and text.startswith(("Select jobs", "Removing temporary output"))

    def _print(self, text: str) -> None:
        if text:
            print(text, file=self._stream, flush=True)

    @property
    def writes_to_stream(self) -> bool:
        """Yes: it takes the place of Snakemake's own stream handler."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """No: Snakemake's log file stays as it is."""
        return False

    @property
    def has_filter(self) -> bool:
        """Yes: records are filtered here."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Yes: records are formatted here."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """No."""
        return False
