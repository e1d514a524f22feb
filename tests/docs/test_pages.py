"""The settings and commands on the pages are ones that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from vcmflow.config.load import load_settings, overlay
from vcmflow.plan.check import check

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "data/README.md", "models/README.md"]
PAGES += [f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")]
TEXTS = {page: (ROOT / page).read_text("utf-8") for page in PAGES}
SETTINGS = {
    f"{page} {number}": text
    for page, content in TEXTS.items()
    for number, text in enumerate(
        re.findall(r"^```yaml\n(.*?)^```", content, re.MULTILINE | re.DOTALL)
    )
}
COMMANDS = sorted(
    {
        line.partition("  #")[0]
        for content in TEXTS.values()
        for line in content.replace("\\\n", "").splitlines()
        if line.startswith(("python -m vcmflow ", "vcmflow "))
    }
)


@pytest.mark.parametrize("place", SETTINGS)
def test_settings_on_a_page_are_accepted(place: str) -> None:
    base = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    settings = load_settings(ROOT / "params.yaml", overlay(base, yaml.safe_load(SETTINGS[place])))
    check(settings)


@cache
def help_of(*name: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "vcmflow", *name, "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_flags_on_a_page_exist(command: str) -> None:
    words = shlex.split(command.removeprefix("python -m "))[1:]
    name = words[: 2 if words[0] == "stage" else 1]
    for flag in [word for word in words if word.startswith("--")]:
        assert re.search(rf"{flag}\b", help_of(*name)), f"{name} has no {flag}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXTS[page]):
        assert ((ROOT / page).parent / target).exists(), target
