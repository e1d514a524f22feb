"""The detectors and segmenters: name -> ``"module:builder"``, for ``vcmflow.registry.lookup``."""

from __future__ import annotations

DETECTORS: dict[str, str] = {
    "faster_rcnn_mini": "vcmflow.task.faster_rcnn_mini:build",
}

SEGMENTERS: dict[str, str] = {
    "yolact_mini": "vcmflow.task.yolact_mini:build",
}

TASKS: dict[str, dict[str, str]] = {"detection": DETECTORS, "segmentation": SEGMENTERS}
