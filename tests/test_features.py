"""Features travel in .npz files, frame by frame, as they are."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import read_features, write_features

KINDS = st.sampled_from([np.float32, np.float16, np.int64, np.uint8, np.bool_, np.dtype(">i2")])
ARRAYS = arrays.arrays(KINDS, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))
NAMES = st.text("abcXYZ019_.-", min_size=1, max_size=8).filter(lambda name: name[0] not in ".-")


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(st.dictionaries(NAMES, ARRAYS, min_size=1, max_size=3), min_size=1))
def test_what_goes_in_comes_out(frames: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "features.npz"
    assert write_features(path, iter(frames)) == len(frames)
    first = path.read_bytes()
    read = list(read_features(path))
    assert [set(frame) for frame in read] == [set(frame) for frame in frames]
    for one, other in zip(frames, read, strict=True):
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])
            assert (array.dtype, array.shape) == (other[name].dtype, other[name].shape)
    write_features(path, read)
    assert path.read_bytes() == first
    with np.load(path) as loaded:
        assert len(loaded.files) == sum(map(len, frames))


def test_order_of_names_and_of_memory_do_not_show(tmp_path: Path) -> None:
    table = np.arange(12.0).reshape(3, 4)
    write_features(tmp_path / "a.npz", [{"x": table, "y": np.ones(2)}])
    write_features(tmp_path / "b.npz", [{"y": np.ones(2), "x": np.asfortranarray(table)}])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no features to write"),
        ([{"x": np.ones(1)}, {}], "frame 1 has no features"),
        ([{"../x": np.ones(1)}], "feature '../x' of float64; allowed: arrays of numbers"),
        ([{"x": np.array([object()])}], "feature 'x' of object"),
    ],
)
def test_what_cannot_be_written_leaves_no_file(tmp_path: Path, frames: Any, message: str) -> None:
    with pytest.raises(VcmflowError, match=message):
        write_features(tmp_path / "f.npz", frames)
    assert list(tmp_path.iterdir()) == []


def packed(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def array(value: Any, *, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, value, allow_pickle=allow_pickle)
    return file.getvalue()


ONE = array(np.ones(3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no zip", "not a file of features"),
        (packed(), "holds no features"),
        (packed(**{"x.npy": ONE}), "unexpected member 'x.npy'"),
        (packed(**{"000001/x.npy": ONE}), "unexpected member '000001/x.npy'"),
        (packed(**{"000000/x.npy": ONE, "000002/x.npy": ONE}), "unexpected member '000002/x.npy'"),
        (packed(**{"000000/x.npy": ONE[:-1]}), "damaged"),
        (packed(**{"000000/x.npy": ONE + b"!"}), "bytes behind its array"),
        (packed(**{"000000/x.npy": array([{}], allow_pickle=True)}), "not a file of features"),
        (packed(**{"000000/x.npy": ONE}).replace(b"\xf0\x3f", b"\xf1\x3f", 1), "CRC"),
    ],
    # A zip's bytes hold the time: as names, they would differ between the processes of one run.
    ids=["no_zip", "empty", "no_frame", "not_first", "gap", "cut", "longer", "pickle", "flipped"],
)
def test_what_is_no_file_of_features_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(VcmflowError, match=rf"f\.npz: .*{message}"):
        list(read_features(tmp_path / "f.npz"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match=r"gone\.npz: no such file"):
        list(read_features(tmp_path / "gone.npz"))
