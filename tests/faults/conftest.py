"""A small run to break, and the table of what was tried, expected, and what happened."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("workflow", "data", "nets")]
from breaking import SMALL, Run  # noqa: E402
from running import ROOT, copy_checkout  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
ROWS: list[tuple[str, str, str]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much is tried, and whether the page gets its table."""
    parser.addoption("--rounds", type=int, default=2, help="kills of each kind, rounds of the soak")
    parser.addoption("--inputs", type=int, default=300, help="fuzzed inputs of each reader")
    parser.addoption("--seed", type=int, default=0, help="of everything that is drawn")
    parser.addoption("--write-table", action="store_true", help="put the table into the page")


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Draws that the seed and the name of the test repeat."""
    return random.Random(f"{request.config.getoption('--seed')} {request.node.name}")


@pytest.fixture
def tell() -> Callable[[str, str, str], None]:
    """Adds a row to the table: tried, expected, happened."""
    return lambda *row: ROWS.append(row)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Print the table, and put it into the page if that is asked for."""
    if not ROWS:
        return
    lines = ["| tried | expected | happened |", "| --- | --- | --- |"]
    table = "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in ROWS)])
    print(f"\n{table}")
    if session.config.getoption("--write-table"):
        before, mark, rest = PAGE.read_text("utf-8").partition("<!-- table -->\n")
        end = "<!-- end of table -->"
        assert mark and end in rest
        text = f"{before}{mark}\n{table}\n\n{end}{rest.partition(end)[2]}"
        PAGE.write_text(text, "utf-8")


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A checkout without results."""
    folder = copy_checkout(tmp_path_factory.mktemp("fresh"))
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL), "utf-8")
    return Run(folder)


@pytest.fixture(scope="session")
def undisturbed(fresh: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One in which the run came to its end."""
    run = fresh.copy(tmp_path_factory.mktemp("undisturbed") / "run")
    start = time.monotonic()
    status, said = run.finish()
    assert status == 0, said[-3000:]
    run.seconds = time.monotonic() - start  # type: ignore[attr-defined]
    return run


@pytest.fixture
def broken(undisturbed: Run, tmp_path: Path) -> Iterator[Run]:
    """A copy of that one, to be broken."""
    yield undisturbed.copy(tmp_path / "broken")
