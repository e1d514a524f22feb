"""Importance maps for codecs that need one."""

from __future__ import annotations

import numpy as np

from vcmflow.encode.registry import CODECS

# Those that give frames, and that every test can build and feed: x265_mcfd wants weights, and is
# x265_roi with other offsets, those of VCS want weights, too; Kvazaar wants sizes that are
# multiples of 8.
BUILT_IN = sorted(
    {name for name, entry in CODECS.items() if entry.gives == "frames"}
    - {"kvazaar_roi", "x265_mcfd"}
    - {name for name in CODECS if name.startswith("vcs_")}
)


def ramp(frames, width, height):
    """Importance that rises from left to right by a factor of 16; turned round in odd frames."""
    rows, columns = -(-height // 16), -(-width // 16)
    row = 16 ** np.linspace(0, 1, columns)
    maps = np.stack([np.tile(row[:: 1 - 2 * (number % 2)], (rows, 1)) for number in range(frames)])
    return (maps / maps.mean((1, 2), keepdims=True)).astype(np.float32)


def needs_of(codec, frames, width, height):
    """What a codec needs of a clip, made up."""
    return {need: ramp(frames, width, height) for need in CODECS[codec].needs}


def need_words(codec, folder, frames, width, height, *, flat=False):
    """The same in files, as flags; flat: all blocks matter alike."""
    words = []
    for need, value in needs_of(codec, frames, width, height).items():
        np.save(folder / f"{need}.npy", np.ones_like(value) if flat else value)
        words += ["--need", f"{need}={folder}/{need}.npy"]
    return words
