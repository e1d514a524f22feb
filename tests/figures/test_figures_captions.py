"""The report's captions: they render from the settings of every preset, and say what they must."""

from __future__ import annotations

import copy
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined
from snakemake.iocontainers import Params, Wildcards

from vcmflow.config.load import load_settings, plain, presets
from vcmflow.figures.registry import FIGURES
from vcmflow.tables.registry import TABLES

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "workflow" / "report"
CAPTIONS = sorted(path.stem for path in REPORT.glob("*.rst") if path.stem != "workflow")


pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@cache
def loaded(preset: str) -> dict[str, Any]:
    return plain(load_settings(ROOT / "params.yaml", {"preset": preset}))


def settings(preset: str = "mini") -> dict[str, Any]:
    return copy.deepcopy(loaded(preset))


def render(name: str, config: dict[str, Any], params: dict[str, Any]) -> str:
    """Render as Snakemake does, but undefined names and warnings of docutils are errors."""
    environment = Environment(  # noqa: S701 (as Snakemake: the text is reStructuredText, not HTML)
        trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    snakemake = SimpleNamespace(
        config=config, params=Params(fromdict=params), wildcards=Wildcards(fromdict={})
    )
    text = environment.from_string((REPORT / f"{name}.rst").read_text("utf-8")).render(
        snakemake=snakemake, categories={}, files=[]
    )
    html = publish_parts(
        text,
        writer_name="html",
        settings_overrides={"halt_level": 2, "report_level": 2, "_disable_config": True},
    )["html_body"]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


NAMES = {*FIGURES, *(f"table{name}" if name.isdigit() else name for name in TABLES)}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_figure_and_table_has_a_caption(name: str) -> None:
    assert name in CAPTIONS


@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("name", [*CAPTIONS, "workflow"])
def test_captions_render_from_every_preset(name: str, preset: str) -> None:
    if name == "accuracy_m" and not loaded(preset)["sample"]["sweep"]:
        pytest.skip("this preset has no sweep, so that the figure is not drawn")
    text = render(name, settings(preset), {})
    assert len(text) > 150
    assert not re.search(r"[{}]|%}|None|Undefined", text), text


@pytest.mark.parametrize(
    "name", ["fig4", "fig5", "table3", "table5", "table6", "rd", "rate_scores", "compare"]
)
def test_captions_follow_the_settings(name: str) -> None:
    changed = settings()
    changed["encode"]["ladder"] = [23, 33, 43]
    changed["encode"]["codecs"]["vvenc_ai"]["ladder"] = None
    for codec in changed["encode"]["codecs"].values():
        codec["preset"] = "medium"
    changed["data"]["datasets"]["railway"]["keep_every"] = 7
    changed["data"]["datasets"]["davis"]["keep_every"] = 7
    text = render(name, changed, {"frames": 4711})
    assert "QP 23, 33, 43" in text
    assert "preset medium" in text
    assert "⌊n/7⌋ + 1" in text
    if name.startswith(("fig", "table")):
        assert "n = 4711" in text


@pytest.mark.parametrize(
    "name", [c for c in CAPTIONS if c not in ("time", "training_models", "sanity")] + ["workflow"]
)
def test_synthetic_data_is_called_so_and_real_data_is_not(name: str) -> None:
    made = settings()
    assert "synthetic" in render(name, made, {})
    for dataset in made["data"]["datasets"].values():
        dataset["synthetic"] = False
    made["train"]["trainings"]["embedding"]["videos"] = "data/kinetics"
    made["figures"]["embeddings"] = ["imagenet", "learned"]
    assert "synthetic" not in render(name, made, {})


def test_a_caption_of_one_dataset_names_no_other() -> None:
    text = render("rd", settings(), {"datasets": ["davis"]})
    assert "(davis;" in text
    assert "railway" not in text


def test_the_dataset_of_a_table_may_be_left_to_the_first_in_use() -> None:
    open_choice = settings()
    open_choice["tables"]["detection"] = None
    assert "railway" in render("table3", open_choice, {})


def test_the_comparison_names_its_anchor_codecs_and_tasks() -> None:
    text = render("compare", settings("compare"), {})
    assert "against all" in text
    for name in ("vvenc_ra", "av1"):
        codec = settings("compare")["encode"]["codecs"][name]
        assert f"{codec['title']}: {codec['codec']}" in text
    assert ", ".join(map(str, settings("compare")["encode"]["codecs"]["av1"]["ladder"])) in text
    assert "Task by_segmenter: detection by yolact_mini" in text
    assert "all-intra" not in text


def test_importance_names_its_anchor_maps_networks_and_tasks() -> None:
    text = render("importance", settings("importance"), {})
    assert "against x265" in text
    assert "PLIS: map plis of the network proxy_mini" in text
    assert "texture: map texture," in text
    assert "Task segmentation: segmentation by yolact_mini" in text


@pytest.mark.parametrize("name", ["fig4", "fig6", "table3", "table5", "compare", "importance"])
def test_pseudo_ground_truth_is_owned_up_to(name: str) -> None:
    text = render(name, settings(), {"note": "parkour (real data, pseudo ground truth)"})
    assert "what the same model finds on the uncompressed frames" in text
    assert "what the same model finds" not in render(name, settings(), {"note": "real data"})
