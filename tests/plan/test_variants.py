"""The rows of the ablation: from the settings alone."""

from __future__ import annotations

from typing import Any

import pytest
from planning import plan, settings

from vcmflow.core.errors import VcmflowError
from vcmflow.plan.variants import Variant, variants


def rows_of(preset: str, change: dict[str, Any] | None = None) -> dict[str, Variant]:
    found = plan(preset, change)
    return {row.name: row for row in variants(found.settings, found.grid)}


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"warps": {"frames": 9}}},
        {"data": {"warps": {"sequences": [], "frames": 9, "step": 0.1, "keep_every": 3}}},
        {"figures": {"embeddings": ["learned"]}},
        {"train": {"trainings": {"Bad Name": {"trainee": "embedding"}}}},
    ],
)
def test_the_models_refuse_what_makes_no_sense(change: dict[str, Any]) -> None:
    with pytest.raises(VcmflowError) as caught:
        settings(change=change)
    assert "\n" not in str(caught.value)


def test_the_ablation_preset_has_a_row_per_choice_and_says_what_differs() -> None:
    rows = rows_of("ablation")
    assert {name: row.differs for name, row in rows.items()} == {
        "manifold": "",
        "no_rotation": "rotation off",
        "no_mining": "mining off",
        "temperature_0_1": "temperature 0.1",
        "size_32": "dimension 32",
        "random": "embedder random, seed 1, short_side 96",
        "frozen": "embedder imagenet",
        "grey": "embedder grey",
        "spline": "arc spline",
        "literal": "count literal",
        "raw": "normalised off",
        "seed_2": "seed 2",
        "seed_3": "seed 3",
    }
    assert next(iter(rows)) == "manifold"
    assert all(row.method == name for name, row in rows.items())


def test_an_embedding_of_figure_8_without_a_sampler_has_a_row_too() -> None:
    rows = rows_of("mini")
    assert {name: row.method for name, row in rows.items()} == {
        "manifold": "manifold",
        "grey": "grey",
        "difference": "difference",
        "random": "",
        "frozen": "",
    }
    assert rows["random"].options == {"arc": "chord", "count": "exact"}


def test_methods_that_share_a_sampler_are_one_row() -> None:
    names = list(rows_of("compare"))
    assert names.count("manifold") == 1
    assert "manifold_x265" not in names
