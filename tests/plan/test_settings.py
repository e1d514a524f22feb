"""Parameters: defaults in step with the schema, overlays, and one-line errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vcmflow.core.errors import VcmflowError
from vcmflow.plan.settings import (
    PRESETS,
    difference,
    load_settings,
    overlay,
    presets,
    schema,
    validate,
)

ROOT = Path(__file__).parents[2]
PARAMS = ROOT / "params.yaml"


def drift(rules: dict[str, Any], values: dict[str, Any], path: str = "") -> list[str]:
    """Keys whose default in the schema is not the value in params.yaml."""
    wrong = []
    for key, rule in rules.get("properties", {}).items():
        where = f"{path}{key}"
        if "default" in rule and (key not in values or values[key] != rule["default"]):
            wrong.append(f"{where}: schema {rule['default']!r}, params {values.get(key)!r}")
        if isinstance(values.get(key), dict):
            wrong += drift(rule, values[key], f"{where}.")
    return wrong


def test_params_hold_exactly_the_defaults_of_the_schema() -> None:
    assert drift(schema(), yaml.safe_load(PARAMS.read_text("utf-8"))) == []


@pytest.mark.parametrize("preset", presets())
def test_every_preset_is_valid(preset: str) -> None:
    settings = load_settings(
        PARAMS, overlay(yaml.safe_load(PARAMS.read_text()), {"preset": preset})
    )
    assert settings["preset"] == preset


def test_the_command_line_wins_over_the_preset_and_the_preset_over_params() -> None:
    base = yaml.safe_load(PARAMS.read_text("utf-8"))
    smoke = yaml.safe_load((PRESETS / "smoke.yaml").read_text("utf-8"))
    plain = load_settings(PARAMS, overlay(base, {"preset": "smoke"}))
    assert plain["encode"]["qps"] == smoke["encode"]["qps"] != base["encode"]["qps"]
    given = load_settings(PARAMS, overlay(base, {"preset": "smoke", "encode": {"qps": [30, 40]}}))
    assert given["encode"]["qps"] == [30, 40]


def test_difference_is_the_inverse_of_overlay() -> None:
    base = {"a": 1, "b": {"c": 2, "d": [1]}}
    over = {"b": {"d": [1, 2]}, "e": None}
    assert difference(base, overlay(base, over)) == over
    assert difference(base, base) == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"preset": "mni"}, ["preset", "'mni'", "mini", "paper", "smoke"]),
        ({"encod": {}}, ["unknown key 'encod'", "did you mean 'encode'"]),
        ({"encode": {"qp": [22]}}, ["encode", "unknown key 'qp'", "did you mean 'qps'"]),
        ({"encode": {"qps": [22, 64]}}, ["encode.qps.1", "64", "0..63"]),
        ({"encode": {"qps": [22, -1]}}, ["encode.qps.1", "-1", "0..63"]),
        ({"encode": {"qps": []}}, ["encode.qps", "at least 1"]),
        ({"encode": {"qps": [22, 22]}}, ["encode.qps", "differ"]),
        ({"encode": {"qps": ["x"]}}, ["encode.qps.0", "'x'", "integer"]),
        ({"data": {"seed": "x"}}, ["data.seed", "'x'", "integer"]),
        ({"data": {"width": 8}}, ["data.width", "8", "64..4112"]),
        ({"data": {"datasets": {"railway": {"keep_every": 0}}}}, ["keep_every", "0", "at least 1"]),
        ({"data": {"datasets": {"railway": {"modes": ["xx"]}}}}, ["modes.0", "'xx'", "ra, ai"]),
        (
            {"sample": {"samplers": {"Bad Name": {"method": "all"}}}},
            ["'Bad Name'", "does not match"],
        ),
    ],
)
def test_a_bad_value_is_one_line_that_names_key_value_and_what_is_allowed(
    change: dict[str, Any], words: list[str]
) -> None:
    base = yaml.safe_load(PARAMS.read_text("utf-8"))
    with pytest.raises(VcmflowError) as caught:
        load_settings(PARAMS, overlay(base, change))
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


def test_validate_reports_the_shallowest_problem() -> None:
    rules = {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}},
        "additionalProperties": False,
    }
    with pytest.raises(VcmflowError, match="unknown key 'z'"):
        validate({"a": {"b": "x"}, "z": 1}, rules)


def test_text_from_the_command_line_gets_its_type_back() -> None:
    base = yaml.safe_load(PARAMS.read_text("utf-8"))
    given = {
        "encode": {"qps": ["27", "42"], "preset": "fast", "options": {"gop_size": "16"}},
        "sample": {"sweep": "null"},
        "data": {
            "seed": "7",
            "datasets": {"railway": {"keep_every": "2", "title": "2024", "classes": {"a": "car"}}},
        },
        "task": {"detection": {"weights": "null"}},
    }
    settings = load_settings(PARAMS, overlay(base, given))
    assert settings["encode"]["qps"] == [27, 42]
    assert settings["encode"]["options"] == {"gop_size": 16}
    assert settings["sample"]["sweep"] is None
    assert settings["task"]["detection"]["weights"] is None
    assert settings["data"]["seed"] == 7
    assert settings["data"]["datasets"]["railway"]["keep_every"] == 2
    assert settings["data"]["datasets"]["railway"]["title"] == "2024"
