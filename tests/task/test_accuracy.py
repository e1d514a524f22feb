"""What the shipped weights can do, and that training again gives as much."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict
from pathlib import Path

import pytest
from measured import accuracy, make_test_set

from vcmflow.__main__ import stage
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import build
from vcmflow.nets.weights import read_weights
from vcmflow.train.command import add_arguments
from vcmflow.train.registry import TRAINEES

MODELS = Path(__file__).parents[2] / "models"
MINI = {
    "faster_rcnn_mini": ("detection", "map", 0.40),
    "yolact_mini": ("segmentation", "jaccard", 0.55),
}


def training_command(name: str) -> list[str]:
    """The command that models/README.md says made the weights, without its outputs."""
    text = (MODELS / "README.md").read_text("utf-8").replace("\\\n", " ")
    made = f"--weights-out models/{name}.safetensors "
    (line,) = (line for line in text.splitlines() if made in line)
    words = shlex.split(line)
    assert words[:4] == ["python", "-m", "vcmflow", "stage"]
    return words[4 : words.index("--weights-out")]


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.safetensors")), ids=lambda path: path.stem)
def test_the_command_beside_the_weights_is_the_one_that_made_them(path: Path) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    outputs = ["--weights-out", "x", "--log-out", "y"]
    args = parser.parse_args([*training_command(path.stem)[1:], *outputs])
    name, options = parse_instance(args.trainee, "trainee")
    settings = asdict(build(TRAINEES, name, "trainee", options))
    made_by = read_weights(path)[1]["notes"]
    told = settings.keys() & made_by.keys()
    assert {"steps", "batch", "seed", "precision"} <= told
    assert {key: settings[key] for key in told} == {key: made_by[key] for key in told}


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
