"""Importance-guided coding in one frame: what matters, where bits went, and what is then found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from vcmflow.core.arrays import BLOCK, Frame, read_importance
from vcmflow.core.errors import VcmflowError
from vcmflow.figures import detections
from vcmflow.figures.inputs import Inputs
from vcmflow.figures.pictures import View, read_scene

_BRIGHT = 99.0  # the percentile of the pixels that is brightest
_STEPS = 3.0  # blocks are coloured from 2^-3 to 2^3 times the mean

Values = npt.NDArray[np.floating[Any]]


def build(inputs: Inputs) -> Figure:
    """The figure: `fig6` of a codec without and one with a map, and three views of the map.

    ``--maps`` are the importance of the middle frame's pixels (H x W) and of all frames' blocks,
    and the coded QP of every block of every kept frame.
    """
    inputs.only_options("score")
    inputs.need("maps")
    if len(inputs.methods) != 2 or len(inputs.maps) != 3:
        raise VcmflowError("figure importance takes two --methods and three --maps")
    scene = read_scene(inputs)
    height, width = scene.views[0].picture.shape[:2]
    pixels, qps = (_read(path) for path in (inputs.maps[0], inputs.maps[2]))
    blocks = read_importance(inputs.maps[1])
    wanted = (-(-height // BLOCK), -(-width // BLOCK))
    if pixels.shape != (height, width) or {blocks.shape[1:], qps.shape[1:]} != {wanted}:
        raise VcmflowError(f"figure importance: --maps are not of frames of {width}x{height}")
    if not scene.frame < min(len(blocks), len(qps)):
        raise VcmflowError(f"figure importance: --maps have no frame {scene.frame}")
    block, qp = blocks[scene.frame], qps[scene.frame]
    peak = float(np.percentile(pixels, _BRIGHT)) or 1.0
    low, high = float(qp.min()), float(qp.max())
    views = [
        _view("importance of pixels", "square root, brightest 1 %", np.sqrt(pixels / peak), 1),
        _view(
            "importance of blocks",
            f"1/8 to 8 times the mean; {block.min():.2g} to {block.max():.2g}",
            (np.log2(np.maximum(block, 2**-_STEPS)) + _STEPS) / (2 * _STEPS),
        ),
        _view(
            "coded QP",
            f"bright = finer; {low:.3g} to {high:.3g}",
            (high - qp) / max(high - low, 1e-9),
        ),
    ]
    views = [replace(view, picture=view.picture[:height, :width]) for view in views]
    whole = replace(scene, views=(*scene.views, *views))
    return detections.draw(whole, inputs.option("score", 0.5), inputs.note)


def _read(path: Path) -> Values:
    try:
        values = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise VcmflowError(f"{path}: not an .npy file ({error})") from None
    if not np.issubdtype(values.dtype, np.floating) or not np.isfinite(values).all():
        raise VcmflowError(f"{path}: not an array of finite numbers")
    return np.asarray(values)


def _view(title: str, subtitle: str, shades: Values, side: int = BLOCK) -> View:
    """Values in 0..1 as colours, each ``side`` px wide."""
    colours = mpl.colormaps["viridis"](np.clip(shades, 0, 1))[..., :3]
    picture: Frame = np.rint(255 * colours).astype(np.uint8)
    picture = picture.repeat(side, axis=0).repeat(side, axis=1)
    return View(title, title, subtitle, picture, ())
