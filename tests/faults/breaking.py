"""A run of part of the smoke preset, to be broken, and what is left of it."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

TARGET = "results/smoke/davis/score/scores.csv"
# Of the smoke preset: one data set, one method, small frames. Every stage but task and train.
SMALL = {
    "data": {
        **{"use": ["davis"], "width": 160, "height": 96},
        "datasets": {"davis": {"methods": ["uniform"], "tasks": []}},
    },
    "sample": {"sweep": None},
}
RUN = ("snakemake", "--cores", "2", TARGET, "--configfile", "small.yaml")
RUN += ("--config", "preset=smoke")


class Run:
    """A checkout in which the small run goes on, ends, or is ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs = Path(sys.executable).parent
        self.around = os.environ | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "workflow"),
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a program in the folder; of its own process group."""
        return subprocess.Popen(
            words or RUN,
            cwd=self.folder,
            env=self.around,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, *words: str) -> tuple[int, str]:
        """Run a program to its end: status, and what it said."""
        process = self.start(*words)
        said, _ = process.communicate(timeout=300)
        return process.returncode, said

    def processes(self) -> list[psutil.Process]:
        """What works in the folder, programs of jobs included."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE:
                    inside = Path(process.cwd()).is_relative_to(self.folder)
                    found += [process] if inside else []
            except (psutil.Error, OSError):
                continue
        return found

    def wait_for(self, word: str, process: subprocess.Popen[str]) -> psutil.Process | None:
        """A process in the folder that has a word in its command line; None if the run ends."""
        while process.poll() is None:
            for found in self.processes():
                try:
                    if word in " ".join(found.cmdline()) and "bash" not in found.name():
                        return found
                except psutil.Error:
                    continue
            time.sleep(0.02)
        return None

    def gone(self) -> bool:
        """Whether nothing works in the folder any more, after ten seconds at most."""
        for _ in range(100):
            if not self.processes():
                return True
            time.sleep(0.1)
        return False

    def copy(self, target: Path) -> Run:
        """The same in another folder."""
        return Run(shutil.copytree(self.folder, target, symlinks=True))

    def state(self) -> dict[str, str]:
        """Digests of all results but logs and times; times are columns and rows of some."""
        found = {}
        for path in sorted((self.folder / "results").rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            timed = path.name in ("times.json", "encode.json") or "/score/" in name
            if path.is_file() and not any(w in name for w in ("/logs/", "/benchmarks/", ".sha256")):
                content = b"" if timed and not name.endswith(TARGET) else path.read_bytes()
                if name == TARGET:
                    rows = csv.DictReader(io.StringIO(content.decode()))
                    kept = [list(r.values()) for r in rows if "seconds" not in r["metric"]]
                    content = repr(kept).encode()
                found[name] = hashlib.sha256(content).hexdigest()
        return found

    def parts(self) -> list[Path]:
        """Files that were written in part."""
        return [p for name in ("results", "data") for p in (self.folder / name).rglob(".part-*")]
