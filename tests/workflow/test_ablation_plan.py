"""The ablation preset is planned on a fresh clone, and what learns is trained only where used."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import SMOKE, Plans, jobs, rules, run, setting

pytestmark = pytest.mark.workflow


def test_one_target_makes_the_table_and_figure_8(checkout: Path) -> None:
    planned = jobs(checkout, "ablation", "--config", "preset=ablation")
    found = rules(planned)
    assert found["table_ablation"] == found["fig8"] == found["render_warps"] == 1
    trained = [
        Path(output.split(",")[0]).parent.name for rule, output in planned if rule == "train"
    ]
    variants = ["no_rotation", "no_mining", "temperature_0_1", "size_32", "seed_2", "seed_3"]
    assert sorted(trained) == sorted(["embedding", *variants])
    assert found["trajectory"] == 13
    assert found["embed_warps"] == 11
    # Twelve sequences, uniform and a sampler for each of thirteen choices, random access alone.
    assert {rule: n for rule, n in found.items() if rule.startswith("encode_")} == {
        "encode_vvenc_ra": 12 * 14
    }
    assert "table3" not in found and not [rule for rule in found if rule.startswith("track")]


def test_the_target_exists_in_every_preset(checkout: Path) -> None:
    presets = ("mini", "smoke", "paper")
    plans = Plans(checkout, [("ablation", "--config", f"preset={name}") for name in presets])
    for name in presets:
        found = rules(plans["ablation", "--config", f"preset={name}"])
        assert found["table_ablation"] == found["fig8"] == found["train"] == 1
        # Embeddings that samplers or Fig. 8 use; mini has grey pixels and their differences, too.
        assert found["trajectory"] == {"mini": 5, "smoke": 3, "paper": 2}[name]
        assert "render_warps" not in found


def test_an_option_without_a_value_reaches_the_training_as_such(checkout: Path) -> None:
    """The paper's training counts epochs: ``steps: null`` lies over the mini preset's number."""
    target = "results/paper/train/embedding/weights.safetensors"
    said = run(checkout, "snakemake", "-n", "-p", target, "--config", "preset=paper")
    assert '"steps": null' in said


def test_a_training_is_made_beside_the_main_one_where_something_uses_it(checkout: Path) -> None:
    trainings = {"cold": {"like": "embedding", "temperature": 0.1}, "unused": {"like": "embedding"}}
    chain = {"sampler": "cold", "codec": "vvenc_ra", "reconstructor": "interpolation"}
    methods = {"methods": ["uniform", "manifold", "cold"]}
    planned = jobs(
        checkout,
        *("ablation", *SMOKE),
        setting("train.trainings", trainings),
        setting("embed.embeddings.cold", {"embedder": "learned", "training": "cold"}),
        setting("sample.samplers.cold", {"sampler": "manifold", "embedding": "cold"}),
        setting("methods.cold", chain),
        setting("data.datasets", {"railway": methods, "davis": methods}),
    )
    found = rules(planned)
    trained = [
        Path(output.split(",")[0]).parent.name for rule, output in planned if rule == "train"
    ]
    assert sorted(trained) == ["cold", "embedding"]
    assert found["trajectory"] == 4
