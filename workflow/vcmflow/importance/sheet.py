"""A picture that a person can look at: frames, importance of their pixels, of their blocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.core.arrays import BLOCK, Frame
from vcmflow.core.files import whole_file
from vcmflow.core.resize import fit_short_side, resize
from vcmflow.importance.maps import Blocks, Pixels

SHORT_SIDE = 240  # px, of a frame on the sheet
STEPS = 3.0  # the colours of blocks span 2^-3 to 2^3 times the mean
BRIGHT = 99.0  # the percentile of the pixels that is brightest
_MARGIN = 18  # px, for the words above a panel

Row = tuple[int, Frame, Pixels, Blocks]  # number of the frame, frame, pixels, blocks


def panels(row: Row) -> list[Frame]:
    """Frame, pixels and blocks of one frame as pictures of one size.

    Pixels are shown by the square root of their importance, blocks by its logarithm, the mean being
    in the middle of the scale.
    """
    _, frame, pixels, blocks = row
    height, width = fit_short_side(frame.shape[0], frame.shape[1], SHORT_SIDE)
    peak = float(np.percentile(pixels, BRIGHT)) or float(pixels.max()) or 1.0
    shades = np.sqrt(np.clip(pixels / peak, 0, 1))
    steps = np.log2(np.maximum(blocks, 2.0**-STEPS)).clip(-STEPS, STEPS)
    tiles = ((steps + STEPS) / (2 * STEPS)).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
    tiles = tiles[: frame.shape[0], : frame.shape[1]]
    return [
        resize(picture, height, width) for picture in (frame, _colours(shades), _colours(tiles))
    ]


def _colours(values: npt.NDArray[np.floating]) -> Frame:
    """Values in 0..1 as colours."""
    levels = np.rint(values * 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[..., ::-1], np.uint8)


def write_sheet(path: Path, rows: Sequence[Row]) -> None:
    """Write one row of panels per frame as a PNG, whole or not at all."""
    lines = []
    for row in rows:
        cells = []
        for panel, words in zip(
            panels(row),
            (f"frame {row[0]}", "pixels", "blocks: 1/8 to 8 times the mean"),
            strict=True,
        ):
            framed = cv2.copyMakeBorder(
                panel, _MARGIN, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255)
            )
            place = (4, _MARGIN - 5)
            cv2.putText(framed, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
            cells.append(framed)
        lines.append(np.concatenate(cells, axis=1))
    with whole_file(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", np.concatenate(lines)[..., ::-1])[1].tobytes())
