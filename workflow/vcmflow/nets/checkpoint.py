"""Reading checkpoints as untrusted input: tensors come out, nothing else runs.

PyTorch files are read with ``weights_only=True``. detectron2's pickles are read by an unpickler of
our own in which the names of NumPy's array machinery stand for plain records, and every other name
is an error; not even NumPy's own deserialisation is reached.
"""

from __future__ import annotations

import mmap
import pickle
import pickletools
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact

Module = TypeVar("Module", bound=nn.Module)

# What to do about a file that is no checkpoint, or not the right one.
ADVICE = "data/weights.csv says where to get the file"

# Kinds of numbers that a weights file may hold, by NumPy's type codes without byte order.
_MOST_STEPS = 10_000_000  # of a pickle; a checkpoint has a few for each array
NUMBERS = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})


class _Refused(Exception):
    """The pickle wants something that is no array or plain container."""


class _Type:
    """Stands for ``numpy.dtype``: a type code and a byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: Any) -> None:
        if isinstance(code, bytes):
            code = code.decode("ascii", "replace")
        if not isinstance(code, str) or code.lstrip("<>=|") not in NUMBERS:
            raise _Refused(f"values of type {str(code)[:20]!r}")
        self.order = code[0] if code[0] in "<>" else "<"
        self.code = code.lstrip("<>=|")

    def __setstate__(self, state: Any) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        if isinstance(order, bytes):
            order = order.decode("ascii", "replace")
        if order not in ("<", ">", "=", "|"):
            raise _Refused("a number type that is not a plain one")
        if order in "<>":
            self.order = order

    def numpy(self) -> np.dtype[Any]:
        """The NumPy type."""
        return np.dtype(self.order + self.code)


class _Array:
    """Stands for ``numpy.ndarray``, to be filled by its state."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: npt.NDArray[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise _Refused("an array with an unknown layout")
        _, shape, kind, fortran, data = state
        self.values = _make(data, kind, shape, "F" if fortran is True else "C")


def _make(data: Any, kind: Any, shape: Any, order: str) -> npt.NDArray[Any]:
    """An array from its bytes, after checking that everything is what it should be."""
    if isinstance(data, str):  # Python 2 pickles, read as latin1
        data = data.encode("latin1")
    if not isinstance(data, (bytes, bytearray)) or not isinstance(kind, _Type):
        raise _Refused("an array of something other than numbers")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise _Refused("an array without a proper shape")
    flat = np.frombuffer(data, kind.numpy())
    if flat.size != np.prod(shape, dtype=object):
        raise _Refused(f"an array of shape {shape} with {flat.size} values")
    return flat.reshape(shape, order="F" if order == "F" else "C").astype(
        np.dtype(kind.code), copy=False
    )


class _Name:
    """Stands for a name in the pickle: it can be called, and nothing can be set on it."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise _Refused("a change to a name")


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise _Refused("an encoding other than latin1")
    return text.encode("latin1")


def _scalar(kind: Any, data: Any = b"") -> Any:
    return _make(data, kind, (), "C")[()]


def _names() -> dict[tuple[str, str], Any]:
    """The names that a pickle of arrays uses, each with its harmless stand-in."""
    names: dict[tuple[str, str], Callable[..., Any]] = {
        ("numpy", "ndarray"): lambda *_: _Array(),
        ("numpy", "dtype"): lambda code, *_: _Type(code),
        ("_codecs", "encode"): _encode,
        # Old protocols write empty bytes as a call; bytes(n) would take any amount of memory.
        ("__builtin__", "bytes"): lambda: b"",
        ("collections", "OrderedDict"): lambda *pairs: dict(*pairs),
    }
    for package in ("numpy.core", "numpy._core"):
        names[f"{package}.multiarray", "_reconstruct"] = lambda *_: _Array()
        names[f"{package}.multiarray", "scalar"] = _scalar
        names[f"{package}.numeric", "_frombuffer"] = _make
    return {name: _Name(call) for name, call in names.items()}


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler that knows arrays, and Python's plain containers and values."""

    def __init__(self, file: Any) -> None:
        super().__init__(file, encoding="latin1")
        self._allowed = _names()

    def find_class(self, module: str, name: str) -> Any:
        """Look a name up among the allowed ones only."""
        if (module, name) not in self._allowed:
            raise _Refused(f"the name {f'{module}.{name}'[:60]}")
        return self._allowed[module, name]


def _plain(value: Any, done: dict[int, Any]) -> Any:
    """Replace the stand-ins in a container by arrays; ``done`` remembers shared containers."""
    if isinstance(value, _Array):
        if value.values is None:
            raise _Refused("an array without values")
        return value.values
    if isinstance(value, (dict, list, tuple)):
        if id(value) not in done:
            done[id(value)] = (
                {key: _plain(item, done) for key, item in value.items()}
                if isinstance(value, dict)
                else [_plain(item, done) for item in value]
            )
        return done[id(value)]
    if value is None or isinstance(value, (str, bytes, bool, int, float, np.ndarray, np.generic)):
        return value
    raise _Refused(f"a {type(value).__name__.lstrip('_').lower()}")


def read_pickle(path: Path) -> dict[str, Any]:
    """Read a pickle of arrays in plain containers, such as detectron2's ``.pkl`` checkpoints.

    Raises:
        VcmflowError: the file is missing, broken off, no pickle, or holds anything else than dicts,
            lists, strings, numbers and arrays of numbers. Nothing in it is executed.
    """
    try:
        with path.open("rb") as file:
            _check_size(file)
            value = _plain(_ArrayUnpickler(file).load(), {})
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file; {ADVICE}") from None
    except _Refused as error:
        raise VcmflowError(
            f"{path}: refused: it holds {error}; allowed are arrays of numbers in plain "
            f"containers; {ADVICE}"
        ) from None
    except RecursionError:
        raise VcmflowError(f"{path}: refused: its containers are nested too deeply") from None
    except Exception as error:
        # The bytes are anyone's: whatever the reader trips over, the file is not a checkpoint.
        raise VcmflowError(f"{path}: not a whole pickle ({_short(error)}); {ADVICE}") from None
    if not isinstance(value, dict):
        raise VcmflowError(f"{path}: a {type(value).__name__}, not a dict of arrays")
    return value


def _check_size(file: BinaryIO) -> None:
    """Refuse a pickle that asks for more than its bytes: the reader would reserve it at once."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for count, (code, value, _) in enumerate(pickletools.genops(data)):  # type: ignore[arg-type]
            if "PUT" in code.name and isinstance(value, int) and value > count:
                raise _Refused("a place for more values than it has")
            if count > _MOST_STEPS:
                raise _Refused(f"more than {_MOST_STEPS} steps")


def _check_members(path: Path) -> None:
    """Refuse a zip that unpacks to more than its size; ``torch.save`` compresses nothing."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            sizes = sum(member.file_size for member in archive.infolist())
        if sizes > path.stat().st_size:
            raise VcmflowError(f"{path}: refused: it unpacks to more than its size; {ADVICE}")


def _short(error: BaseException) -> str:
    """The first sentence of an error, cut to a readable length."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return f"{type(error).__name__}: {lines[0].partition('. ')[0][:120]}"


def read_torch(path: Path) -> dict[str, Any]:
    """Read a file of ``torch.save`` or a ``.safetensors`` file into a dict, onto the CPU.

    Raises:
        VcmflowError: the file is missing, broken off, of another kind, or holds more than tensors
            in plain containers.
    """
    if not path.is_file():
        raise VcmflowError(f"{path}: no such file; {ADVICE}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            loaded: dict[str, Tensor] = load_file(path)
            return loaded
        _check_members(path)
        value = torch.load(path, map_location="cpu", weights_only=True)
    except VcmflowError:
        raise
    except Exception as error:
        # The bytes are anyone's: whatever the reader trips over, the file is not a checkpoint.
        refused = isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error)
        if refused:
            raise VcmflowError(
                f"{path}: refused: it holds more than tensors in plain containers; {ADVICE}"
            ) from None
        raise VcmflowError(
            f"{path}: not a whole PyTorch checkpoint ({_short(error)}); {ADVICE}"
        ) from None
    if not isinstance(value, dict):
        raise VcmflowError(f"{path}: a {type(value).__name__}, not a dict of tensors")
    return value


def read_state(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a checkpoint of any accepted form.

    ``torch.save`` and safetensors files, and pickles of arrays; the tensors may lie at the top or
    under ``model`` or ``state_dict``. Entries that are no tensors are left out.

    Raises:
        VcmflowError: as the readers; it is not as it was written; there are no tensors in it.
    """
    path = intact(path)
    arrays = path.suffix == ".pkl" and not _is_torch(path)
    value = read_pickle(path) if arrays else read_torch(path)
    for wrapper in ("model", "state_dict"):
        if isinstance(value.get(wrapper), Mapping):
            value = dict(value[wrapper])
            break
    state: dict[str, Tensor] = {}
    for key, item in value.items():
        if isinstance(item, np.ndarray):
            # Copied: arrays from a file's bytes are read-only, and may be big-endian.
            item = torch.from_numpy(np.array(item, dtype=item.dtype.newbyteorder("=")))
        if isinstance(key, str) and isinstance(item, Tensor):
            state[key] = item
    if not state:
        raise VcmflowError(f"{path}: no named tensors in it")
    return state


def _is_torch(path: Path) -> bool:
    """Whether ``torch.save`` wrote the file: a zip archive, or the older form with its number."""
    try:
        with path.open("rb") as file:
            start = file.read(32)
    except OSError:
        return False
    # 0x1950a86a20f9469cfc6c, the first value of the older form, as pickle writes it.
    return start.startswith(b"PK\x03\x04") or b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19" in start


def load_state(module: nn.Module, state: Mapping[str, Tensor], path: Path, what: str) -> None:
    """Put tensors into a module, which may be on the "meta" device; names and shapes must match.

    ``num_batches_tracked`` counters may be absent or superfluous: they play no part in inference.

    Raises:
        VcmflowError: tensors are missing, superfluous, or of other shapes; one line says how many
            and names one.
    """
    own = module.state_dict()
    counters = {key for key in (*own, *state) if key.endswith("num_batches_tracked")}
    for problem, keys in (
        ("it lacks", [key for key in own if key not in state and key not in counters]),
        ("not part of the network are", [k for k in state if k not in own and k not in counters]),
        (
            "of another shape are",
            [key for key in own if key in state and state[key].shape != own[key].shape],
        ),
        ("no plain numbers are", [key for key in own if key in state and not _real(state[key])]),
    ):
        if keys:
            raise VcmflowError(
                f"{path}: not a checkpoint of {what}: {problem} {len(keys)} tensors, such as "
                f"{keys[0][:80]!r} (the network has {len(own)}); {ADVICE}"
            )
    module.load_state_dict(
        {
            key: state[key].to(value.dtype).contiguous()
            if key in state
            else torch.zeros(value.shape, dtype=value.dtype)
            for key, value in own.items()
        },
        assign=True,
    )


def _real(tensor: Tensor) -> bool:
    """Whether a tensor is dense and of real numbers."""
    return tensor.layout == torch.strided and not tensor.is_complex() and not tensor.is_quantized


def build(
    make: Callable[[], Module],
    weights: Path | None,
    what: str,
    names: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict,
) -> Module:
    """Make a network, with the weights of a checkpoint or with fixed random ones, for inference.

    Args:
        make: builds the module.
        weights: the checkpoint; None gives random weights, the same each time.
        what: the network's name, for error messages.
        names: turns the checkpoint's entries into the module's.

    Raises:
        VcmflowError: the checkpoint cannot be read or is not one of this network.
    """
    if weights is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return make().eval()
    state = names(read_state(weights))
    with torch.device("meta"):
        module = make()
    load_state(module, state, Path(weights), what)
    return module.eval()
