"""How far a run is and how long it still takes, from the jobs seen so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

NAMED = 1  # running jobs that a line names: a line has to fit a terminal
WIDTH = 48  # characters of a job's name
SLOW = 10.0  # seconds after which a job is named


@dataclass(frozen=True)
class Running:
    """A job that has started and not ended; ``started`` in seconds of a monotonic clock."""

    rule: str
    names: str
    started: float

    def __str__(self) -> str:
        name = f"{self.rule} {self.names}".strip()
        half = WIDTH // 2
        return name if len(name) <= WIDTH else f"{name[: half - 1]}…{name[-half:]}"


def clock(seconds: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Estimate:
    """Counts jobs and extrapolates: what a rule's jobs took so far, else what they took elsewhere.

    The time left is the sum over the jobs to come, divided by how many jobs ran at once so far.

    Args:
        costs: seconds per job by rule, measured before; only their proportions matter. A rule
            that is not among them costs what the longest name does that it begins with:
            ``encode`` stands for ``encode_vvenc_ra``.
    """

    def __init__(self, costs: Mapping[str, float]) -> None:
        self._costs = dict(costs)
        self._waiting: dict[str, int] = {}
        self._running: dict[int, Running] = {}
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._total = 0
        self._done = 0
        self._failed = 0
        self._begin: float | None = None

    def plan(self, counts: Mapping[str, int], now: float) -> None:
        """Take the number of jobs per rule of the run that begins."""
        self._waiting = {rule: count for rule, count in counts.items() if rule != "total"}
        self._total = sum(self._waiting.values())
        self._begin = now

    def start(self, job: int, rule: str, names: str, now: float) -> None:
        """Note that a job started."""
        self._begin = now if self._begin is None else self._begin
        self._running[job] = Running(rule, names, now)
        if self._waiting.get(rule):
            self._waiting[rule] -= 1

    def finish(self, job: int, now: float) -> str:
        """Note that a job ended and return the line to print; empty for an unknown job."""
        done = self._running.pop(job, None)
        if done is None:
            return ""
        seconds = now - done.started
        self._seconds[done.rule].append(seconds)
        self._done += 1
        total = max(self._total, self._done)
        parts = [
            f"{100 * self._done // total:3d} %",
            f"{self._done:>{len(str(total))}}/{total}",
            f"{done} ({seconds:.1f} s)",
            f"elapsed {clock(self.elapsed(now))}",
        ]
        if self._done < total:
            parts.append(f"about {clock(self.left(now))} left")
        if self._failed:
            parts.append(f"{self._failed} failed")
        slow = [str(job) for job in self._running.values() if now - job.started > SLOW]
        if slow:
            more = f" and {len(slow) - NAMED} more" if len(slow) > NAMED else ""
            parts.append(f"still running: {', '.join(slow[:NAMED])}{more}")
        return "  ".join(parts)

    def fail(self, job: int) -> None:
        """Note that a job failed; one that is tried again starts anew."""
        if self._running.pop(job, None) is not None:
            self._failed += 1

    def elapsed(self, now: float) -> float:
        """Seconds since the run began."""
        return 0.0 if self._begin is None else now - self._begin

    def left(self, now: float) -> float:
        """Seconds that the rest of the run will take, roughly."""
        rest = sum(count * self._cost(rule) for rule, count in self._waiting.items())
        rest += sum(
            max(self._cost(job.rule) - (now - job.started), 0.0) for job in self._running.values()
        )
        busy = sum(sum(values) for values in self._seconds.values())
        busy += sum(now - job.started for job in self._running.values())
        parallel = max(busy / max(self.elapsed(now), 1e-6), 1.0)
        return rest / parallel

    def _cost(self, rule: str) -> float:
        seen = self._seconds.get(rule)
        if seen:
            return sum(seen) / len(seen)
        return (self._stored(rule) or 1.0) * self._speed()

    def _stored(self, rule: str) -> float | None:
        """What the rule, or the family that it belongs to by its name, took elsewhere."""
        words = rule.split("_")
        names = ("_".join(words[:count]) for count in range(len(words), 0, -1))
        return next((self._costs[name] for name in names if name in self._costs), None)

    def _speed(self) -> float:
        """How much slower this run's jobs are than the stored measurements."""
        known = [
            (sum(values), stored * len(values))
            for rule, values in self._seconds.items()
            if (stored := self._stored(rule)) is not None
        ]
        here, there = (sum(seconds) for seconds in zip(*known, strict=True)) if known else (0, 0)
        return here / there if here > 5 and there > 0 else 1.0
