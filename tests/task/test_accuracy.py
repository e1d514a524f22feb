"""What the shipped weights can do, and that training again gives as much."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from measured import accuracy, make_test_set

from vcmflow.__main__ import stage

MODELS = Path(__file__).parents[2] / "models"
MINI = {
    "faster_rcnn_mini": ("detection", "map", 0.40),
    "yolact_mini": ("segmentation", "jaccard", 0.55),
}


def training_command(name: str) -> list[str]:
    """The command that models/README.md says made the weights, without its outputs."""
    text = (MODELS / "README.md").read_text("utf-8").replace("\\\n", " ")
    (line,) = (
        line for line in text.splitlines() if "vcmflow train --trainee" in line and name in line
    )
    words = shlex.split(line)
    words = words[words.index("train") :]
    return words[: words.index("--weights-out")]


@pytest.fixture(scope="module")
def test_sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    return {
        task: make_test_set(tmp_path_factory.mktemp(task), task)
        for task in ("detection", "segmentation")
    }


@pytest.mark.workflow
@pytest.mark.xdist_group("accuracy")
@pytest.mark.parametrize("name", sorted(MINI))
def test_shipped_weights_are_good_enough(name: str, test_sets: dict[str, list[Path]]) -> None:
    task, score, least = MINI[name]
    reached = accuracy(test_sets[task], task, name, MODELS / f"{name}.safetensors")
    assert reached[score] >= least


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MINI))
def test_training_again_is_as_accurate(
    name: str, test_sets: dict[str, list[Path]], tmp_path: Path
) -> None:
    task, score, _ = MINI[name]
    again = tmp_path / "again.safetensors"
    command = training_command(name)
    assert (
        stage([*command, "--weights-out", str(again), "--log-out", str(tmp_path / "log.csv")]) == 0
    )
    shipped = accuracy(test_sets[task], task, name, MODELS / f"{name}.safetensors")
    reached = accuracy(test_sets[task], task, name, again)
    assert reached[score] == pytest.approx(shipped[score], abs=0.05)
