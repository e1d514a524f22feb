"""The ablation preset is planned on a fresh clone, and variants are trained only where used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from running import run_in

pytestmark = pytest.mark.workflow


def planned(checkout: Path, *words: str) -> dict[str, int]:
    """Rule -> number of jobs that Snakemake would run."""
    done = run_in(checkout, "snakemake", "-n", *words)
    out = done.stdout + done.stderr
    assert done.returncode == 0, out[-4000:]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", out, re.MULTILINE)}


def test_one_target_makes_the_table_and_figure_8(checkout: Path) -> None:
    jobs = planned(checkout, "ablation", "--config", "preset=ablation")
    assert jobs["pretrain"] == jobs["table_ablation"] == jobs["fig8"] == jobs["render_warps"] == 1
    assert jobs["pretrain_variant"] == 4
    assert jobs["trajectory"] == 10
    assert jobs["embed_warps"] == 8
    # Twelve sequences, uniform and a sampler for each of ten choices, random access alone.
    assert jobs["encode"] == 12 * 11
    assert "table3" not in jobs and "track" not in jobs


@pytest.mark.parametrize("preset", ["mini", "smoke", "paper"])
def test_the_target_exists_in_every_preset(checkout: Path, preset: str) -> None:
    jobs = planned(checkout, "ablation", "--config", f"preset={preset}")
    assert jobs["table_ablation"] == jobs["fig8"] == 1
    assert jobs["trajectory"] == (2 if preset == "paper" else 3)
    assert "pretrain_variant" not in jobs and "render_warps" not in jobs


def test_an_option_without_a_value_reaches_the_training_as_such(checkout: Path) -> None:
    """The paper's training counts epochs: ``steps: null`` lies over the mini preset's number."""
    target = "results/paper/pretrain/embedding.safetensors"
    done = run_in(checkout, "snakemake", "-n", "-p", target, "--config", "preset=paper")
    assert "--option steps=null " in done.stdout + done.stderr


def test_a_variant_is_trained_beside_the_main_one(checkout: Path) -> None:
    change = [
        "pretrain={variants: {cold: {temperature: 0.1}, unused: {dimension: 8}}}",
        "embed={embeddings: {cold: {embedder: learned, pretraining: cold}}}",
        "sample={use: [uniform, manifold, cold], samplers: {cold: {method: manifold, "
        "embedding: cold}}}",
    ]
    jobs = planned(checkout, "ablation", "--config", "preset=smoke", *change)
    assert (jobs["pretrain"], jobs["pretrain_variant"]) == (1, 1)
    assert jobs["trajectory"] == 4
