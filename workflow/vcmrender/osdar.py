"""Write a rendered sequence in OSDaR23's own layout: PNG frames and an OpenLABEL file.

``<folder>/<sequence>_labels.json`` is readable by ``raillabel.load``; boxes are those of the
visible pixels.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import write_json
from vcmrender.catalogue import CAMERA
from vcmrender.scene import RenderedFrame, VisibleObject

_TYPES = {"person": "person", "bicycle": "bicycle", "car": "road_vehicle"}
_START = 1_631_441_453


def occlusion_label(share: float) -> str:
    """OSDaR23's word for a hidden share of 0..1."""
    if share >= 0.995:
        return "100 %"
    for limit, label in ((0.25, "0-25 %"), (0.5, "25-50 %"), (0.75, "50-75 %")):
        if share < limit:
            return label
    return "75-99 %"


def _timestamp(index: int, fps: float) -> str:
    nanoseconds = round(index * 1e9 / fps) + 300_000_000
    return f"{_START + nanoseconds // 1_000_000_000}.{nanoseconds % 1_000_000_000:09d}"


def _box(thing: VisibleObject, uid: str) -> dict[str, Any]:
    x, y, w, h = thing.bbox
    text = [{"name": "occlusion", "val": occlusion_label(thing.occlusion)}]
    boolean: list[dict[str, Any]] = []
    if thing.category == "car":
        text.append({"name": "type", "val": "car"})
    elif thing.category == "bicycle":
        text.append({"name": "state", "val": "undefined"})
    else:
        boolean = [{"name": "isDummy", "val": False}]
        text.append({"name": "pose", "val": "upright"})
    return {
        "name": f"{CAMERA}__bbox__{_TYPES[thing.category]}",
        "val": [x + w / 2, y + h / 2, float(w), float(h)],
        "coordinate_system": CAMERA,
        "uid": uid,
        "attributes": {"boolean": boolean, "num": [], "text": text, "vec": []},
    }


def write_sequence(
    folder: Path,
    name: str,
    frames: Sequence[RenderedFrame],
    fps: float,
    first_frame: int,
    rng: np.random.Generator,
) -> None:
    """Write one sequence.

    Args:
        folder: the sequence's folder; made if missing.
        name: the sequence's name.
        frames: pictures and objects.
        fps: frames per second of the time stamps.
        first_frame: id of the first frame.
        rng: draws the universally unique ids.

    Raises:
        VcmflowError: a picture cannot be written.
    """
    (folder / CAMERA).mkdir(parents=True, exist_ok=True)
    height, width = frames[0].picture.shape[:2]

    def new_id() -> str:
        return str(uuid.UUID(bytes=rng.bytes(16), version=4))

    ids: dict[int, str] = {}
    spans: dict[int, list[int]] = {}
    categories: dict[int, str] = {}
    labels: dict[str, Any] = {}
    for index, frame in enumerate(frames):
        number = first_frame + index
        stamp = _timestamp(index, fps)
        file = f"{number:03d}_{stamp}.png"
        if not cv2.imwrite(str(folder / CAMERA / file), frame.picture[:, :, ::-1]):
            raise VcmflowError(f"{folder / CAMERA / file}: cannot be written")
        objects: dict[str, Any] = {}
        for thing in frame.objects:
            key = ids.setdefault(thing.object_id, "") or new_id()
            ids[thing.object_id] = key
            categories[thing.object_id] = thing.category
            spans.setdefault(thing.object_id, []).append(number)
            objects[key] = {"object_data": {"bbox": [_box(thing, new_id())]}}
        labels[str(number)] = {
            "frame_properties": {
                "timestamp": stamp,
                "streams": {
                    CAMERA: {
                        "stream_properties": {"sync": {"timestamp": stamp}},
                        "uri": f"/{CAMERA}/{file}",
                    }
                },
                "frame_data": {"num": []},
            },
            "objects": objects,
        }
    counts: dict[str, int] = {}
    described: dict[str, Any] = {}
    for number in sorted(ids):
        kind = _TYPES[categories[number]]
        counts[kind] = counts.get(kind, 0) + 1
        pointer = f"{CAMERA}__bbox__{kind}"
        described[ids[number]] = {
            "name": f"{kind}{counts[kind]:04d}",
            "type": kind,
            "frame_intervals": _intervals(spans[number]),
            "object_data_pointers": {
                pointer: {
                    "type": "bbox",
                    "attribute_pointers": {"occlusion": "text"},
                    "frame_intervals": _intervals(spans[number]),
                }
            },
        }
    focal = 1.2 * width
    value = {
        "openlabel": {
            "metadata": {
                "schema_version": "1.0.0",
                "name": name,
                "subschema_version": "2.1.0",
                "file_version": "1.0.0",
                "tagged_file": name,
                "annotator": "vcmflow render",
                "comment": "Synthetic scene rendered by vcmflow; not part of OSDaR23.",
            },
            "coordinate_systems": {
                "base": {"type": "local", "parent": "", "children": [CAMERA]},
                CAMERA: {
                    "type": "sensor",
                    "parent": "base",
                    "pose_wrt_parent": {
                        "translation": [0.0, 0.0, 2.5],
                        "quaternion": [0.0, 0.0, 0.0, 1.0],
                    },
                },
            },
            "streams": {
                CAMERA: {
                    "type": "camera",
                    "uri": CAMERA,
                    "stream_properties": {
                        "intrinsics_pinhole": {
                            "camera_matrix": [
                                focal, 0.0, (width - 1) / 2, 0.0,
                                0.0, focal, (height - 1) / 2, 0.0,
                                0.0, 0.0, 1.0, 0.0,
                            ],
                            "distortion_coeffs": [0.0, 0.0, 0.0, 0.0, 0.0],
                            "width_px": width,
                            "height_px": height,
                        }
                    },
                }
            },
            "objects": described,
            "frames": labels,
            "frame_intervals": [
                {"frame_start": first_frame, "frame_end": first_frame + len(frames) - 1}
            ],
        }
    }  # fmt: skip
    write_json(folder / f"{name}_labels.json", value)


def _intervals(numbers: list[int]) -> list[dict[str, int]]:
    """Runs of consecutive frame ids."""
    runs: list[dict[str, int]] = []
    for number in numbers:
        if runs and runs[-1]["frame_end"] == number - 1:
            runs[-1]["frame_end"] = number
        else:
            runs.append({"frame_start": number, "frame_end": number})
    return runs
