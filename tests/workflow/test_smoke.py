"""The whole workflow on the smoke preset: it ends, is checked, and runs again only as needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from running import (
    ENCODE,
    RECONSTRUCT,
    SMOKE,
    Plans,
    copy_checkout,
    jobs,
    rules,
    run,
    run_in,
    setting,
)

from vcmflow.core.scores import read_scores, wide

pytestmark = pytest.mark.workflow

TABLES = ["table3", "table4", "table5", "table6", "table7", "accuracy", "sanity", "ablation"]
TABLES += ["against_all_railway_all", "against_all_railway_all_ai", "against_all_davis_all"]
TABLES += ["frontier", "losses_railway", "tracks_railway"]
FIGURES = ["fig4", "fig5", "fig6", "fig7", "fig8", "accuracy_m", "frontier", "time", "training"]


def planned(folder: Path, *config: str) -> set[str]:
    """The rules that Snakemake would run."""
    return set(rules(jobs(folder, *SMOKE, *config)))


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


def test_a_second_run_has_nothing_to_do_also_after_a_touch(smoke: Path) -> None:
    assert planned(smoke) == set()
    for path in (smoke / "workflow" / "vcmflow").rglob("*.py"):
        path.touch()
    (smoke / "models" / "faster_rcnn_mini.safetensors").touch()
    assert planned(smoke) == set()


# What depends on a stage, from the bottom up.
LAST = {"metrics", "provenance"}
OF_RAILWAY = {
    *("table3", "table4", "table5", "table7", "fig4", "fig5", "fig6", "accuracy_m"),
    *("rd_railway", "rate_scores_railway", "table_ablation", "frontier", "table_frontier"),
    *("table_against_all_railway_all", "table_against_all_railway_all_ai", "table_losses_railway"),
}
OF_DAVIS = {"table6", "fig7", "rd_davis", "rate_scores_davis", "table_against_all_davis_all"}
POOLED = {"table_accuracy", "table_sanity", "time"}
OF_BOTH = POOLED | {"score_sequence", "score_pool"} | LAST
SCORES = OF_RAILWAY | OF_DAVIS | OF_BOTH
# Reconstructions are temporary: whoever needs them again makes them again, and what else is
# computed from them follows.
AFTER = {"reconstruct_shown", "task"}
RANDOM_ACCESS = {"encode_vvenc_ra", "reconstruct_interpolation_vvenc_ra"}
ALL_INTRA = {"encode_vvenc_ai", "reconstruct_interpolation_vvenc_ai"}
SAMPLING = {"sample", "timeline_railway", "timeline_davis"} | RANDOM_ACCESS | ALL_INTRA
SAMPLING |= AFTER | SCORES
# One batch per dataset.
EMBED, TRACK = (
    {f"{rule}_{name}_000" for name in ("railway", "davis")} for rule in ("embed", "track")
)
BD = {"table3", "table4", "table7", "table_ablation"}
FITTED = BD | {name for name in OF_RAILWAY | OF_DAVIS if "against_all" in name}

# Key in params.yaml, new value, rules that run.
CHANGES: list[tuple[str, object, set[str]]] = [
    (
        "data.datasets.davis.title",
        "x",
        POOLED | {"fig8", "timeline_davis", "reconstruct_shown"} | OF_DAVIS | LAST,
    ),
    (
        "train.trainings.embedding.temperature",
        0.5,
        {"train", "training", "fig8", "complexity", "trajectory"} | EMBED | SAMPLING,
    ),
    (
        "embed.embeddings.random.seed",
        5,
        {"fig8", "trajectory", "table_ablation", "provenance"} | EMBED,
    ),
    (
        "track.tracker.score_threshold",
        0.5,
        {"complexity", "table_tracks_railway"} | TRACK | SAMPLING,
    ),
    ("sample.samplers.manifold.arc", "spline", {"trajectory"} | SAMPLING),
    # The all-intra codec is like the other one, but for what it says itself.
    ("encode.codecs.vvenc_ra.preset", "fast", ENCODE | RECONSTRUCT | AFTER | SCORES),
    ("encode.codecs.vvenc_ai.preset", "fast", ALL_INTRA | AFTER | OF_RAILWAY | OF_BOTH),
    ("encode.codecs.vvenc_ra.intra_period", 32, set()),
    ("encode.codecs.unused", {"codec": "x265"}, {"provenance"}),
    (
        "reconstruct.reconstructors.interpolation.reconstructor",
        "blend",
        RECONSTRUCT | {"reconstruct_interpolation_lossless"} | AFTER | SCORES,
    ),
    (
        "task.tasks.detection.score_threshold",
        0.2,
        {"task_source", "reconstruct_interpolation_lossless"}
        | RECONSTRUCT
        | AFTER
        | OF_RAILWAY
        | OF_BOTH,
    ),
    ("train.trainings.yolact_mini.steps", 10, {"provenance"}),
    ("score.interpolation", "akima", FITTED | LAST),
    ("tables.anchor", "all", BD | {"fig6", "fig7", "reconstruct_shown"} | LAST),
    ("figures.shown_point", 27, {"fig6", "fig7", "reconstruct_shown", "provenance"}),
]


@pytest.fixture(scope="module")
def plans(smoke: Path, request: pytest.FixtureRequest) -> Iterator[Plans]:
    """What the changes plan that are asked for, made side by side."""
    items = [getattr(item, "callspec", None) for item in request.session.items]
    asked = [call.params for call in items if call and "key" in call.params]
    found = Plans(smoke, [(*SMOKE, setting(call["key"], call["value"])) for call in asked])
    yield found
    found.close()


@pytest.mark.parametrize(("key", "value", "wanted"), CHANGES, ids=[key for key, *_ in CHANGES])
def test_one_parameter_reruns_what_depends_on_it_and_nothing_else(
    plans: Plans, key: str, value: object, wanted: set[str]
) -> None:
    assert set(rules(plans[(*SMOKE, setting(key, value))])) == wanted


def test_an_edit_of_a_module_reruns_the_jobs_that_it_can_change(smoke: Path) -> None:
    module = smoke / "workflow/vcmflow/encode/vvenc.py"
    before = module.read_text("utf-8")
    try:
        module.write_text(before + "\nEDITED = True\n", "utf-8")
        assert planned(smoke) == ENCODE | RECONSTRUCT | AFTER | SCORES
    finally:
        module.write_text(before, "utf-8")


def test_the_first_run_said_how_far_it_was(smoke: Path) -> None:
    lines = (smoke / "first-run.txt").read_text("utf-8")
    job = r"encode_vvenc_ra \S+ \(\d+\.\d s\)"
    assert re.search(rf"\d+ %  +\d+/\d+  {job}  elapsed \d+:\d\d  about", lines)


def test_another_seed_changes_every_number(smoke: Path, tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path)
    target = "results/smoke/railway/score/scores.csv"
    methods = ["uniform", "manifold", "uniform_ai"]
    railway = {"methods": methods, "tasks": []}
    change = setting("data", {"seed": 7, "datasets": {"railway": railway}})
    sweep = setting("sample.sweep", None)
    run(folder, "snakemake", "--cores", "all", target, *SMOKE, change, sweep)
    keys = ["scene", "method", "point"]
    ours, other = (
        table[table["method"].isin(methods)].set_index(keys)
        for root in (smoke, folder)
        for table in [wide(read_scores([root / target]), "scene")]
    )
    both = ours.merge(other, on=keys, suffixes=("", "_other"))
    assert len(both) == len(other) > 0
    for column in ("rate_bytes", "psnr", "ssim"):
        assert (both[column] != both[f"{column}_other"]).all(), column


def test_a_failure_names_the_rule_the_input_and_the_log_and_leaves_nothing(
    finished: Path,
) -> None:
    stream = finished / "results/smoke/davis/encode/cars-crossing/uniform/vvenc_ra/27.266"
    stream.write_bytes(b"no stream")
    chain = "results/smoke/davis/reconstruct/cars-crossing/uniform/vvenc_ra/interpolation"
    recon = f"{chain}/27.mkv"
    done = run_in(finished, "snakemake", "--cores", "2", "--notemp", recon, *SMOKE)
    assert done.returncode != 0
    wanted = "rule reconstruct_interpolation_vvenc_ra", "27.266", "logs/davis/reconstruct", "error:"
    for word in wanted:
        assert word in done.stderr, done.stderr[-3000:]
    assert not (finished / recon).exists()
    assert not list((finished / "results").rglob(".part-*"))
