"""What a plan costs: units, sums, and what is left out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from planning import plan

from vcmflow.core.errors import VcmflowError
from vcmflow.data.catalogue import Entry, read_catalogue
from vcmflow.encode.registry import CODECS
from vcmflow.plan.estimate import (
    COLUMNS,
    COSTS,
    Cost,
    Estimate,
    estimate,
    frame_size,
    read_costs,
)
from vcmflow.plan.jobs import Plan

ROOT = Path(__file__).parents[2]
HIGHRES = "3_fire_site_3.2-rgb_highres_center"


@pytest.fixture(scope="module")
def paper() -> Plan:
    return plan("paper")


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Entry]:
    return read_catalogue(ROOT / "data" / "datasets.csv")


def of(
    paper: Plan,
    jobs: list[tuple[str, dict[str, str]]],
    costs: dict[tuple[str, str], list[Cost]],
    **more: Any,
) -> Estimate:
    return estimate(jobs, paper, more.pop("catalogue", {}), {}, costs, **more)


def test_a_job_costs_its_frames_megapixels_and_start(paper: Any) -> None:
    job = {"dataset": "osdar23", "sequence": HIGHRES, "sampler": "uniform"}
    costs = {
        ("job", ""): [Cost("job", 1.0, 0.0, 5.0)],
        ("encode", "vvenc medium ra"): [Cost("megapixel", 2.0, 0.0, 10.0), Cost("frame", 3, 7, 0)],
    }
    found = of(paper, [("encode_vvenc_ra", job)], costs)
    frames = 4 * 6  # m = 10 // 3 + 1 at six QPs
    area = 4112 * 2504 / 1e6
    assert found.jobs == 1
    assert found.cpu_seconds == pytest.approx(1 + frames * (2 * area + 3))
    assert found.gpu_seconds == pytest.approx(frames * 7)
    assert found.results == pytest.approx(5 + frames * area * 10)
    assert not found.unknown


def test_interpolation_costs_the_dropped_frames_only(paper: Any) -> None:
    job = {"dataset": "osdar23", "sequence": HIGHRES}
    rule = "reconstruct_interpolation_vvenc_ra"
    costs = {
        ("interpolate", "ema_vfi"): [Cost("frame", 0, 1, 0)],
        ("decode", ""): [],
        ("job", ""): [],
    }
    for sampler, dropped in (("uniform", 6), ("all", 0)):
        found = of(paper, [(rule, job | {"sampler": sampler})], costs)
        assert found.gpu_seconds == 6 * dropped
    swept = job | {"sampler": "uniform-n5"}
    assert of(paper, [(f"{rule}_32", swept)], costs).gpu_seconds == 10 - 3


def test_what_no_row_knows_is_named(paper: Any) -> None:
    job = {"dataset": "osdar23", "sequence": HIGHRES}
    found = of(paper, [("track", job)], {})
    assert "track with faster_rcnn_x101" in found.unknown
    assert "track with faster_rcnn_x101" in "\n".join(found.lines())


def test_a_download_counts_until_it_is_there(paper: Any, catalogue: Any, tmp_path: Path) -> None:
    jobs = [("download", {"entry": name}) for name in ("davis2017", "kinetics400-train")]
    found = of(paper, jobs, {}, catalogue=catalogue, data=tmp_path)
    assert found.download == 832_766_765 + 376_000_000_000
    assert found.largest == 832_766_765  # a list of archives is unpacked one by one
    (tmp_path / "davis2017").mkdir()
    found = of(paper, jobs, {}, catalogue=catalogue, data=tmp_path)
    assert found.download == 376_000_000_000


def test_pretraining_counts_every_picture_of_every_epoch(paper: Any, catalogue: Any) -> None:
    costs = {("pretrain", ""): [Cost("picture", 0, 1, 0)]}
    found = of(paper, [("train", {"training": "embedding"})], costs, catalogue=catalogue)
    assert found.gpu_seconds == pytest.approx(100 * 240_258 / 64 * 256)


def test_a_further_training_counts_by_its_own_options(catalogue: Any) -> None:
    short = {"like": "embedding", "epochs": 10, "negatives": 64}
    found = plan("paper", {"train": {"trainings": {"short": short}}})
    costs = {("pretrain", ""): [Cost("picture", 0, 1, 0)]}
    jobs = [("train", {"training": "short"})]
    assert of(found, jobs, costs, catalogue=catalogue).gpu_seconds == pytest.approx(
        10 * 240_258 / 64 * 192
    )


def test_a_working_height_scales_both_sides() -> None:
    datasets = {"davis2017": {"height": 240}}
    change = {"data": {"use": ["davis2017"], "datasets": datasets}}
    dataset = plan("paper", change).grid["davis2017"]
    assert frame_size(dataset, dataset.sequences["parkour"], (1, 1)) == (427, 240)


def test_the_stored_costs_cover_the_paper_preset(paper: Plan) -> None:
    settings = paper.settings
    costs = read_costs(COSTS)
    models = {("encode", f"vvenc medium {structure}") for structure in ("ra", "ai")}
    models |= {("task", task.model) for task in settings.task.tasks.values()}
    models |= {("track", settings.track.detector.detector), ("pretrain", ""), ("fidelity", "")}
    rebuild = settings.reconstruct.reconstructors["interpolation"].reconstructor
    models |= {("interpolate", rebuild), ("frames", "")}
    assert models <= set(costs)
    for work, model in costs:
        assert work != "encode" or model.split()[0] in CODECS


def test_the_rows_of_one_work_add_up_and_say_what_they_rest_on(paper: Any) -> None:
    job = {"dataset": "osdar23", "sequence": HIGHRES}
    costs = {
        ("job", ""): [Cost("job", 1, 0, 0, 0, "guessed")],
        ("job", "network"): [Cost("job", 3600, 0, 0, 0, "measured")],
        ("track", "faster_rcnn_x101"): [
            Cost("frame", 360, 0, 0, 0, "measured"),
            Cost("frame", 0, 720, 0, 0, "published"),
            Cost("frame", 0, 0, 0, 7200, "measured"),
        ],
    }
    found = of(paper, [("track", job)], costs)  # ten frames
    assert found.cpu_seconds == 2 * 3600
    assert found.without_gpu_seconds == 20 * 3600
    assert found.by_basis == {"measured": (7200, 0), "published": (0, 7200)}
    text = "\n".join(found.lines())
    assert "CPU        2.0 h of one core: 2.0 h measured" in text
    assert "GPU        2.0 h of one GPU: 2.0 h published" in text
    assert "no GPU     20 h of one core more" in text


def test_a_stored_cost_names_its_basis_and_its_source() -> None:
    with COSTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert all(row["source"] for row in rows)
    for row in rows:
        assert row["basis"] != "derived" or "counted" in row["source"] or float(row["bytes"])


HEADER = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("job,,hour,1,1,1,1,guessed,x", "line 2: unit is 'hour'; allowed: job, frame"),
        ("job,,job,,1,1,1,guessed,x", "line 2: a number is missing"),
        ("job,,job,-1,1,1,1,guessed,x", "line 2: a number is below 0"),
        ("job,,job,1,1,1,inf,guessed,x", "line 2: a number is below 0 or not finite"),
        ("job,,job,1,1,1,1,dreamt,x", "line 2: basis is 'dreamt'; allowed: measured"),
        ('"job,,job,1', "not a CSV file"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, words: str) -> None:
    table = tmp_path / "costs.csv"
    table.write_text(f"{HEADER}\n{row}\n", "utf-8")
    with pytest.raises(VcmflowError, match=words):
        read_costs(table)


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text("work,model\n", "utf-8")
    with pytest.raises(VcmflowError, match="columns have to be work, model"):
        read_costs(tmp_path / "costs.csv")
