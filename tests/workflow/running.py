"""Copies of the checkout, programs run in them, and what Snakemake plans there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SMOKE = ("--config", "preset=smoke")
# What makes bitstreams and what makes raw video of them in the smoke preset.
ENCODE = {"encode_vvenc_ra", "encode_vvenc_ra_42", "encode_vvenc_ai"}
RECONSTRUCT = {f"reconstruct_interpolation{rule.removeprefix('encode')}" for rule in ENCODE}

Job = tuple[str, str]  # rule, outputs


def copy_checkout(target: Path) -> Path:
    """Copy what git tracks or would track, as it is in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def copy_results(source: Path, target: Path) -> Path:
    """Copy a checkout in which the workflow ran."""
    return shutil.copytree(source, target, symlinks=True)


def replace(path: Path, old: str, new: str) -> None:
    """Edit a file; as a new file, so that what DVC linked to it keeps its content."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path.name}: {old!r}"
    path.unlink()
    path.write_text(text.replace(old, new), "utf-8")


def run_in(
    folder: Path, *command: str, own_package: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment in a copy, with the copy's own package or as it comes."""
    programs = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    if own_package:
        environment["PYTHONPATH"] = str(folder / "workflow")
    return subprocess.run(
        [str(programs / command[0]), *command[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def run(folder: Path, *command: str) -> str:
    """Run a program of this environment to success; both of its streams."""
    done = run_in(folder, *command)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
    return done.stdout + done.stderr


def setting(key: str, value: Any) -> str:
    """``a.b.c`` and its value as ``snakemake --config`` takes them: ``a={b: {c: value}}``."""
    first, *rest = key.split(".")
    for name in reversed(rest):
        value = {name: value}
    return f"{first}={json.dumps(value, ensure_ascii=False)}"


def jobs(folder: Path, *words: str) -> list[Job]:
    """What Snakemake would run, but for targets that are only names of others."""
    found = []
    said = run(folder, "snakemake", "-n", *words)
    # A plan indents the jobs that a cluster would be given as a group.
    for block in re.split(r"^(?= *(?:local)?rule \w+:$)", said, flags=re.M):
        rule = re.match(r" *(?:local)?rule (\w+):\n", block)
        output = re.search(r"^ +output: (.*)$", block, re.M)
        if rule and output:
            found.append((rule[1], output[1]))
    return found


def rules(planned: Iterable[Job]) -> Counter[str]:
    """Rule -> how many jobs."""
    return Counter(rule for rule, _ in planned)


class Plans:
    """Dry runs side by side, one per core, since they only read; ``plans[words]`` waits for one."""

    def __init__(self, folder: Path, wanted: Iterable[tuple[str, ...]]) -> None:
        self._pool = ThreadPoolExecutor(os.cpu_count())
        self._found: dict[tuple[str, ...], Future[list[Job]]] = {
            words: self._pool.submit(jobs, folder, *words) for words in dict.fromkeys(wanted)
        }

    def __getitem__(self, words: tuple[str, ...]) -> list[Job]:
        return self._found[words].result()

    def close(self) -> None:
        """Start no more of them, and wait for those that run."""
        self._pool.shutdown(cancel_futures=True)
