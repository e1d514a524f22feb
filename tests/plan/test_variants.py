"""Trainings side by side, and the rows of the ablation: from the settings alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vcmflow.core.errors import VcmflowError
from vcmflow.plan.grid import build_grid, pretrain_options, weights_files
from vcmflow.plan.settings import Settings, load_settings, overlay
from vcmflow.plan.variants import variants

PARAMS = Path(__file__).parents[2] / "params.yaml"


def settings(preset: str = "mini", change: dict[str, Any] | None = None) -> Settings:
    base = yaml.safe_load(PARAMS.read_text("utf-8"))
    return load_settings(PARAMS, overlay(overlay(base, {"preset": preset}), change or {}))


def test_a_variant_of_the_training_is_laid_over_the_main_one() -> None:
    change = {"pretrain": {"variants": {"warm": {"temperature": 2, "steps": 7}}}}
    changed = settings(change=change)
    main = pretrain_options(changed, None)
    assert main == settings()["pretrain"]["options"]
    assert pretrain_options(changed, "warm") == main | {"temperature": 2, "steps": 7}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"embed": {"embeddings": {"x": {"embedder": "learned", "pretraining": "cold"}}}},
            ["embed.embeddings.x.pretraining", "'cold'", "none is defined"],
        ),
        (
            {"embed": {"embeddings": {"x": {"embedder": "grey", "pretraining": "cold"}}}},
            ["embed.embeddings.x.pretraining", "'cold'", "'learned'"],
        ),
        (
            {"pretrain": {"variants": {"cold": {"temprature": 0.1}}}},
            ["pretrain.variants.cold", "'temprature'", "temperature"],
        ),
        (
            {"pretrain": {"variants": {"cold": {"temperature": 0}}}},
            ["pretrain.variants.cold", "temperature is 0", "greater than 0"],
        ),
        ({"pretrain": {"options": {"crop": "x"}}}, ["pretrain.options", "crop", "'x'"]),
        (
            {"data": {"warps": {"sequences": ["x"], "frames": 9, "step": 0.1, "keep_every": 3}}},
            ["data.warps.sequences", "'x'", "1_calibration_1.1"],
        ),
    ],
)
def test_a_wrong_name_is_one_line(change: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(VcmflowError) as caught:
        build_grid(settings(change=change))
    message = str(caught.value)
    assert message.startswith("params.yaml: ") and "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"warps": {"frames": 9}}},
        {"data": {"warps": {"sequences": [], "frames": 9, "step": 0.1, "keep_every": 3}}},
        {"figures": {"embeddings": ["learned"]}},
        {"pretrain": {"variants": {"Bad Name": {}}}},
    ],
)
def test_the_schema_refuses_what_makes_no_sense(change: dict[str, Any]) -> None:
    with pytest.raises(VcmflowError) as caught:
        settings(change=change)
    assert "\n" not in str(caught.value)


def test_the_ablation_preset_has_a_row_per_choice_and_says_what_differs() -> None:
    loaded = settings("ablation")
    rows = {row.name: row for row in variants(loaded, build_grid(loaded))}
    assert {name: row.differs for name, row in rows.items()} == {
        "manifold": "",
        "no_rotation": "rotation off",
        "no_mining": "mining off",
        "temperature_0_1": "temperature 0.1",
        "size_32": "dimension 32",
        "random": "embedder random",
        "frozen": "embedder imagenet",
        "grey": "embedder grey",
        "spline": "arc spline",
        "literal": "count literal",
    }
    assert next(iter(rows)) == "manifold"
    assert all(row.sampler == name for name, row in rows.items())


def test_an_embedding_of_figure_8_without_a_sampler_has_a_row_too() -> None:
    loaded = settings()
    rows = variants(loaded, build_grid(loaded))
    assert [(row.name, row.sampler) for row in rows] == [
        ("manifold", "manifold"),
        ("random", ""),
        ("frozen", ""),
    ]
    assert rows[1].options == {"arc": "chord", "count": "exact"}


def test_weights_that_nothing_uses_are_not_asked_for() -> None:
    loaded = settings("paper")
    keys = [key for key, _ in weights_files(loaded, build_grid(loaded))]
    assert "embed.embeddings.imagenet.weights" in keys
    assert "embed.embeddings.frozen.weights" not in keys
