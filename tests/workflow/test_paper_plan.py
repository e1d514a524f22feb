"""The paper preset is planned on a fresh clone: no data, no network, no torch."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from running import copy_checkout, run_in

pytestmark = pytest.mark.workflow

# Runs Snakemake's own entry point, then says what it cost and what it imported.
PROGRAM = """
import resource, socket, sys
def refuse(*_, **__):
    raise AssertionError("planning asks the network")
socket.socket.connect = socket.create_connection = refuse
from snakemake.cli import main
try:
    main(["-n", "--config", "preset=paper"])
except SystemExit as end:
    status = end.code
used = resource.getrusage(resource.RUSAGE_SELF)
print("status", status, "seconds", used.ru_utime + used.ru_stime, file=sys.stderr)
print("heavy", sorted({"torch", "torchvision", "cv2"} & set(sys.modules)), file=sys.stderr)
"""


def test_a_fresh_clone_plans_the_paper_and_says_what_it_costs(tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path)
    assert sorted(path.name for path in (folder / "data").iterdir() if path.is_dir()) == [
        "reference"
    ]
    done = run_in(folder, Path(sys.executable).name, "-c", PROGRAM)
    out = done.stdout + done.stderr
    assert "status 0" in done.stderr, done.stderr[-4000:]
    assert "heavy []" in done.stderr
    # Of the processor, so that a busy machine does not decide.
    seconds = re.search(r"seconds ([0-9.]+)", done.stderr)
    assert seconds and float(seconds[1]) < 60

    jobs = dict(re.findall(r"^(\w+) +(\d+)$", out, re.MULTILINE))
    assert int(jobs["import_sequence"]) == 120 + 30  # OSDaR23's windows; DAVIS 2017's val
    assert int(jobs["download"]) == 14
    assert int(jobs["total"]) > 7500
    assert not (folder / "results" / "paper").exists()

    said = dict(re.findall(r"^  (download|disk|GPU|CPU|no GPU) +(.*)$", done.stderr, re.MULTILINE))
    assert set(said) == {"download", "disk", "GPU", "CPU", "no GPU"}
    assert said["download"].startswith("394 GB") and "unknown" not in said["download"]
    assert "h of one GPU: " in said["GPU"] and "derived" in said["GPU"]
    assert "h of one core: " in said["CPU"] and "measured" in said["CPU"]


def test_a_dry_run_that_downloads_nothing_says_nothing_of_costs(checkout: Path) -> None:
    done = run_in(checkout, "snakemake", "-n", "--config", "preset=smoke")
    assert done.returncode == 0
    assert "Estimate for" not in done.stdout + done.stderr


def test_a_mount_named_in_the_configuration_is_used_as_it_is(
    checkout: Path, tmp_path: Path
) -> None:
    mount = tmp_path / "mount" / "DAVIS"
    for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
        (mount / kind / "480p" / "parkour").mkdir(parents=True)
        (mount / kind / "480p" / "parkour" / f"00000.{suffix}").write_bytes(b"picture")
    target = "results/paper/davis2017/frames/parkour/frames.mkv"
    change = f"data={{datasets: {{davis2017: {{path: {mount}}}}}}}"
    for more, download in ((), True), ((change,), False):
        done = run_in(checkout, "snakemake", "-n", target, "--config", "preset=paper", *more)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("rule download:" in done.stdout + done.stderr) is download
        said = re.search(r"^  download +(.*)$", done.stderr, re.MULTILINE)
        assert said and said[1] == ("833 MB" if download else "nothing")
