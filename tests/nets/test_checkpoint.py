"""Checkpoints are untrusted: arrays come out of them, or one clear line."""

from __future__ import annotations

import collections
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.checkpoint import build, read_pickle, read_state
from vcmflow.nets.ema_vfi.load import load as load_ema_vfi
from vcmflow.nets.faster_rcnn.load import load as load_faster_rcnn
from vcmflow.nets.yolact.load import load as load_yolact


def refusal(path: Path, reader: Any = read_state) -> str:
    """The one line with which a file is turned down."""
    with pytest.raises(VcmflowError) as error:
        reader(path)
    message = str(error.value)
    assert message.startswith(str(path)) and "\n" not in message and len(message) < 400
    return message


ARRAYS: dict[str, Any] = {
    "plain": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    "big-endian": np.arange(3, dtype=">f4"),
    "half": np.ones((1, 2), np.float16),
    "counter": np.array(7, np.int64),
    "scalar": np.float32(0.5),
    "empty": np.zeros((0, 4), np.float32),
    "flags": np.array([True, False]),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("holder", [dict, collections.OrderedDict])
def test_arrays_survive_in_every_protocol(protocol: int, holder: type, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    content = {"model": holder(ARRAYS), "__author__": "anyone", "more": [1, 2.5, None, (b"x",)]}
    path.write_bytes(pickle.dumps(content, protocol))
    read = read_pickle(path)
    assert read["more"] == [1, 2.5, None, [b"x"]]
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(read["model"][name], expected)
        assert read["model"][name].shape == np.shape(expected)
    state = read_state(path)
    assert set(state) == set(ARRAYS) - {"scalar"}
    assert state["big-endian"].tolist() == [0, 1, 2]


def test_pickles_of_python_2_are_read(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    # {'w': numpy.arange(2, dtype='<f4')} as Python 2 wrote it, protocol 2: bytes are strings.
    path.write_bytes(
        b"\x80\x02}U\x01wcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b"
        b"\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x00\x00\x00\x00\x80?tbs."
    )
    assert read_state(path)["w"].tolist() == [0, 1]


class Runs:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


class Plain:
    pass


@pytest.mark.parametrize(
    "content",
    [
        Runs(os.system, "echo harm > harm"),
        Runs(eval, "1"),
        Runs(subprocess.Popen, ["true"]),
        Runs(np.load, "x.npy"),
        Runs(getattr, "a", "b"),
        Plain(),
        Path("x"),
        torch.zeros(2),
        {1, 2},
        np.array([Plain()], dtype=object),
        np.array(["text"]),
        np.zeros(2, [("a", "f4")]),
        np.zeros(2, "M8[s]"),
        np.ma.masked_array([1.0], [True]),
    ],
    ids=lambda content: type(content).__name__,
)
def test_anything_but_arrays_is_refused_and_nothing_runs(
    content: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": {"w": content}}))
    message = refusal(path)
    assert "refused: it holds" in message or "not a whole pickle" in message
    assert not (tmp_path / "harm").exists()


def test_the_name_that_is_refused_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": Runs(os.system, "true")}))
    assert f"the name {os.system.__module__}.system" in refusal(path)


@pytest.mark.parametrize(
    "stream",
    [
        b"cnumpy\nndarray\n}(U\x01xK\x01ub.",  # set attributes on a name
        b"cnumpy\nndarray\n.",  # a bare name
        b"cnumpy\nndarray\n)R.",  # an array that was never filled
        b"c_codecs\nencode\n(V\xe9\nVutf7\ntR.",  # another codec
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x01OtRU\x08aaaaaaaatR.",  # an object
        b"Pharm\n.",  # a persistent id
        b"\x80\x02(" + b"(" * 5000 + b"t" * 5000 + b".",
        b"]" * 100_000 + b"a" * 99_999 + b".",
        b"",
        b".",
        b"hello",
    ],
)
def test_streams_that_no_pickler_writes(stream: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(stream)
    refusal(path)


def test_shared_containers_do_not_multiply(tmp_path: Path) -> None:
    nested: Any = []
    for _ in range(200):
        nested = [nested, nested]
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": {"w": np.zeros(1)}, "more": nested}))
    assert set(read_state(path)) == {"w"}


WHOLE = pickle.dumps({"model": {name: ARRAYS[name] for name in ("plain", "counter")}})


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_pickles_give_one_line_or_arrays(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stream = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "model.pkl"
    path.write_bytes(bytes(stream[: data.draw(st.integers(0, len(stream)))]))
    try:
        state = read_state(path)
    except VcmflowError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(value, torch.Tensor) for value in state.values())


class Tiny(nn.Module):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 1)
        self.norm = nn.BatchNorm2d(width)


def tiny(path: Path | None, width: int = 3) -> Tiny:
    return build(lambda: Tiny(width), path, "the tiny network")


def saved(path: Path, change: dict[str, Any] | None = None, **options: Any) -> Path:
    torch.save({**Tiny().state_dict(), **(change or {})}, path, **options)
    return path


class TestPyTorchFiles:
    @pytest.mark.parametrize("name", ["w.pth", "w.pkl", "w.anything"])
    @pytest.mark.parametrize("new", [True, False])
    def test_both_formats_under_any_name(self, name: str, new: bool, tmp_path: Path) -> None:
        path = saved(tmp_path / name, _use_new_zipfile_serialization=new)
        expected = torch.load(path, weights_only=True)
        network = tiny(path)
        assert torch.equal(network.conv.weight, expected["conv.weight"])
        assert network.conv.weight.device.type == "cpu" and not network.training
        assert network.conv.weight.requires_grad

    def test_counters_may_be_missing(self, tmp_path: Path) -> None:
        state = Tiny().state_dict()
        del state["norm.num_batches_tracked"]
        torch.save({"model": state}, tmp_path / "w.pth")
        assert int(tiny(tmp_path / "w.pth").norm.num_batches_tracked) == 0

    @pytest.mark.parametrize("new", [True, False])
    @pytest.mark.parametrize("suffix", [".pth", ".pkl"])
    def test_broken_off(self, new: bool, suffix: str, tmp_path: Path) -> None:
        path = saved(tmp_path / f"w{suffix}", _use_new_zipfile_serialization=new)
        whole = path.read_bytes()
        for size in (0, 1, 60, len(whole) // 2, len(whole) - 5):
            path.write_bytes(whole[:size])
            assert "not a whole" in refusal(path, tiny)

    @pytest.mark.parametrize("suffix", [".pth", ".pkl"])
    def test_more_than_tensors(
        self, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        path = saved(tmp_path / f"w{suffix}", {"extra": Runs(os.system, "echo harm > harm")})
        assert "refused" in refusal(path, tiny)
        assert not (tmp_path / "harm").exists()

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"conv.weight": torch.zeros(3, 3, 3, 3)}, "of another shape are 1"),
            ({"more": torch.zeros(1)}, "not part of the network are 1 tensors, such as 'more'"),
            ({"conv.bias": torch.zeros(3, dtype=torch.complex64)}, "no plain numbers are 1"),
            ({"conv.bias": 3}, "it lacks 1 tensors, such as 'conv.bias'"),
        ],
    )
    def test_of_another_network(self, change: dict[str, Any], said: str, tmp_path: Path) -> None:
        message = refusal(saved(tmp_path / "w.pth", change), tiny)
        assert "not a checkpoint of the tiny network" in message and said in message

    @pytest.mark.parametrize("content", [[torch.zeros(2)], torch.zeros(2), {}, {"epoch": 3}])
    def test_no_named_tensors(self, content: Any, tmp_path: Path) -> None:
        torch.save(content, tmp_path / "w.pth")
        refusal(tmp_path / "w.pth", tiny)

    def test_missing(self, tmp_path: Path) -> None:
        for name in ("w.pth", "w.pkl", "w.safetensors"):
            assert "no such file" in refusal(tmp_path / name, tiny)

    def test_random_weights_are_the_same_each_time(self) -> None:
        before = torch.random.get_rng_state()
        assert torch.equal(tiny(None).conv.weight, tiny(None).conv.weight)
        assert torch.equal(before, torch.random.get_rng_state())


def test_networks_do_not_take_each_others_weights(tmp_path: Path) -> None:
    path = tmp_path / "ours_small_t.pkl"
    network = load_ema_vfi("small", None)
    torch.save({f"module.{key}": value for key, value in network.state_dict().items()}, path)
    loaded = load_ema_vfi("small", path)
    for key, value in network.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[key])
    for what, load in (
        ("EMA-VFI (full)", lambda path: load_ema_vfi("full", path)),
        ("faster_rcnn_X_101_32x8d_FPN_3x", load_faster_rcnn),
        ("yolact_plus_base", lambda path: load_yolact("yolact_plus_base", path)),
    ):
        assert f"not a checkpoint of {what}" in refusal(path, load)


def test_an_unknown_size_is_told() -> None:
    with pytest.raises(VcmflowError, match="size 'huge'; allowed: full, small"):
        load_ema_vfi("huge", None)
