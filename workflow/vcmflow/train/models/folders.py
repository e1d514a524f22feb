"""Training samples from folders in the common form: ``frames.mkv`` and ``truth.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.rle import decode_mask
from vcmflow.core.video import read_video
from vcmflow.train.models.samples import Sample


def read_folder(folder: Path) -> list[Sample]:
    """Read every frame of a sequence with its objects.

    Objects without a mask are taken to fill their box; where objects overlap, the smaller one is
    taken to be in front. Crowds and ignored objects are left out.

    Raises:
        VcmflowError: a file is missing or does not have the expected form.
    """
    path = folder / "truth.json"
    truth = read_json(path)
    objects: dict[int, list[dict[str, Any]]] = {}
    try:
        for entry in truth["annotations"]:
            if not entry.get("iscrowd") and not entry.get("ignore"):
                objects.setdefault(int(entry["image_id"]), []).append(entry)
    except (TypeError, KeyError, ValueError):
        raise VcmflowError(f"{path}: not a COCO file with annotations") from None
    samples = []
    for index, frame in enumerate(read_video(folder / "frames.mkv")):
        size = (frame.shape[0], frame.shape[1])
        owner = np.zeros(size, np.uint8)
        here = sorted(objects.get(index, []), key=lambda entry: -float(entry.get("area", 0)))
        if len(here) > 255:
            raise VcmflowError(f"{path}: frame {index} has {len(here)} objects; allowed: 255")
        for number, entry in enumerate(here, start=1):
            owner[_mask(entry, size, f"{path}: annotation {entry.get('id')}")] = number
        try:
            categories = np.array([int(entry["category_id"]) for entry in here], np.int64)
        except (KeyError, TypeError, ValueError):
            raise VcmflowError(f"{path}: frame {index} has an object without category") from None
        samples.append(Sample(frame, owner, categories))
    return samples


def _mask(entry: dict[str, Any], size: tuple[int, int], where: str) -> npt.NDArray[np.bool_]:
    if "segmentation" in entry:
        return decode_mask(entry["segmentation"], where, size)
    try:
        x, y, w, h = (float(side) for side in entry["bbox"])
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(f"{where}: bbox is not [x, y, w, h]") from None
    mask = np.zeros(size, np.bool_)
    mask[max(0, round(y)) : max(0, round(y + h)), max(0, round(x)) : max(0, round(x + w))] = True
    return mask
