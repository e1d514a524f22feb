"""Files are written whole or not at all, and JSON is stable."""

from __future__ import annotations

import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, record, whole_file, write_json


def test_a_whole_file_appears_with_its_folders(tmp_path):
    path = tmp_path / "a" / "b" / "out.csv"
    with whole_file(path) as temporary:
        assert temporary.suffix == ".csv"
        assert temporary.parent == path.parent
        temporary.write_text("x\n")
        assert not path.exists()
    assert path.read_text() == "x\n"
    assert sorted(path.parent.iterdir()) == [record(path), path]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old\n")

    def fail():
        with whole_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        fail()
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_the_file_as_any_other(tmp_path):
    (tmp_path / "plain").write_text("")
    with whole_file(tmp_path / "whole") as temporary:
        temporary.write_text("")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "whole")]
    assert modes[0] == modes[1]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(VALUES)
def test_json_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(path, value)
    assert read_json(path) == value
    assert path.read_bytes().endswith(b"\n")


def test_json_is_readable_text(tmp_path):
    write_json(tmp_path / "v.json", {"b": 1, "a": "Süd"})
    assert (tmp_path / "v.json").read_text("utf-8") == '{\n "b": 1,\n "a": "Süd"\n}\n'


def test_json_that_others_cannot_read_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "v.json", {"psnr": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1,]"])
def test_what_is_no_json(tmp_path, content):
    (tmp_path / "v.json").write_bytes(content)
    with pytest.raises(VcmflowError, match=r"v\.json: not a JSON file"):
        read_json(tmp_path / "v.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(VcmflowError, match=r"v\.json: no such file"):
        read_json(tmp_path / "v.json")
    assert json.loads("[]") == []
