"""Registries find, build and refuse; every entry of every registry exists."""

from __future__ import annotations

import sys

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build, lookup
from vcmflow.encode.registry import CODECS
from vcmflow.reconstruct.registry import INTERPOLATORS
from vcmflow.task.registry import DETECTORS, SEGMENTERS

HERE = {"options": "vcmflow.core.options:parse_options"}


def test_an_entry_is_found():
    assert lookup(HERE, "options", "parser")(["a=1"]) == {"a": 1}


def test_an_unknown_name_lists_what_there_is():
    registry = {"b": "nowhere:b", "a": "nowhere:a"}
    with pytest.raises(VcmflowError, match="unknown codec 'c'; allowed: a, b"):
        lookup(registry, "c", "codec")


def test_only_the_entry_asked_for_is_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "vcmflow.core.options")
    lookup({**HERE, "broken": "vcmflow.no_such_module:build"}, "options", "parser")
    assert "vcmflow.core.options" in sys.modules


def test_options_reach_the_builder_and_others_are_refused():
    blend = build(INTERPOLATORS, "flow", "interpolator", {"preset": "fast"}, tolerance=2.0)
    assert hasattr(blend, "interpolate")
    with pytest.raises(VcmflowError, match="interpolator 'blend' has no option 'x'; allowed: none"):
        build(INTERPOLATORS, "blend", "interpolator", {"x": 1})
    with pytest.raises(VcmflowError, match="no option 'tolerance'; allowed: preset"):
        build(INTERPOLATORS, "flow", "interpolator", {"tolerance": 1}, tolerance=2.0)


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        (name, registry)
        for registry in (CODECS, INTERPOLATORS, DETECTORS, SEGMENTERS)
        for name in sorted(registry)
    ],
)
def test_every_entry_exists(name, registry):
    assert callable(lookup(registry, name, "entry"))
