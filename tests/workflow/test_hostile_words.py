"""Whatever params.yaml says reaches a job as the word that it is: no shell ever reads it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from pydantic import BaseModel, StringConstraints
from running import ROOT, run

from vcmflow.config.models import Settings

pytestmark = pytest.mark.workflow

HOSTILE = """ a b '$(touch x)' "`touch x`"; touch x"""


def word(name: str) -> str:
    """A value that a shell would run, recognised again by its beginning."""
    return name + HOSTILE


def free_strings(model: type[BaseModel]) -> Iterator[str]:
    """Fields, model after model, that take any text."""
    for name, field in model.model_fields.items():
        held = [(field.annotation, field.metadata)]
        while held:
            kind, notes = held.pop()
            if typing.get_origin(kind) is typing.Annotated:
                held.append((typing.get_args(kind)[0], list(kind.__metadata__)))
            elif isinstance(kind, types.UnionType | types.GenericAlias) or typing.get_args(kind):
                if typing.get_origin(kind) is not typing.Literal:
                    held += [(part, notes if part is str else []) for part in typing.get_args(kind)]
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from free_strings(kind)
            elif kind is str:
                patterns = [n.pattern for n in notes if isinstance(n, StringConstraints)]
                if not any(patterns):
                    yield f"{model.__name__}.{name}"


# Where each of them is set below, or why it is not.
SET = {
    *("Dataset.title", "Dataset.path", "Dataset.sequences", "Dataset.annotations"),
    *("Dataset.classes", "Dataset.crowd", "Dataset.ignore"),
    *(
        "Training.videos",
        "Training.initial_weights",
        "Embedding.weights",
        "Detector.weights",
        "Task.weights",
    ),
    *("Sampler.title", "Codec.title", "Codec.short", "Codec.point"),
    *("Reconstructor.title", "Method.title"),
}
# No plug-in with weights is in the grid; they reach the shell as the other weights do.
ELSEWHERE = {"Codec.weights", "ImportanceMap.weights", "Reconstructor.weights", "Task.transfers"}
# Of other loaders, or compared with names that exist.
CHECKED = {
    *("Dataset.cameras", "Dataset.exclude", "Dataset.lengths", "Dataset.resolution"),
    "Score.evaluators",
}


def test_every_free_text_of_the_parameters_is_tried() -> None:
    assert set(free_strings(Settings)) == SET | ELSEWHERE | CHECKED


def hostile(folder: Path) -> dict[str, Any]:
    """Settings in which every free text is hostile, with the files that they name."""
    data = folder / "data" / word("path")
    (data / word("sequence")).mkdir(parents=True)
    for number in range(4):
        picture = np.full((48, 64, 3), 60 * number, np.uint8)
        assert cv2.imwrite(str(data / word("sequence") / f"{number}.png"), picture)
    (folder / "data" / f"{word('annotations')}.json").write_text("{}", "utf-8")
    names = ("embedding", "frozen", "detector", "task", "initial")
    for name in names:
        shutil.copy(folder / "models/yolact_mini.safetensors", folder / f"models/{word(name)}")
    weights = {name: f"models/{word(name)}" for name in names}
    return {
        "data": {
            "use": ["own"],
            "datasets": {
                "own": {
                    **{"source": "local", "loader": "folder", "keep_every": 2, "fps": 10},
                    **{"title": word("dataset"), "path": f"data/{word('path')}"},
                    **{"sequences": [word("sequence")], "tasks": ["detection"]},
                    "annotations": f"data/{word('annotations')}.json",
                    "methods": ["uniform", "tracking", "manifold", "all"],
                    "classes": {word("class"): "car"},
                    "crowd": {word("crowd"): "car"},
                    "ignore": {word("ignored"): "car"},
                }
            },
        },
        "train": {
            "trainings": {
                "embedding": {
                    "videos": f"data/{word('path')}",
                    "initial_weights": weights["initial"],
                }
            }
        },
        "embed": {
            "embeddings": {
                "frozen": {"weights": weights["frozen"]},
                "other": {"embedder": "learned", "weights": weights["embedding"]},
            }
        },
        "track": {"detector": {"weights": weights["detector"]}},
        "sample": {
            "samplers": {"manifold": {"title": word("sampler"), "embedding": "other"}},
            "sweep": None,
        },
        "encode": {
            "codecs": {
                "vvenc_ra": {
                    **{"title": word("codec"), "short": word("short"), "point": word("point")},
                }
            }
        },
        "reconstruct": {"reconstructors": {"interpolation": {"title": word("reconstructor")}}},
        "methods": {"uniform": {"title": word("method")}},
        "task": {"tasks": {"detection": {"weights": weights["task"]}}},
    }


def test_hostile_words_run_nothing_and_arrive_whole(checkout: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkout, tmp_path / "checkout", symlinks=True)
    settings = folder / "hostile.yaml"
    settings.write_text(yaml.safe_dump(hostile(folder)), "utf-8")
    said = run(folder, "snakemake", "-n", "-p", "--configfile", "hostile.yaml", "--config",
               "preset=smoke")  # fmt: skip
    commands = re.findall(r"^ *Shell command: (python .*)$", said, re.MULTILINE)
    assert len(commands) > 20
    for log in re.findall(r"^ +log: (.*)$", said, re.MULTILINE):
        (folder / log).parent.mkdir(parents=True, exist_ok=True)
    stub = tmp_path / "bin" / "python"
    stub.parent.mkdir()
    stub.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" >> {tmp_path}/words\n", "utf-8")
    stub.chmod(0o755)
    path = f"{stub.parent}{os.pathsep}{os.environ['PATH']}"
    script = "\n".join(["set -euo pipefail", *commands])
    subprocess.run(["bash", "-c", script], cwd=folder, env=os.environ | {"PATH": path}, check=True)
    assert not (folder / "x").exists()
    words = (tmp_path / "words").read_text("utf-8").split("\0")
    names = "dataset path sequence annotations class crowd ignored embedding frozen detector task"
    for name in (*names.split(), "initial", "method"):
        # Within JSON, quotation marks have a backslash.
        whole = {word(name), word(name).replace('"', '\\"')}
        assert any(form in found for form in whole for found in words), name


def test_rules_quote_whatever_they_hand_to_the_shell() -> None:
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for shell in re.findall(r'shell:\n((?:\s+".*"\n)+)', path.read_text("utf-8")):
            bare = set(re.findall(r"\{[^}]*(?<!:q)\}", shell))
            assert bare <= {"{threads}", "{resources.gpu}"}, path.name
