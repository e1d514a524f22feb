"""One sequence of any dataset into the common form: frames, ground truth, and what it is.

frames.mkv: the frames, FFV1. truth.json: COCO (image ids are frame indices from 0; boxes x, y, w, h
in px of the frames; ``ignore`` and ``iscrowd`` 0 or 1; ``object_id`` constant over time), and the
``label`` of the whole clip where the dataset has that.
sequence.json: `vcmflow.core.sequence.Sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import write_json
from vcmflow.core.rle import encode_mask
from vcmflow.core.sequence import Sequence, write_sequence
from vcmflow.core.video import Frame, write_video
from vcmflow.data.labels import DETECTION_CATEGORIES, SEGMENTATION_CATEGORIES
from vcmflow.data.sequences import make_loader
from vcmflow.data.types import SequenceSpec, SourceFrame, TruthObject


@dataclass
class Report:
    """What became of the labels.

    Attributes:
        frames: number of frames.
        width, height: px of the frames written.
        objects: boxes or masks that count.
        crowd: crowd regions.
        ignored: neither hit nor miss.
        clipped: reached out of the picture and were cut at its edge.
        dropped: had no area (left).
        unmapped: labels that no rule names, left out.
    """

    frames: int = 0
    width: int = 0
    height: int = 0
    objects: int = 0
    crowd: int = 0
    ignored: int = 0
    clipped: int = 0
    dropped: int = 0
    unmapped: int = 0

    def counts(self) -> dict[str, int]:
        """The counts of labels, for the ground truth's ``info``."""
        names = ("objects", "crowd", "ignored", "clipped", "dropped", "unmapped")
        return {name: getattr(self, name) for name in names}


@dataclass
class _Truth:
    """Ground truth as it grows, frame by frame."""

    masks: bool
    categories: Mapping[str, int]
    report: Report
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self, index: int, frame: SourceFrame, size: tuple[int, int], scale: tuple[float, float]
    ) -> None:
        height, width = size
        self.images.append({"id": index, "file_name": frame.name, "width": width, "height": height})
        for truth in frame.objects:
            shape = self._region(frame, truth, size, scale)
            if shape is None:
                self.report.dropped += 1
                continue
            if truth.crowd:
                self.report.crowd += 1
            elif truth.ignore:
                self.report.ignored += 1
            else:
                self.report.objects += 1
            number = len(self.annotations) + 1
            self.annotations.append(
                {
                    "id": number,
                    "image_id": index,
                    "category_id": self.categories[truth.category],
                    **shape,
                    "iscrowd": int(truth.crowd),
                    "ignore": int(truth.ignore),
                    # Without an identity every box is an object of its own.
                    "object_id": number if truth.object_id is None else truth.object_id,
                }
            )

    def _region(
        self,
        frame: SourceFrame,
        truth: TruthObject,
        size: tuple[int, int],
        scale: tuple[float, float],
    ) -> dict[str, Any] | None:
        """bbox, area and, for masks, segmentation, in px of the written frame; None: no area."""
        if truth.mask is not None and self.masks:
            return _mask_region(resize_mask(truth.mask, size))
        if truth.box is None:
            if truth.mask is None:
                raise VcmflowError(f"frame {frame.name!r}: an object has neither box nor mask")
            region = _mask_region(truth.mask)
            if region is None:
                return None
            box = tuple(region["bbox"])
        else:
            box = truth.box
        if not all(math.isfinite(value) for value in box):
            raise VcmflowError(f"frame {frame.name!r}: a box is not finite: {list(box)}")
        clipped = clip_box(box, frame.picture.shape[1], frame.picture.shape[0])
        if clipped is None:
            return None
        if clipped != box:
            self.report.clipped += 1
        x, y, w, h = clipped
        sx, sy = scale
        scaled = [round(value, 4) for value in (x * sx, y * sy, w * sx, h * sy)]
        if scaled[2] <= 0 or scaled[3] <= 0:
            return None
        return {"bbox": scaled, "area": round(scaled[2] * scaled[3], 4)}


def import_sequence(
    spec: SequenceSpec, frames_out: Path, truth_out: Path, info_out: Path
) -> Report:
    """Bring a sequence into the common form.

    Args:
        spec: the planned sequence.
        frames_out: the video to write (``.mkv``).
        truth_out: the ground truth to write (COCO JSON).
        info_out: the description to write (JSON).

    Raises:
        VcmflowError: the source is incomplete or broken; then no frames are left behind.
    """
    masks = spec.annotations == "masks"
    # Without annotations they are the classes of pseudo ground truth.
    categories = SEGMENTATION_CATEGORIES if masks else DETECTION_CATEGORIES
    source = make_loader(spec.loader, spec.options).read(spec)
    report = Report()
    truth = _Truth(masks, categories, report)

    def pictures() -> Iterator[Frame]:
        first: tuple[str, tuple[int, int]] | None = None
        for index, frame in enumerate(source.frames):
            height, width = frame.picture.shape[:2]
            if first is None:
                first = frame.name, (height, width)
            elif first[1] != (height, width):
                raise VcmflowError(
                    f"{spec}: frame {frame.name!r} is {width}x{height}, the "
                    f"first one {first[0]!r} is {first[1][1]}x{first[1][0]}; all have to be alike"
                )
            size = working_size((height, width), spec.height)
            truth.add(index, frame, size, (size[1] / width, size[0] / height))
            report.height, report.width = size
            yield resize_picture(frame.picture, size)

    report.frames = write_video(frames_out, pictures(), source.fps)
    report.unmapped = source.notes.get("unmapped", 0)
    write_json(
        truth_out,
        {
            "info": {"description": f"ground truth of {spec.id}", "counts": report.counts()},
            "images": truth.images,
            "annotations": truth.annotations,
            "categories": [{"id": number, "name": name} for name, number in categories.items()],
        }
        | ({} if source.label is None else {"label": source.label}),
    )
    write_sequence(
        info_out,
        Sequence(
            id=spec.id,
            dataset=spec.dataset,
            scene=spec.scene,
            camera=spec.camera,
            annotations=spec.annotations,
            frames=report.frames,
            fps=source.fps,
            width=report.width,
            height=report.height,
        ),
    )
    return report


def working_size(size: tuple[int, int], height: int | None) -> tuple[int, int]:
    """Height and width of the written frames; the width keeps the aspect and is even.

    Even, because 4:2:0 video is; without a working height the source's size stays as it is.
    """
    if height is None or height == size[0]:
        return size
    return height, max(2, 2 * round(size[1] * height / size[0] / 2))


def resize_picture(picture: Frame, size: tuple[int, int]) -> Frame:
    """Resize uint8 H x W x 3 to ``size`` (height, width): area means down, bicubic up."""
    if picture.shape[:2] == size:
        return picture
    smaller = size[0] <= picture.shape[0]
    method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return cv2.resize(picture, (size[1], size[0]), interpolation=method).astype(np.uint8)


def resize_mask(mask: npt.NDArray[np.bool_], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Resize bool H x W to ``size`` (height, width); a pixel is in the mask if half of it is."""
    if mask.shape == size:
        return mask
    method = cv2.INTER_AREA if size[0] <= mask.shape[0] else cv2.INTER_LINEAR
    share = cv2.resize(mask.astype(np.float32), (size[1], size[0]), interpolation=method)
    resized: npt.NDArray[np.bool_] = share >= 0.5
    return resized


def clip_box(
    box: tuple[float, ...], width: int, height: int
) -> tuple[float, float, float, float] | None:
    """Cut a box x, y, w, h at the picture's edges; None if nothing with an area is left."""
    x, y, w, h = box
    if w <= 0 or h <= 0:
        return None
    if x >= 0 and y >= 0 and x + w <= width and y + h <= height:
        return x, y, w, h
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + w, float(width)), min(y + h, float(height))
    if right <= left or bottom <= top:
        return None
    return left, top, right - left, bottom - top


def _mask_region(mask: npt.NDArray[np.bool_]) -> dict[str, Any] | None:
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return {
        "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
        "area": int(mask.sum()),
        "segmentation": encode_mask(mask),
    }
