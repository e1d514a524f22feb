"""``--option key=value``."""

from __future__ import annotations

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_options


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("k=0.5", 0.5),
        ("k=3", 3),
        ("k=chord", "chord"),
        ("k=true", True),
        ("k=null", None),
        ("k=", None),
        ("k=[1, 2]", [1, 2]),
        ("k=a=b:c=d", "a=b:c=d"),
        ("k='7'", "7"),
    ],
)
def test_values_are_yaml(pair, value):
    assert parse_options([pair]) == {"k": value}


def test_many_and_none():
    assert parse_options([]) == {}
    assert parse_options(["a=1", "b=2"]) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["radius"], "'radius' is not key=value"),
        (["=3"], "'=3' is not key=value"),
        (["a=1", "a=2"], "'a' is given twice"),
        (["a=[1"], "'a': '\\[1' is not a YAML value"),
        (["a=!!python/object/apply:os.getcwd []"], "is not a YAML value"),
    ],
)
def test_bad_options(pairs, message):
    with pytest.raises(VcmflowError, match=message):
        parse_options(pairs)
