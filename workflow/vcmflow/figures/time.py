"""Beyond the paper: where the time of a run went, stage by stage, from Snakemake's benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from vcmflow.core.errors import VcmflowError
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs, numbers, read_table


@dataclass(frozen=True)
class StageTime:
    """The jobs of one stage: how many, their wall time and their core time, both in seconds.

    Jobs too short for Snakemake to sample have no core time of their own; ``unsampled`` counts
    them, and they enter ``core`` with their wall time.
    """

    stage: str
    jobs: int
    wall: float
    core: float
    unsampled: int


def build(inputs: Inputs) -> Figure:
    """The figure from ``--benchmarks`` (files, or folders searched for .tsv) and ``--names``."""
    inputs.need("benchmarks")
    inputs.need_equal("benchmarks", "names")
    inputs.only_options()
    return draw(stage_times(inputs.benchmarks, inputs.names), inputs.note)


def stage_times(paths: Sequence[Path], stages: Sequence[str]) -> list[StageTime]:
    """Sum benchmark files by stage, in the order in which the stages first occur.

    Args:
        paths: benchmark files of Snakemake, or folders in which every .tsv below is one.
        stages: for each path, its stage.

    Raises:
        VcmflowError: a path is missing, is no benchmark file, or a folder holds none.
    """
    files: dict[str, list[Path]] = {}
    for path, stage in zip(paths, stages, strict=True):
        found = sorted(path.rglob("*.tsv")) if path.is_dir() else [path]
        if not found:
            raise VcmflowError(f"{path}: no benchmark (.tsv) in this folder")
        files.setdefault(stage, []).extend(found)
    times = []
    for stage, found in files.items():
        jobs, wall, core, unsampled = 0, 0.0, 0.0, 0
        for path in dict.fromkeys(found):
            table = read_table(path, "\t")
            if "s" not in table or table.empty:
                raise VcmflowError(f"{path}: not a Snakemake benchmark (no column s, or no row)")
            seconds = numbers(table, "s", path)
            if seconds.isna().any():
                raise VcmflowError(f"{path}: a run without its seconds")
            # Not sampled means NA or, in jobs of an instant, zero.
            busy = numbers(table, "cpu_time", path) if "cpu_time" in table else seconds * np.nan
            missing = busy.isna() | (busy <= 0)
            jobs += 1
            # Repeats of one benchmark are measurements of one job.
            wall += float(seconds.mean())
            core += float(busy.where(~missing, seconds).mean())
            unsampled += int(missing.all())
        times.append(StageTime(stage, jobs, wall, core, unsampled))
    return times


def draw(times: Sequence[StageTime], note: str = "") -> Figure:
    """Draw two bars per stage, core time and the jobs' wall time, with jobs and share beside."""
    longest = max(max(time.wall, time.core) for time in times)
    divisor, unit = next(
        (pair for pair in ((3600.0, "h"), (60.0, "min")) if longest >= 5 * pair[0]), (1.0, "s")
    )
    total = sum(time.wall for time in times) or 1.0
    places = np.arange(len(times))[::-1].astype(float)
    with style.context():
        figure = style.new_figure(style.WIDTH * 0.8, 0.9 + 0.3 * len(times))
        style.add_note(figure, note)
        axes = figure.subplots()
        core = [time.core / divisor for time in times]
        wall = [time.wall / divisor for time in times]
        axes.barh(places + 0.18, core, 0.34, color="#0072B2")
        axes.barh(places - 0.18, wall, 0.34, color="#A6CBE3")
        for place, time in zip(places, times, strict=True):
            end = max(time.wall, time.core) / divisor
            plural = "job" if time.jobs == 1 else "jobs"
            share = 100 * time.wall / total
            axes.annotate(
                f"{share:.0f} % · {time.jobs} {plural}"
                if share >= 0.5
                else f"<1 % · {time.jobs} {plural}",
                (end, place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=6.5,
                color=style.MUTED,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
        axes.set_yticks(places, [style.fit(time.stage, 1.6) for time in times])
        axes.tick_params(axis="y", length=0, labelsize=7.5)
        axes.set_xlim(0, longest / divisor * 1.22 or 1.0)
        axes.set_ylim(-0.6, len(times) - 0.4)
        axes.grid(False, axis="y")
        axes.set_xlabel(f"time ({unit}), summed over the jobs of a stage")
        style.bottom_legend(
            figure,
            [Patch(color="#0072B2"), Patch(color="#A6CBE3")],
            ["core time", "wall time (share of all jobs' wall time at the bar)"],
        )
    return figure
