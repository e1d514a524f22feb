"""Features of frames in one ``.npz`` file, written and read frame by frame.

A member is one array, ``000012/name.npy``, so that ``numpy.load`` reads the file too. Nothing is
compressed and no time is noted: equal features give equal bytes.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vcmflow.core.arrays import BAD_ARRAY
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact, whole_file

# Name -> array of numbers, of one frame.
Features = Mapping[str, npt.NDArray[Any]]

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


def write_features(path: Path, frames: Iterable[Features]) -> int:
    """Write the features of frames, whole or not at all, and return how many frames there were.

    Args:
        path: the ``.npz`` to write.
        frames: at least one array per frame; names of letters, digits and ``_.-``. Only one frame
            is held at a time.

    Raises:
        VcmflowError: no frames, a frame without arrays, a bad name, or an array of objects.
    """
    count = 0
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for frame in frames:
            if not frame:
                raise VcmflowError(f"{path}: frame {count} has no features")
            for name in sorted(frame):
                array = np.ascontiguousarray(frame[name]).reshape(np.shape(frame[name]))
                if not re.fullmatch(_NAME, name) or array.dtype.kind not in "biufc":
                    raise VcmflowError(
                        f"{path}: frame {count}: feature {name!r} of {array.dtype}; allowed: "
                        "arrays of numbers under names of letters, digits and _.-"
                    )
                member = zipfile.ZipInfo(f"{count:06d}/{name}.npy")  # of 1980
                with archive.open(member, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
            count += 1
        if not count:
            raise VcmflowError(f"{path}: no features to write")
    return count


def read_features(path: Path) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """Yield the features of one frame after the other, as :func:`write_features` got them.

    Raises:
        VcmflowError: the file is missing, damaged, or not what :func:`write_features` writes.
    """
    try:
        with zipfile.ZipFile(intact(path)) as archive:
            number, frame = 0, dict[str, npt.NDArray[Any]]()
            for member in archive.namelist():
                found = re.fullmatch(rf"(\d{{6,}})/({_NAME})\.npy", member)
                at = int(found.group(1)) if found else -1
                if at == number + 1 and frame:
                    yield frame
                    number, frame = at, {}
                if not found or at != number:
                    raise VcmflowError(f"{path}: unexpected member {member!r}")
                with archive.open(member) as file:
                    frame[found.group(2)] = np.lib.format.read_array(file, allow_pickle=False)
                    if file.read(1):  # the end is where the checksum is compared
                        raise VcmflowError(f"{path}: {member} has bytes behind its array")
            if not frame:
                raise VcmflowError(f"{path}: holds no features")
            yield frame
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except (*BAD_ARRAY, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise VcmflowError(f"{path}: not a file of features, or damaged ({error})") from None
