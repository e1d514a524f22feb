"""What a plan costs: units, sums, and what is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vcmflow.data.catalogue import Entry, read_catalogue
from vcmflow.encode.registry import CODECS
from vcmflow.errors import VcmflowError
from vcmflow.plan.estimate import COSTS, Cost, Estimate, estimate, frame_size, read_costs
from vcmflow.plan.grid import Dataset, build_grid
from vcmflow.plan.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
HIGHRES = "3_fire_site_3.2-rgb_highres_center"


@pytest.fixture(scope="module")
def paper() -> tuple[Settings, dict[str, Dataset]]:
    settings = load_settings(ROOT / "params.yaml", {"preset": "paper"})
    return settings, build_grid(settings)


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Entry]:
    return read_catalogue(ROOT / "data" / "datasets.csv")


def of(
    paper: tuple[Settings, dict[str, Dataset]],
    jobs: list[tuple[str, dict[str, str]]],
    costs: dict[tuple[str, str], list[Cost]],
    **more: Any,
) -> Estimate:
    settings, grid = paper
    return estimate(jobs, settings, grid, more.pop("catalogue", {}), {}, costs, **more)


def test_a_job_costs_its_frames_megapixels_and_start(paper: Any) -> None:
    job = {"dataset": "osdar23", "sequence": HIGHRES, "sampler": "uniform", "mode": "ra"}
    costs = {
        ("job", ""): [Cost("job", 1.0, 0.0, 5.0)],
        ("encode", "vvenc medium ra"): [Cost("megapixel", 2.0, 0.0, 10.0), Cost("frame", 3, 7, 0)],
    }
    found = of(paper, [("encode", job)], costs)
    frames = 4 * 6  # m = 10 // 3 + 1 at six QPs
    area = 4112 * 2504 / 1e6
    assert found.jobs == 1
    assert found.cpu_seconds == pytest.approx(1 + frames * (2 * area + 3))
    assert found.gpu_seconds == pytest.approx(frames * 7)
    assert found.results == pytest.approx(5 + frames * area * 10)
    assert not found.unknown


def test_interpolation_costs_the_dropped_frames_only(paper: Any) -> None:
    job = {"dataset": "osdar23", "sequence": HIGHRES, "mode": "ra"}
    costs = {
        ("interpolate", "ema_vfi"): [Cost("frame", 0, 1, 0)],
        ("decode", ""): [],
        ("job", ""): [],
    }
    for sampler, dropped in (("uniform", 6), ("all", 0)):
        found = of(paper, [("reconstruct", job | {"sampler": sampler})], costs)
        assert found.gpu_seconds == 6 * dropped
    swept = job | {"swept": "uniform-n5", "qp": "32"}
    assert of(paper, [("reconstruct_swept", swept)], costs).gpu_seconds == 10 - 3


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
    found = of(paper, [("pretrain", {})], costs, catalogue=catalogue)
    assert found.gpu_seconds == pytest.approx(100 * 240_258 / 64 * 256)


def test_a_working_height_scales_both_sides(paper: Any) -> None:
    settings, _ = paper
    settings = load_settings(
        ROOT / "params.yaml",
        {"preset": "paper", "data": settings["data"] | {"use": ["davis2017"]}},
    )
    settings["data"]["datasets"]["davis2017"]["height"] = 240
    dataset = build_grid(settings)["davis2017"]
    assert frame_size(dataset, dataset.sequences["parkour"], (1, 1)) == (427, 240)


def test_the_stored_costs_cover_the_paper_preset(paper: Any) -> None:
    settings, grid = paper
    costs = read_costs(COSTS)
    models = {("encode", f"vvenc {settings['encode']['preset']} {mode}") for mode in ("ra", "ai")}
    models |= {("task", settings["task"][data.task]["model"]) for data in grid.values()}
    models |= {("track", settings["track"]["model"]), ("pretrain", ""), ("fidelity", "")}
    models |= {("interpolate", settings["reconstruct"]["interpolator"]), ("frames", "")}
    assert models <= set(costs)
    for work, model in costs:
        assert work != "encode" or model.split()[0] in CODECS


@pytest.mark.parametrize("row", ["job,,hour,1,1,1,x", "job,,job,,1,1,x", "job,,job,-1,1,1,x"])
def test_a_wrong_row_is_named(tmp_path: Path, row: str) -> None:
    table = tmp_path / "costs.csv"
    table.write_text(f"work,model,unit,cpu_seconds,gpu_seconds,bytes,source\n{row}\n", "utf-8")
    with pytest.raises(VcmflowError, match="line 2"):
        read_costs(table)
