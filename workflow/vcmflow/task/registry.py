"""The detectors and segmenters: name -> ``"module:builder"``, for ``core.registry.lookup``."""

from __future__ import annotations

_TV = "vcmflow.task.torchvision_detectors"

DETECTORS: dict[str, str] = {
    "detectron2": "vcmflow.task.detectron2_backend:build",
    "faster_rcnn_mini": "vcmflow.task.faster_rcnn_mini:build",
    "faster_rcnn_x101": "vcmflow.task.faster_rcnn_x101:build",
    "fasterrcnn_mobilenet_v3_large_320_fpn": f"{_TV}:fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn": f"{_TV}:fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn": f"{_TV}:fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2": f"{_TV}:fasterrcnn_resnet50_fpn_v2",
    "fcos_resnet50_fpn": f"{_TV}:fcos_resnet50_fpn",
    "onnx": "vcmflow.task.onnx_detector:build",
    "retinanet_resnet50_fpn": f"{_TV}:retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2": f"{_TV}:retinanet_resnet50_fpn_v2",
    "ssd300_vgg16": f"{_TV}:ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large": f"{_TV}:ssdlite320_mobilenet_v3_large",
}

SEGMENTERS: dict[str, str] = {
    "maskrcnn_resnet50_fpn": f"{_TV}:maskrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2": f"{_TV}:maskrcnn_resnet50_fpn_v2",
    "yolact_mini": "vcmflow.task.yolact_mini:build",
    "yolact_plus_base": "vcmflow.task.yolact_plus:base",
    "yolact_plus_resnet50": "vcmflow.task.yolact_plus:resnet50",
}

# Small enough that a CPU is done before a GPU has started, and the same on every machine.
ON_CPU = frozenset({"faster_rcnn_mini", "onnx", "yolact_mini"})

TASKS: dict[str, dict[str, str]] = {"detection": DETECTORS, "segmentation": SEGMENTERS}
