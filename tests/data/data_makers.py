"""Makers of tiny datasets in the layouts that the loaders read."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vcmflow.core.video import Frame
from vcmflow.data.importer import Report

HEIGHT, WIDTH = 24, 40


@dataclass
class Imported:
    """What an import wrote."""

    frames: list[Frame]
    truth: dict[str, Any]
    info: dict[str, Any]
    report: Report

    def boxes(self, frame: int) -> list[list[float]]:
        return [a["bbox"] for a in self.truth["annotations"] if a["image_id"] == frame]


Import = Callable[..., Imported]


def picture(index: int, height: int = HEIGHT, width: int = WIDTH) -> Frame:
    """A picture that differs from frame to frame and from pixel to pixel."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y * 3 + index, x * 2 + index, (x + y + 7 * index) % 256], axis=2).astype(
        np.uint8
    )


def save(path: Path, array: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def box(kind: str, x: float, y: float, w: float, h: float, **more: Any) -> dict[str, Any]:
    """A labelled box; x, y is the CENTRE, as RailLabel has it."""
    return {"kind": kind, "val": [x, y, w, h], **more}


def rail_labels(
    frames: Sequence[Sequence[dict[str, Any]]],
    first: int = 12,
    camera: str = "rgb_center",
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> dict[str, Any]:
    """An OpenLABEL document with the boxes of each frame."""
    objects: dict[str, Any] = {}
    frame_entries: dict[str, Any] = {}
    for index, boxes in enumerate(frames):
        number = first + index
        entries: dict[str, Any] = {}
        for position, entry in enumerate(boxes):
            name = entry.get("object", f"{entry['kind']}{position}")
            uid = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
            objects[uid] = {"name": name, "type": entry["kind"]}
            text = [
                {"name": key, "val": entry[key]} for key in ("occlusion", "type") if key in entry
            ]
            data: dict[str, Any] = {
                "name": f"{camera}__x__{name}",
                "coordinate_system": entry.get("camera", camera),
                "attributes": {"text": text},
            }
            if "poly" in entry:
                data |= {"val": entry["poly"], "closed": True, "mode": "MODE_POLY2D_ABSOLUTE"}
                key = "poly2d"
            else:
                data["val"], key = entry["val"], "bbox"
            inner = entries.setdefault(uid, {"object_data": {}})["object_data"]
            inner.setdefault(key, []).append(data)
        stamp = f"{1631441453 + index / 10:.9f}"
        frame_entries[str(number)] = {
            "frame_properties": {
                "timestamp": stamp,
                "streams": {
                    camera: {
                        "stream_properties": {"sync": {"timestamp": stamp}},
                        "uri": f"/{camera}/{number:03d}_{stamp}.png",
                    }
                },
            },
            "objects": entries,
        }
    return {
        "openlabel": {
            "metadata": {"schema_version": "1.0.0", "subschema_version": "2.1.0"},
            "coordinate_systems": {camera: {"parent": "base", "type": "sensor"}},
            "streams": {
                camera: {
                    "type": "camera",
                    "uri": camera,
                    "stream_properties": {
                        "intrinsics_pinhole": {
                            "camera_matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
                            "distortion_coeffs": [0, 0, 0, 0, 0],
                            "height_px": size[0],
                            "width_px": size[1],
                        }
                    },
                }
            },
            "objects": objects,
            "frames": frame_entries,
        }
    }


def write_rail(root: Path, name: str, labels: dict[str, Any]) -> Path:
    """Labels and the pictures that they name; returns the label file."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_labels.json"
    path.write_text(json.dumps(labels), "utf-8")
    for index, frame in enumerate(labels["openlabel"]["frames"].values()):
        for stream in frame["frame_properties"]["streams"].values():
            save(folder / stream["uri"].lstrip("/"), picture(index))
    return path


def write_davis(
    root: Path, name: str, masks: Sequence[np.ndarray], *, indexed: bool = True
) -> None:
    """A sequence in DAVIS's layout from label maps."""
    for index, labels in enumerate(masks):
        save(root / f"JPEGImages/480p/{name}/{index:05d}.jpg", picture(index), quality=95)
        path = root / f"Annotations/480p/{name}/{index:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(labels.astype(np.uint8))
        if indexed:
            image.putpalette([channel for i in range(256) for channel in (i, 255 - i, 128)])
        image.save(path)
