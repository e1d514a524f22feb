"""Parameters: defaults in step with their models, overlays, and one-line errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from vcmflow.config.load import PRESETS, check, difference, load_settings, overlay, presets, resolve
from vcmflow.config.models import Settings
from vcmflow.config.reference import page
from vcmflow.core.errors import VcmflowError

ROOT = Path(__file__).parents[2]
PARAMS = ROOT / "params.yaml"


def params() -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load(PARAMS.read_text("utf-8"))
    return value


def drift(model: type[BaseModel], values: dict[str, Any], path: str = "") -> list[str]:
    """Keys of params.yaml's sections whose value is not the default of their model."""
    wrong = []
    for name, field in model.model_fields.items():
        where = f"{path}{name}"
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            wrong += drift(inner, values.get(name, {}), f"{where}.")
        elif not field.is_required() and name in values:
            default = field.get_default(call_default_factory=True)
            # Mappings of instances begin empty.
            if default not in (None, {}) and values[name] != default:
                wrong.append(f"{where}: default {default!r}, params {values[name]!r}")
    return wrong


def test_params_hold_the_defaults_of_the_models() -> None:
    assert drift(Settings, params()) == []


def test_the_reference_page_is_that_of_the_models() -> None:
    assert (ROOT / "docs" / "parameters.md").read_text("utf-8") == page()


def test_the_reference_page_has_every_key() -> None:
    text = page()
    for key in ("encode.codecs.<name>", "methods.<name>", "`keep_every`", "`sequences_per_job`"):
        assert key in text


@pytest.mark.parametrize("preset", presets())
def test_every_preset_is_valid(preset: str) -> None:
    assert load_settings(PARAMS, overlay(params(), {"preset": preset})).preset == preset


def test_the_command_line_wins_over_the_preset_and_the_preset_over_params() -> None:
    base = params()
    smoke = yaml.safe_load((PRESETS / "smoke.yaml").read_text("utf-8"))
    plain = load_settings(PARAMS, overlay(base, {"preset": "smoke"}))
    assert plain.encode.ladder == smoke["encode"]["ladder"] != base["encode"]["ladder"]
    given = load_settings(
        PARAMS, overlay(base, {"preset": "smoke", "encode": {"ladder": [30, 40]}})
    )
    assert given.encode.ladder == [30, 40]


def test_difference_is_the_inverse_of_overlay() -> None:
    base = {"a": 1, "b": {"c": 2, "d": [1]}}
    over = {"b": {"d": [1, 2]}, "e": None}
    assert difference(base, overlay(base, over)) == over
    assert difference(base, base) == {}


def test_an_instance_is_like_another_and_follows_a_preset() -> None:
    change = {"encode": {"codecs": {"vvenc_ra": {"preset": "slow"}, "x": {"like": "vvenc_ai"}}}}
    codecs = load_settings(PARAMS, overlay(params(), change)).encode.codecs
    assert codecs["vvenc_ai"].options == {"structure": "ai", "preset": "slow", "intra_period": 32}
    assert codecs["x"] == codecs["vvenc_ai"]
    assert codecs["vvenc_ra"].options["structure"] == "ra"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"preset": "mni"}, ["preset", "'mni'", "mini", "paper", "smoke"]),
        ({"encod": {}}, ["unknown key 'encod'", "did you mean 'encode'"]),
        ({"encode": {"lader": [22]}}, ["encode", "unknown key 'lader'", "did you mean 'ladder'"]),
        ({"encode": {"ladder": []}}, ["encode.ladder", "at least 1"]),
        ({"encode": {"ladder": [22, 22]}}, ["encode.ladder", "differ"]),
        ({"encode": {"ladder": [42, 22]}}, ["encode.ladder", "ascending"]),
        ({"encode": {"ladder": ["x"]}}, ["encode.ladder.0", "'x'", "a valid number"]),
        ({"encode": {"codecs": {"x": {"like": "y"}}}}, ["encode.codecs.x.like", "'y'", "vvenc_ra"]),
        ({"encode": {"codecs": {"x": {"like": "x"}}}}, ["encode.codecs.x.like", "'x'"]),
        ({"data": {"seed": "x"}}, ["data.seed", "'x'", "integer"]),
        ({"data": {"width": 8}}, ["data.width", "8", "64..4112"]),
        ({"data": {"datasets": {"railway": {"keep_every": 0}}}}, ["keep_every", "0", "at least 1"]),
        ({"data": {"datasets": {"railway": {"task": "x"}}}}, ["unknown key 'task'", "tasks"]),
        ({"methods": {"x": {"sampler": "all"}}}, ["methods.x", "'codec' is missing"]),
        ({"score": {"interpolation": "x"}}, ["score.interpolation", "'x'", "pchip, akima, cubic"]),
        ({"sample": {"samplers": {"Bad Name": {"sampler": "all"}}}}, ["'Bad Name'", "not match"]),
    ],
)
def test_a_bad_value_is_one_line_that_names_key_value_and_what_is_allowed(
    change: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(VcmflowError) as caught:
        load_settings(PARAMS, overlay(params(), change))
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_a_broken_params_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    for text in ("a: [1", "- a", "\x00"):
        path.write_text(text)
        with pytest.raises(VcmflowError, match=r"params\.yaml") as caught:
            load_settings(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(VcmflowError, match="no such file"):
        load_settings(tmp_path / "none.yaml")


def test_the_shallowest_problem_is_reported() -> None:
    values = overlay(resolve(PARAMS), {"encode": {"ladder": ["x"]}, "z": 1})
    with pytest.raises(VcmflowError, match="unknown key 'z'"):
        check(values)


def test_text_from_the_command_line_gets_its_type_back() -> None:
    given = {
        "encode": {
            "ladder": ["27", "42"],
            "codecs": {"vvenc_ra": {"preset": "fast", "gop_size": "16", "picture_hash": "true"}},
        },
        "sample": {"sweep": "null"},
        "data": {
            "seed": "7",
            "datasets": {"railway": {"keep_every": "2", "title": "2024", "classes": {"a": "car"}}},
        },
        "task": {"tasks": {"detection": {"weights": "null"}}},
    }
    settings = load_settings(PARAMS, overlay(params(), given))
    assert settings.encode.ladder == [27, 42]
    options = settings.encode.codecs["vvenc_ra"].options
    assert (options["gop_size"], options["picture_hash"], options["preset"]) == (16, True, "fast")
    assert settings.sample.sweep is None
    assert settings.task.tasks["detection"].weights is None
    assert settings.data.seed == 7
    assert settings.data.datasets["railway"].keep_every == 2
    assert settings.data.datasets["railway"].title == "2024"
