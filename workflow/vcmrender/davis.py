"""Write a rendered sequence in DAVIS 2017's own layout: JPEG frames and palette PNG masks.

A mask's pixel is the object's id (0 background). ``Categories/480p/<sequence>.json``, which DAVIS
does not have, names the category of every id, for training segmenters that predict classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file, write_json
from vcmrender.scene import RenderedFrame

RESOLUTION = "480p"
QUALITY = 95


def palette() -> list[int]:
    """DAVIS's colour map (that of PASCAL VOC): 256 x 3 values, flat."""
    values: list[int] = []
    for label in range(256):
        red = green = blue = 0
        rest = label
        for bit in range(8):
            red |= ((rest >> 0) & 1) << (7 - bit)
            green |= ((rest >> 1) & 1) << (7 - bit)
            blue |= ((rest >> 2) & 1) << (7 - bit)
            rest >>= 3
        values.extend((red, green, blue))
    return values


def folders(root: Path, name: str) -> tuple[Path, Path]:
    """Where the frames and the masks of a sequence lie."""
    return root / "JPEGImages" / RESOLUTION / name, root / "Annotations" / RESOLUTION / name


def write_sequence(root: Path, name: str, frames: Sequence[RenderedFrame]) -> None:
    """Write the frames, masks and categories of one sequence.

    Objects are numbered 1, 2, ... in the order of their ids; a number stays with its object.

    Raises:
        VcmflowError: a picture cannot be written.
    """
    pictures, masks = folders(root, name)
    pictures.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    categories = {thing.object_id: thing.category for f in frames for thing in f.objects}
    numbers = {identity: k for k, identity in enumerate(sorted(categories), start=1)}
    colours = palette()
    for index, frame in enumerate(frames):
        file = pictures / f"{index:05d}.jpg"
        flags = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        if not cv2.imwrite(str(file), frame.picture[:, :, ::-1], flags):
            raise VcmflowError(f"{file}: cannot be written")
        height, width = frame.picture.shape[:2]
        labels = np.zeros((height, width), np.uint8)
        for thing in frame.objects:
            labels[thing.mask] = numbers[thing.object_id]
        indexed = Image.frombytes("P", (width, height), labels.tobytes())
        indexed.putpalette(colours)
        indexed.save(masks / f"{index:05d}.png", optimize=False)
    write_json(
        root / "Categories" / RESOLUTION / f"{name}.json",
        {str(numbers[identity]): categories[identity] for identity in sorted(categories)},
    )


def write_image_set(root: Path, split: str, names: Iterable[str]) -> None:
    """Write ``ImageSets/2017/val.txt`` (test) or ``train.txt``."""
    file = "val.txt" if split == "test" else "train.txt"
    with whole_file(root / "ImageSets" / "2017" / file) as temporary:
        temporary.write_text("".join(f"{name}\n" for name in names), "utf-8")
