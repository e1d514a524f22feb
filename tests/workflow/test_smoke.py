"""The whole workflow on the smoke preset: it ends, is checked, and runs again only as needed."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from running import copy_checkout, run_in

pytestmark = pytest.mark.workflow

SMOKE = ("--config", "preset=smoke")
TABLES = ["table3", "table4", "table5", "table6", "table7", "accuracy", "sanity", "ablation"]
FIGURES = ["fig4", "fig5", "fig6", "fig7", "fig8", "accuracy_m", "time", "training"]


def planned(folder: Path, *config: str) -> set[str]:
    """The rules that Snakemake would run."""
    done = run_in(folder, "snakemake", "-n", "--config", "preset=smoke", *config)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^(?:local)?rule (\w+):$", done.stdout + done.stderr, re.MULTILINE)) - {
        "all"
    }


def test_every_table_and_figure_is_there(smoke: Path) -> None:
    results = smoke / "results" / "smoke"
    for name in TABLES:
        for suffix in ("csv", "md", "tex"):
            assert (results / "tables" / f"{name}.{suffix}").stat().st_size > 100
    for name in FIGURES:
        assert (results / "figures" / f"{name}.png").stat().st_size > 5_000
        assert (results / "figures" / f"{name}.pdf").stat().st_size > 2_000
    assert not list(results.glob("*/reconstruct/**/*.mkv")), "raw video stays nowhere"


def test_every_check_of_the_chain_passes(smoke: Path) -> None:
    checks = pd.read_csv(smoke / "results/smoke/tables/sanity.csv")
    assert len(checks) >= 3
    failed = checks[~checks["status"].isin(["pass"])]
    assert failed.empty, failed.to_string()


def test_tables_have_the_papers_columns(smoke: Path) -> None:
    for path in (smoke / "data/reference").glob("table*.csv"):
        name = path.stem.partition("_")[0]
        ours = pd.read_csv(smoke / f"results/smoke/tables/{name}.csv")
        assert set(pd.read_csv(path).columns) <= set(ours.columns)


def test_every_sampler_keeps_exactly_m_frames_within_its_gaps(smoke: Path) -> None:
    decisions = list((smoke / "results/smoke").glob("*/sample/*/*.json"))
    assert len(decisions) > 10
    for path in decisions:
        decision = json.loads(path.read_text("utf-8"))
        frames, n = decision["frames"], decision["n"]
        sampler = decision["sampler"]
        every = int(sampler.rpartition("-n")[2]) if "-n" in sampler else None
        if sampler != "all":
            keep = every or (3 if "railway" in path.parts else 4)
            assert len(frames) == decision["m"] == n // keep + 1
        assert frames[0] == 0 and frames[-1] == n - 1 and frames == sorted(set(frames))
        gaps = path.with_suffix(".gaps").read_bytes()
        assert [b - a - 1 for a, b in pairwise(frames)] == list(gaps)


def test_a_second_run_has_nothing_to_do(smoke: Path) -> None:
    assert planned(smoke) == set()


def test_touching_a_file_reruns_nothing(smoke: Path) -> None:
    for path in (smoke / "workflow" / "vcmflow").rglob("*.py"):
        path.touch()
    (smoke / "models" / "faster_rcnn_mini.safetensors").touch()
    assert planned(smoke) == set()


# What depends on a stage, from the bottom up.
LAST = {"metrics", "provenance"}
OF_RAILWAY = {
    *("table3", "table4", "table5", "table7", "fig4", "fig5", "fig6", "accuracy_m"),
    *("rd_railway", "rate_scores_railway", "table_ablation"),
}
OF_DAVIS = {"table6", "fig7", "rd_davis", "rate_scores_davis"}
OF_BOTH = {"accuracy", "sanity", "time", "score_sequence", "score_pool"} | LAST
SCORES = OF_RAILWAY | OF_DAVIS | OF_BOTH
# Reconstructions are temporary: whoever needs them again makes them again, and what else is
# computed from them follows.
RECONSTRUCTION = {"reconstruct", "reconstruct_shown", "fidelity", "task"} | SCORES
SWEPT = {"encode_swept", "reconstruct_swept"}
SAMPLING = {"sample", "timeline_railway", "timeline_davis", "encode"} | RECONSTRUCTION


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (
            "data={datasets: {davis: {title: x}}}",
            {"accuracy", "sanity", "time", "fig8", "timeline_davis", "reconstruct_shown"}
            | OF_DAVIS
            | LAST,
        ),
        (
            "pretrain={options: {temperature: 0.5}}",
            {"pretrain", "training", "embed", "fig8", "complexity", "trajectory"} | SAMPLING,
        ),
        (
            "embed={embeddings: {random: {options: {seed: 5}}}}",
            {"embed", "fig8", "trajectory", "table_ablation", "provenance"},
        ),
        ("track={score_threshold: 0.5}", {"track", "complexity"} | SAMPLING),
        ("sample={samplers: {manifold: {arc: spline}}}", {"trajectory"} | SAMPLING),
        ("encode={preset: fast}", {"encode"} | SWEPT | RECONSTRUCTION),
        ("encode={options: {}}", set()),
        ("reconstruct={interpolator: blend}", RECONSTRUCTION | {"reconstruct_swept"}),
        (
            "task={detection: {options: {score_threshold: 0.2}}}",
            {"task", "task_source", "fidelity", "reconstruct", "reconstruct_swept"}
            | {"reconstruct_shown"}
            | OF_RAILWAY
            | OF_BOTH,
        ),
        ("train={yolact_mini: {steps: 10}}", {"provenance"}),
        ("score={interpolation: akima}", {"table3", "table4", "table7", "table_ablation"} | LAST),
        (
            "tables={anchor: all}",
            {"table3", "table4", "table7", "table_ablation", "fig6", "fig7", "reconstruct_shown"}
            | LAST,
        ),
        ("figures={shown_mode: ai}", {"fig6", "reconstruct_shown", "provenance"}),
    ],
)
def test_one_parameter_reruns_what_depends_on_it_and_nothing_else(
    smoke: Path, change: str, rules: set[str]
) -> None:
    assert planned(smoke, change) == rules


def test_an_edit_of_a_module_reruns_the_jobs_that_it_can_change(smoke: Path) -> None:
    module = smoke / "workflow/vcmflow/encode/vvenc.py"
    before = module.read_text("utf-8")
    try:
        module.write_text(before + "\nEDITED = True\n", "utf-8")
        assert planned(smoke) == {"encode"} | SWEPT | RECONSTRUCTION
    finally:
        module.write_text(before, "utf-8")
    assert planned(smoke) == set()


def test_the_first_run_said_how_far_it_was(smoke: Path) -> None:
    lines = (smoke / "first-run.txt").read_text("utf-8")
    assert re.search(r"\d+ %  +\d+/\d+  encode \S+ \(\d+\.\d s\)  elapsed \d+:\d\d  about", lines)


def test_another_seed_changes_every_number(smoke: Path, tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path)
    target = "results/smoke/railway/score/scenes.csv"
    done = run_in(
        folder,
        "snakemake",
        "--cores",
        "all",
        target,
        *SMOKE,
        "data={seed: 7}",
        "sample={sweep: null}",
    )
    assert done.returncode == 0, done.stderr[-4000:]
    keys = ["scene", "sampler", "mode", "qp"]
    ours, other = (
        pd.read_csv(root / target).dropna(subset=["mode"]).set_index(keys)
        for root in (smoke, folder)
    )
    both = ours.merge(other, on=keys, suffixes=("", "_other"))
    assert len(both) == len(other) > 0
    for column in ("rate_bytes", "psnr", "ssim"):
        assert (both[column] != both[f"{column}_other"]).all(), column


def test_a_failure_names_the_rule_the_input_and_the_log_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    folder = copy_checkout(tmp_path)
    stream = "results/smoke/davis/encode/cars-crossing/uniform/ra"
    run_in(folder, "snakemake", "--cores", "2", f"{stream}/encode.csv", *SMOKE)
    (folder / stream / "qp27.266").write_bytes(b"no stream")
    recon = "results/smoke/davis/reconstruct/cars-crossing/uniform/ra/qp27.mkv"
    done = run_in(folder, "snakemake", "--cores", "2", "--notemp", recon, *SMOKE)
    assert done.returncode != 0
    for word in ("rule reconstruct", "qp27.266", "logs/davis/reconstruct", "error:"):
        assert word in done.stderr, done.stderr[-3000:]
    assert not (folder / recon).exists()
    assert not list((folder / "results").rglob(".part-*"))
