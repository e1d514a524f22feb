"""Registries find, build and refuse; every entry of every registry exists."""

from __future__ import annotations

import sys
from typing import Literal

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import Entry, build, check_names, lookup
from vcmflow.encode.registry import CODECS
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.task.registry import DETECTORS, SEGMENTERS

HERE = {"options": Entry("vcmflow.core.options:parse_options")}


def test_an_entry_is_found():
    assert lookup(HERE, "options", "parser")(["a=1"]) == {"a": 1}


def test_an_unknown_name_lists_what_there_is():
    registry = {"b": Entry("nowhere:b"), "a": Entry("nowhere:a")}
    with pytest.raises(VcmflowError, match="unknown codec 'c'; allowed: a, b"):
        lookup(registry, "c", "codec")


def test_only_the_entry_asked_for_is_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "vcmflow.core.options")
    lookup({**HERE, "broken": Entry("vcmflow.no_such_module:build")}, "options", "parser")
    assert "vcmflow.core.options" in sys.modules


def test_options_reach_the_builder_and_others_are_refused():
    blend = build(RECONSTRUCTORS, "flow", "reconstructor", {"preset": "fast"}, tolerance=2.0)
    assert hasattr(blend, "interpolate")
    with pytest.raises(VcmflowError, match="'blend' has no option 'x'; allowed: none"):
        build(RECONSTRUCTORS, "blend", "reconstructor", {"x": 1})
    with pytest.raises(VcmflowError, match="no option 'tolerance'; allowed: preset"):
        build(RECONSTRUCTORS, "flow", "reconstructor", {"tolerance": 1}, tolerance=2.0)


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        (name, registry)
        for registry in (CODECS, RECONSTRUCTORS, DETECTORS, SEGMENTERS)
        for name in sorted(registry)
    ],
)
def test_every_entry_exists(name, registry):
    assert callable(lookup(registry, name, "entry"))


def thing(*, arc: Literal["chord", "spline"] = "chord", weight: float = 1.0) -> tuple[str, float]:
    return arc, weight


THINGS = {"thing": Entry(f"{__name__}:thing")}


def test_options_have_the_types_that_the_builder_says():
    assert build(THINGS, "thing", "thing", {"weight": "2"}) == ("chord", 2.0)
    with pytest.raises(VcmflowError, match="option arc is 'x'; allowed: 'chord' or 'spline'"):
        build(THINGS, "thing", "thing", {"arc": "x"})
    with pytest.raises(VcmflowError, match="thing 'thing': option weight is 'heavy'; allowed:"):
        build(THINGS, "thing", "thing", {"weight": "heavy"})


def test_the_plan_checks_names_without_importing(monkeypatch):
    monkeypatch.delitem(sys.modules, "vcmflow.task.faster_rcnn_mini", raising=False)
    check_names(DETECTORS, "faster_rcnn_mini", "model", [], ["weights", "device"])
    with pytest.raises(VcmflowError, match="no option 'wieghts'"):
        check_names(DETECTORS, "faster_rcnn_mini", "model", ["wieghts"], ["device"])
    assert "vcmflow.task.faster_rcnn_mini" not in sys.modules
