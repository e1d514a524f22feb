"""The environments of the task stage's other back ends are in step with pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINS = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["learn"]
ENVIRONMENTS = ["detectron2", "yolact"]
# What a module is called where its distribution is called otherwise.
DISTRIBUTIONS = {"cv2": "opencv-python-headless", "PIL": "pillow", "yaml": "pyyaml"}


def environment(name: str) -> tuple[list[str], list[str]]:
    """What conda installs and what pip installs."""
    inner = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text("utf-8"))["dependencies"]
    pip = next(entry["pip"] for entry in inner if isinstance(entry, dict))
    return [entry for entry in inner if isinstance(entry, str)], pip


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_pins_are_those_of_the_project(name: str) -> None:
    _, pip = environment(name)
    pinned = [entry for entry in pip if "==" in entry]
    assert set(pinned) <= set(PINS)
    assert [entry for entry in pip if "==" not in entry] == [e for e in pip if "git+https" in e]


@pytest.mark.workflow
def test_they_hold_what_the_task_stage_imports() -> None:
    modules = "vcmflow.task.command, vcmflow.task.detectron2_backend, vcmflow.task.yolact_plus"
    code = f"import sys, {modules}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    imported = {module.partition(".")[0] for module in result.stdout.decode().split()}
    known = {pin.partition("==")[0].lower() for pin in PINS}
    needed = {DISTRIBUTIONS.get(module, module.lower().replace("_", "-")) for module in imported}
    assert {"torch", "torchvision", "av"} <= needed
    for name in ENVIRONMENTS:
        conda, pip = environment(name)
        offered = {entry.split()[0].partition("==")[0].lower() for entry in (*conda, *pip)}
        offered |= {"torch"} if "pytorch" in offered else set()
        assert needed & known <= offered, name
