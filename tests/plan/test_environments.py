"""The environments are in step with pyproject.toml, the one place for versions."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins_of(path: Path) -> list[str]:
    inner = yaml.safe_load(path.read_text("utf-8"))["dependencies"]
    return next(entry["pip"] for entry in inner if isinstance(entry, dict))


def test_the_conda_environment_has_the_same_pins() -> None:
    assert pins_of(ROOT / "envs/vcmflow.yaml") == PROJECT["dependencies"] + EXTRAS["learn"]


def test_every_dependency_is_pinned_and_the_lock_agrees() -> None:
    lock = (ROOT / "envs/lock.txt").read_text("utf-8").lower().splitlines()
    pins = [*PROJECT["dependencies"], *EXTRAS["learn"], *EXTRAS["dvc"], *EXTRAS["dev"]]
    for pin in pins:
        assert "==" in pin
        # The lock has what any Python needs; a marker says which one does.
        assert pin.lower().partition(";")[0] in lock, pin


def test_the_lock_names_no_place_to_get_packages_from() -> None:
    text = (ROOT / "envs/lock.txt").read_text("utf-8")
    assert "://" not in text and "file:" not in text
