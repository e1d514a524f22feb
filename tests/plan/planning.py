"""Settings and grids for tests of the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from vcmflow.config.load import load_settings, overlay
from vcmflow.config.models import Settings
from vcmflow.plan.check import check
from vcmflow.plan.grid import build_grid
from vcmflow.plan.jobs import Plan

PARAMS = Path(__file__).parents[2] / "params.yaml"


def settings(preset: str = "mini", change: dict[str, Any] | None = None) -> Settings:
    """Settings of a preset with a change, not checked against the registries."""
    base = yaml.safe_load(PARAMS.read_text("utf-8"))
    return load_settings(PARAMS, overlay(overlay(base, {"preset": preset}), change or {}))


def plan(preset: str = "mini", change: dict[str, Any] | None = None, gpus: int = 0) -> Plan:
    """The plan of a preset with a change, checked."""
    found = settings(preset, change)
    check(found)
    return Plan(found, build_grid(found), gpus)
