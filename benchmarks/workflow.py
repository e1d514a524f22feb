"""What the workflow adds to its work: start-up, planning, and mini against a plain loop.

    python benchmarks/workflow.py [--preset mini] [--out results.json]
        [--only stages planning encode cores loop noop]

Everything runs in copies of this checkout in a temporary folder; ``--only`` leaves parts out.
Prints a table, and writes the same as JSON:

* ``stages``: processor seconds of every stage in the preset's last run here, from Snakemake's
  benchmark files, and how many of them its jobs spend on starting Python and importing.
* ``planning``: dry runs of some 10^2, 10^3 and 10^4 jobs, and of the preset ``paper``.
* ``encode``: the stage against the encoder, called with the same settings on the same input.
* ``cores``, ``loop``: the preset with two cores and with one, and its jobs as plain calls of the
  same functions in two processes, which import everything once.
* ``noop``: a second run, where nothing is to be done.

For numbers that mean something nothing else may run; mini takes half an hour for ``cores``.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
Numbers = dict[str, Any]

# The module whose import a stage's jobs begin with, for those whose plug-ins load PyTorch.
HEAVY = {
    "embed": "vcmflow.embed.learned",
    "task": "vcmflow.task.faster_rcnn_mini",
    "track": "vcmflow.task.faster_rcnn_mini",
}


def timed(command: Sequence[str], folder: Path) -> Numbers:
    """Wall and processor seconds and MiB of a program; of its children, too."""
    environment = os.environ | {
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "workflow"),
    }
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{shlex.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = done.stdout + done.stderr
    return {"wall": wall, "cpu": spent, "mib": after.ru_maxrss / 1024, "said": said}


def snakemake(folder: Path, *words: str, preset: str) -> Numbers:
    """Run Snakemake in a copy of the checkout."""
    return timed(["snakemake", *words, "--config", f"preset={preset}"], folder)


def checkout(folder: Path) -> Path:
    """What git tracks, as it is in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def stages(preset: str) -> list[Numbers]:
    """Processor seconds by stage, and those of them that are start-up."""
    root = ROOT / "results" / preset / "benchmarks"
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for path in root.rglob("*.tsv"):
        parts = path.relative_to(root).with_suffix("").parts
        # <dataset>/<stage>/..., <stage>/... or <product>
        stage = parts[1] if len(parts) > 2 else parts[-1] if len(parts) == 2 else "products"
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                seconds[stage].append(_number(row["cpu_time"]))
    found = []
    for stage, values in sorted(seconds.items(), key=lambda item: -sum(item[1])):
        start = len(values) * startup(stage)
        found.append({"stage": stage, "jobs": len(values), "cpu": sum(values), "start-up": start})
    return found


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"[0-9.]+", text) else 0.0


def startup(stage: str) -> float:
    """Processor seconds of starting Python and importing what a stage's jobs import."""
    from vcmflow.__main__ import STAGES

    module = HEAVY.get(stage) or STAGES.get(stage, ("vcmflow.tables.command", ""))[0]
    return float(timed([sys.executable, "-c", f"import vcmflow.__main__, {module}"], ROOT)["cpu"])


def planning(folder: Path) -> list[Numbers]:
    """Dry runs of plans of growing size, made of videos that are not read."""
    found = []
    for wanted in (100, 1_000, 10_000):
        videos = folder / f"videos{wanted}"
        videos.mkdir()
        for number in range(wanted // 10):  # some ten jobs each
            (videos / f"v{number:05d}.mp4").touch()
        change = f"data={{datasets: {{own: {{path: {videos}}}}}}}"
        own = ["--configfile", "workflow/examples/own_videos.yaml", "--config", change]
        run = timed(["snakemake", "-n", *own], folder)
        total = re.search(r"^total +(\d+)", run.pop("said"), re.M)
        found.append({"jobs": int(total[1]) if total else 0, **run})
    run = snakemake(folder, "-n", preset="paper")
    total = re.search(r"^total +(\d+)", run.pop("said"), re.M)
    return [*found, {"jobs": int(total[1]) if total else 0, "preset": "paper", **run}]


# The stage, and what its calls of the encoder alone took.
_ENCODE = """
import resource, sys
from vcmflow.__main__ import stage
from vcmflow.encode import ffmpeg

def spent():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

real, alone = ffmpeg.subprocess.run, []
def run(*words, **options):
    before = spent()
    done = real(*words, **options)
    if options.get("stdin"):
        alone.append(spent() - before)
    return done
ffmpeg.subprocess.run = run
status = stage(sys.argv[1:])
print(sum(alone))
sys.exit(status)
"""


def encode(folder: Path) -> list[Numbers]:
    """Processor seconds of the stage, and of the encoder with what the stage gives it."""
    import cv2
    import numpy as np

    from vcmflow.core.decision import Decision, write_decision
    from vcmflow.core.video import write_video

    random = np.random.default_rng(0)
    found = []
    for n, width, height in ((10, 416, 240), (30, 1280, 720)):
        scene = cv2.resize(random.integers(0, 256, (90, 200, 3), np.uint8), (1800, 810))
        frames = (scene[k : k + height, 4 * k : 4 * k + width] for k in range(n))
        write_video(folder / "v.mkv", frames, 25.0)
        decision = Decision("v", "all", "all", n, n, tuple(range(n)), 25.0)
        write_decision(folder / "d.json", decision)
        words = [
            *("encode", "--frames", str(folder / "v.mkv"), "--decision", str(folder / "d.json")),
            *("--codec", "{codec: vvenc, preset: faster, structure: ra}"),
            *("--points", "27", "37", "47", "--out", str(folder / "out")),
        ]
        run = timed([sys.executable, "-c", _ENCODE, *words], ROOT)
        alone = float(run["said"].split()[-1])
        found.append(
            {"frames": n, "size": f"{width}x{height}", "stage": run["cpu"], "encoder": alone,
             "ratio": run["cpu"] / alone}
        )  # fmt: skip
    return found


Job = tuple[list[str], list[str], str]  # inputs, outputs, command


def jobs_of(folder: Path, preset: str) -> list[Job]:
    """Every job of a preset, as a plan prints it."""
    said = snakemake(folder, "-n", "-p", preset=preset)["said"]
    found = []
    for block in re.split(r"^ *(?:local)?rule \w+:$", said, flags=re.M)[1:]:
        files = {
            key: re.split(r", ", match[1]) if match else []
            for key in ("input", "output")
            for match in [re.search(rf"^ +{key}: (.*)$", block, re.M)]
        }
        command = re.search(r"^ *Shell command: (python -m .*)$", block, re.M)
        if command:
            found.append((files["input"], files["output"], command[1]))
    return found


def _call(command: str) -> None:
    """One job as a call of the function behind its command, in a process that has it loaded."""
    from vcmflow.__main__ import stage
    from vcmrender.__main__ import main as render

    words = shlex.split(command.partition(" 2> ")[0])[2:]
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    status = render(words[1:]) if words[0] == "vcmrender" else stage(words[2:])
    if status:
        raise RuntimeError(command)


def loop(folder: Path, preset: str) -> float:
    """Wall seconds of all jobs of a preset as plain calls in two processes."""
    jobs = jobs_of(folder, preset)
    made = {file: number for number, (_, outputs, _) in enumerate(jobs) for file in outputs}
    for _, outputs, command in jobs:
        log = command.rpartition(" 2> ")[2].strip("'")
        for file in (*outputs, log):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
    waiting = {n: {made[f] for f in inputs if f in made} for n, (inputs, _, _) in enumerate(jobs)}
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder / "workflow")
    start = time.perf_counter()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        running: dict[Future[None], int] = {}
        while waiting or running:
            for number in [n for n, needs in waiting.items() if not needs]:
                del waiting[number]
                running[pool.submit(_call, jobs[number][2])] = number
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
                number = running.pop(future)
                for needs in waiting.values():
                    needs.discard(number)
    os.chdir(ROOT)
    return time.perf_counter() - start


def table(rows: Iterable[Numbers]) -> str:
    """Rows as aligned text."""
    shown = [
        {key: f"{value:.2f}" if isinstance(value, float) else str(value)
         for key, value in row.items()} for row in rows
    ]  # fmt: skip
    keys = list(dict.fromkeys(key for row in shown for key in row))
    widths = {key: max(len(key), *(len(row.get(key, "")) for row in shown)) for key in keys}
    lines = [{key: key for key in keys}, *shown]
    return "\n".join("  ".join(row.get(k, "").rjust(widths[k]) for k in keys) for row in lines)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--out", type=Path, help="JSON")
    parts = ("stages", "planning", "encode", "loop", "cores", "noop")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    args = parser.parse_args()
    found: dict[str, list[Numbers]] = {}

    def show(name: str, measure: Callable[[], list[Numbers]]) -> None:
        if name in args.only:
            found[name] = measure()
            print(f"\n{name}\n{table(found[name])}", flush=True)
            if args.out:
                args.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")

    with tempfile.TemporaryDirectory(prefix="vcmflow-benchmark-") as scratch:
        place = Path(scratch)

        def fresh(name: str) -> Path:
            return checkout(place / name)

        def whole(cores: int) -> Numbers:
            folder = place / f"cores{cores}"
            if not folder.exists():
                checkout(folder)
            run = snakemake(folder, "--cores", str(cores), preset=args.preset)
            return {"cores": cores, "wall": run["wall"], "cpu": run["cpu"]}

        show("stages", lambda: stages(args.preset))
        show("planning", lambda: planning(fresh("planning")))
        show("encode", lambda: encode(fresh("encode")))
        show("loop", lambda: [{"processes": 2, "wall": loop(fresh("loop"), args.preset)}])
        show("cores", lambda: [whole(2), whole(1)])
        show("noop", lambda: [whole(2)])


if __name__ == "__main__":
    main()
