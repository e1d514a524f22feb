"""Names of any kind become file-safe ids, reversibly and without collision."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.data.ids import ID_PATTERN, to_id

NAMES = st.text(
    st.one_of(
        st.sampled_from("x-_. ab/'\"ä日\n20"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    min_size=1,
    max_size=14,
)


def from_id(identifier: str) -> str:
    """The name that an id was made from."""
    body = re.sub(r"^x(?=--[0-9a-f]{2})", "", identifier).encode("ascii")
    return os.fsdecode(re.sub(rb"--(..)", lambda escape: bytes.fromhex(escape[1].decode()), body))


@given(NAMES)
@example("x y")
@example(" y")
@example("x--20y")
@example("-")
@example("a---20")
@example("--2d")
@example("x--78")
def test_a_name_comes_back_from_its_id(name: str) -> None:
    identifier = to_id(name)
    assert ID_PATTERN.fullmatch(identifier)
    assert from_id(identifier) == name


@given(st.lists(NAMES, min_size=2, max_size=30, unique=True))
def test_no_two_names_share_an_id(names: list[str]) -> None:
    assert len({to_id(name) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["1_calibration_1.1", "bike-packing", "x264.v2", "A", "7"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert to_id(name) == name


def test_bytes_that_are_no_text_survive() -> None:
    name = b"clip\xff".decode("utf-8", "surrogateescape")
    assert from_id(to_id(name)) == name


def test_names_without_an_id_are_refused() -> None:
    with pytest.raises(VcmflowError, match="empty"):
        to_id("")
    with pytest.raises(VcmflowError, match="too long"):
        to_id("日" * 60)
