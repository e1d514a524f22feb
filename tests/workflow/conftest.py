"""A copy of the checkout to run the workflow in, so that a test never touches real results."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import SMOKE, copy_checkout, copy_results, run_in


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell pytest-xdist's ``--dist loadgroup`` what belongs together: one run, or one file."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            shared = "smoke" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("smoke" if shared else item.path.stem))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy without results, shared by the tests that only plan."""
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the smoke preset has run to its end; tests leave it as they find it."""
    folder = copy_checkout(tmp_path_factory.mktemp("smoke"))
    done = run_in(folder, "snakemake", "--cores", "all", *SMOKE)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    (folder / "first-run.txt").write_text(done.stderr, "utf-8")
    return folder


@pytest.fixture
def finished(smoke: Path, tmp_path: Path) -> Path:
    """A copy of that one, to go on from."""
    return copy_results(smoke, tmp_path / "finished")
