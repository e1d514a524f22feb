"""Kills, damage, full disks and missing parts, in real runs. Each test is a row of the table."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from breaking import RUN, TARGET, Run

pytestmark = pytest.mark.faults

SEQUENCE = "results/smoke/davis/{}/cars-crossing"
STREAMS = SEQUENCE.format("encode") + "/uniform/vvenc_ra"
CHAIN = "uniform/vvenc_ra/interpolation"


def healed(run: Run, undisturbed: Run) -> None:
    """The next plain run ends well, and its results are those of an undisturbed one."""
    assert run.gone(), "a process of the run goes on without it"
    status, said = run.finish()
    assert status == 0, said[-3000:]
    assert run.state() == undisturbed.state()
    assert not run.parts()


@pytest.mark.parametrize("victim", ["Snakemake", "a job", "the encoder"])
def test_kill(fresh, undisturbed, tmp_path, chance, tell, request, victim) -> None:
    rounds = request.config.getoption("--rounds")
    for number in range(rounds):
        run = fresh.copy(tmp_path / str(number))
        process = run.start()
        if victim == "Snakemake":
            time.sleep(chance.uniform(0.3, undisturbed.seconds))
            process.kill()
        else:
            word = "-m vcmflow stage" if victim == "a job" else "libvvenc"
            if victim == "a job":
                time.sleep(chance.uniform(0.3, 0.8 * undisturbed.seconds))
            found = run.wait_for(word, process)
            if found is not None:
                with suppress(psutil.NoSuchProcess):
                    found.kill()
        said, _ = process.communicate(timeout=300)
        if victim == "the encoder":
            assert "ffmpeg was killed (SIGKILL)" in said
        healed(run, undisturbed)
    expected = "the next plain run finishes, equal to an undisturbed one; no process, lock or part"
    tell(f"kill -9 of {victim} at a random moment", expected, f"so, {rounds} of {rounds} times")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_asked_to_end(fresh, undisturbed, tmp_path, chance, tell, number) -> None:
    run = fresh.copy(tmp_path / "run")
    process = run.start()
    time.sleep(chance.uniform(1, undisturbed.seconds))
    os.killpg(process.pid, number)  # as a terminal does
    process.communicate(timeout=60)
    assert run.gone()
    assert not run.parts()
    healed(run, undisturbed)
    tell(f"{number.name} to a run", "nothing in part, the next run finishes", "so")


# What is damaged -> what reads it.
DAMAGED = {
    f"{SEQUENCE.format('frames')}/frames.mkv": f"{SEQUENCE.format('fidelity')}/{CHAIN}.csv",
    f"{SEQUENCE.format('frames')}/sequence.json": f"{SEQUENCE.format('score')}.json",
    f"{SEQUENCE.format('sample')}/uniform.json": f"{STREAMS}/encode.json",
    f"{SEQUENCE.format('sample')}/uniform.gaps": f"{SEQUENCE.format('score')}.json",
    f"{STREAMS}/27.266": f"{SEQUENCE.format('fidelity')}/{CHAIN}.csv",
    f"{STREAMS}/encode.json": f"{SEQUENCE.format('score')}.json",
    f"{SEQUENCE.format('fidelity')}/{CHAIN}.csv": f"{SEQUENCE.format('score')}.json",
    f"{SEQUENCE.format('score')}.json": TARGET,
}


@pytest.mark.parametrize("name", DAMAGED, ids=lambda name: Path(name).name)
def test_damage(undisturbed, broken, chance, tell, name) -> None:
    path = broken.folder / name
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    (broken.folder / DAMAGED[name]).unlink()
    status, said = broken.finish(*RUN[:3], DAMAGED[name], *RUN[4:])
    assert status != 0
    assert "damaged, or" in said and path.name in said, said[-3000:]
    verify = (sys.executable, "-m", "vcmflow", "stage", "verify")
    status, said = broken.finish(*verify)
    assert status == 2 and f"damaged: {name}\n" in said
    status, said = broken.finish(*verify, "--remove")
    assert status == 0, said
    for command in said.rpartition("makes them again: ")[2].split(" && "):
        words = shlex.split(command)
        status, said = broken.finish(*words[:-2], "--configfile", "small.yaml", *words[-2:])
        assert status == 0, said[-3000:]
    healed(broken, undisturbed)
    happened = "named by its reader and by `verify`; made again, equal"
    tell(f"a flipped bit in `{path.name}`", "named where it is read, rebuilt on request", happened)


def namespace(script: str, *, folder: Path, around: dict[str, str]) -> tuple[int, str]:
    """Run a script where small file systems can be mounted."""
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", f"set -u; {script}"],
        cwd=folder, env=around, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


P = f"{shlex.quote(sys.executable)} -m"
# Stage -> (a command that writes below `full`, its output).
STAGES = {
    "import": (
        f"{P} vcmflow stage import --id=cars-crossing --dataset=davis --loader=davis "
        "--path=data/smoke/davis --sequence=cars-crossing --frames-out full/a.mkv "
        "--truth-out full/t.json --info-out full/i.json",
        "a.mkv",
    ),
    "encode": (
        f"{P} vcmflow stage encode --frames {SEQUENCE.format('frames')}/frames.mkv --decision "
        f"{SEQUENCE.format('sample')}/uniform.json --points 0 --out full",
        "0.266",
    ),
    "reconstruct": (
        f"{P} vcmflow stage reconstruct --encoded {STREAMS}/encode.json --points 27 --decision "
        f"{SEQUENCE.format('sample')}/uniform.json --out full/27.mkv",
        "27.mkv",
    ),
    "train": (
        f"{P} vcmflow stage train --trainee '{{trainee: embedding, steps: 1, pairs: 4, negatives: "
        "8, negative_videos: 2, short_side: 64, crop: 32}}' --videos clips --checkpoint "
        "full/w.checkpoint --weights-out full/w.safetensors --log-out full/log.csv",
        "w.safetensors",
    ),
    "score": (
        f"{P} vcmflow stage score pool --scores {SEQUENCE.format('score')}.json --scores-out "
        "full/s.csv",
        "s.csv",
    ),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", ["disk", "inodes", "read-only"])
def test_full(broken, tell, stage, kind) -> None:
    command, output = STAGES[stage]
    command = command.replace("{{", "{").replace("}}", "}")
    if stage == "train":
        flags = "--kind videos --split train --seed 1 --width 96 --height 64 --sequences 4"
        status, said = broken.finish("bash", "-c", f"{P} vcmrender {flags} --frames 6 --out clips")
        assert status == 0, said
    (broken.folder / "full").mkdir()
    mount = {"disk": "size=4k", "inodes": "size=64m,nr_inodes=1", "read-only": "size=64m,ro"}[kind]
    status, said = namespace(
        f"mount -t tmpfs -o {mount} tmpfs full; {command} >&2; echo status $?; "
        f"ls full/{output} 2> /dev/null && echo THERE; find full -name '.part*' | grep . && echo "
        f"PART; mount -o remount,rw,size=64m,nr_inodes=1000 tmpfs full; {command} >&2; "
        f"echo status $?; ls full/{output}",
        folder=broken.folder, around=broken.around,
    )  # fmt: skip
    lines = said.splitlines()
    assert status == 0 and "status 2" in lines and "status 0" in lines, said
    assert "THERE" not in lines and "PART" not in lines, said
    assert "Traceback" not in said
    reason = "Read-only file system" if kind == "read-only" else "No space left on device"
    assert reason in said, said
    what = {
        "disk": "a full disk",
        "inodes": "a full inode table",
        "read-only": "a read-only folder",
    }
    tell(f"{what[kind]} during `{stage}`", "one line, no file, success afterwards", f"“{reason}”")


def test_two_runs_at_once(fresh, undisturbed, tmp_path, tell) -> None:
    run = fresh.copy(tmp_path / "run")
    first = run.start()
    while not list((run.folder / ".snakemake/locks").glob("*")):
        assert first.poll() is None
        time.sleep(0.02)
    status, said = run.finish()
    assert status != 0 and "lock" in said.lower()
    first.communicate(timeout=300)
    assert first.returncode == 0
    assert run.state() == undisturbed.state()
    tell("two runs at once in one folder", "the second says so, the first is not hurt", "so")


def test_a_clock_that_jumps(broken, undisturbed, tell) -> None:
    for number, path in enumerate(sorted((broken.folder / "results").rglob("*"))):
        if path.is_file():
            moment = time.time() + (-1, 1)[number % 2] * 400 * 86_400
            os.utime(path, (moment, moment))
    status, said = broken.finish()
    assert status == 0 and "Nothing to be done" in said, said[-2000:]
    assert broken.state() == undisturbed.state()
    tell("times of files a year off, either way", "content decides: nothing is done", "so")


FRAMES = f"{SEQUENCE.format('frames')}/frames.mkv"
TASK = f"{P} vcmflow stage task --kind detection --model faster_rcnn_mini --sequence-ids s"
ENCODE = STAGES["encode"][0].replace("full", "out")
MISSING = {
    "no ffmpeg": ({"IMAGEIO_FFMPEG_EXE": "/nowhere/ffmpeg"}, ENCODE, "/nowhere/ffmpeg"),
    "an ffmpeg without libvvenc": (
        {"IMAGEIO_FFMPEG_EXE": "./old"}, ENCODE, "has no encoder libvvenc"
    ),
    "a GPU that is not there": (
        {},
        f"{TASK} --device cuda --weights "
        f"models/faster_rcnn_mini.safetensors --videos {FRAMES} --runs-out out/a.json",
        "use --device auto or cpu",
    ),
    "missing weights": (
        {},
        f"{TASK} --weights "
        f"models/none.safetensors --videos {FRAMES} --runs-out out/a.json",
        "models/none.safetensors",
    ),
    "no torch": (
        {"BLOCKED": "torch"},
        f"{TASK} --weights "
        f"models/faster_rcnn_mini.safetensors --videos {FRAMES} --runs-out out/a.json",
        "pip install 'vcmflow[learn]'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MISSING)
def test_missing(broken, tell, what) -> None:
    around, command, told = MISSING[what]
    if "BLOCKED" in around:
        stub = broken.folder / "stub" / "torch.py"
        stub.parent.mkdir()
        stub.write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
        around = {"PYTHONPATH": f"{stub.parent}{os.pathsep}{broken.around['PYTHONPATH']}"}
    old = broken.folder / "old"
    old.write_text("#!/bin/sh\necho \"[fatal] Unknown encoder 'libvvenc'\" >&2\nexit 1\n", "utf-8")
    old.chmod(0o755)
    broken.around |= around
    status, said = broken.finish("bash", "-c", command)
    assert status == 2 and told in said, said
    assert said.strip().count("\n") == 0
    assert not (broken.folder / "out").exists() or not list((broken.folder / "out").iterdir())
    tell(what, "one line with the way out", f"“… {told} …”")
