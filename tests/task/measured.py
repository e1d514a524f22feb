"""Accuracy on the uncompressed test sets, by the commands and the scores that the workflow uses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vcmflow.__main__ import stage
from vcmflow.core.files import read_json
from vcmflow.core.registry import build, load
from vcmflow.core.sequence import read_sequence
from vcmflow.score.registry import EVALUATORS
from vcmrender.api import CAMERA, TEST_SETS

LOADERS = {"detection": "osdar23", "segmentation": "davis"}


def make_test_set(folder: Path, task: str, seed: int = 1) -> list[Path]:
    """Render and import a test set; returns one folder per sequence, with frames.mkv and more."""
    source = folder / "source"
    render = [sys.executable, "-m", "vcmrender", "--kind", task, "--seed", str(seed)]
    subprocess.run([*render, "--out", str(source)], check=True)
    folders = []
    for item in TEST_SETS[task]:
        here = folder / item.name
        command = ["import", "--loader", LOADERS[task], "--path", str(source)]
        command += ["--sequence", item.name, "--frames-out", str(here / "frames.mkv")]
        command += ["--truth-out", str(here / "truth.json")]
        command += ["--info-out", str(here / "sequence.json")]
        if task == "detection":
            command += ["--camera", CAMERA]
        assert stage(command) == 0
        folders.append(here)
    return folders


def accuracy(folders: list[Path], task: str, model: str, weights: Path) -> dict[str, float]:
    """Run a model on the sequences and score it: AP per class and mAP, or J and F1; 0..1."""
    outs = [folder / f"{model}.json" for folder in folders]
    command = ["task", "--kind", task, "--model", model, "--weights", str(weights)]
    command += ["--device", "cpu", "--videos", *(str(folder / "frames.mkv") for folder in folders)]
    assert stage([*command, "--out", *map(str, outs)]) == 0
    entry = EVALUATORS[task]
    evidence = []
    for folder, out in zip(folders, outs, strict=True):
        sequence = read_sequence(folder / "sequence.json")
        evaluator = build(
            EVALUATORS,
            task,
            "task",
            {},
            sequence=sequence,
            truth=folder / "truth.json",
            source=None,
        )
        evidence.append(evaluator.measure(read_json(out), str(out)))
    scores: dict[str, float] = load(entry.pool)(evidence)
    return scores
