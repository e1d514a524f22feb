"""The detectors and segmenters.

Those without ``gpu`` are so small that a CPU is done before a GPU has started, with the same result
on every machine.
"""

from __future__ import annotations

from vcmflow.core.registry import Entry

_TV = "vcmflow.task.torchvision_detectors"

DETECTORS: dict[str, Entry] = {
    "detectron2": Entry("vcmflow.task.detectron2_backend:build", gpu=True),
    "faster_rcnn_mini": Entry("vcmflow.task.faster_rcnn_mini:build"),
    "faster_rcnn_x101": Entry("vcmflow.task.faster_rcnn_x101:build", gpu=True),
    "fasterrcnn_mobilenet_v3_large_320_fpn": Entry(
        f"{_TV}:fasterrcnn_mobilenet_v3_large_320_fpn", gpu=True
    ),
    "fasterrcnn_mobilenet_v3_large_fpn": Entry(
        f"{_TV}:fasterrcnn_mobilenet_v3_large_fpn", gpu=True
    ),
    "fasterrcnn_resnet50_fpn": Entry(f"{_TV}:fasterrcnn_resnet50_fpn", gpu=True),
    "fasterrcnn_resnet50_fpn_v2": Entry(f"{_TV}:fasterrcnn_resnet50_fpn_v2", gpu=True),
    "fcos_resnet50_fpn": Entry(f"{_TV}:fcos_resnet50_fpn", gpu=True),
    "onnx": Entry("vcmflow.task.onnx_detector:build"),
    "retinanet_resnet50_fpn": Entry(f"{_TV}:retinanet_resnet50_fpn", gpu=True),
    "retinanet_resnet50_fpn_v2": Entry(f"{_TV}:retinanet_resnet50_fpn_v2", gpu=True),
    "ssd300_vgg16": Entry(f"{_TV}:ssd300_vgg16", gpu=True),
    "ssdlite320_mobilenet_v3_large": Entry(f"{_TV}:ssdlite320_mobilenet_v3_large", gpu=True),
}

SEGMENTERS: dict[str, Entry] = {
    "maskrcnn_resnet50_fpn": Entry(f"{_TV}:maskrcnn_resnet50_fpn", gpu=True),
    "maskrcnn_resnet50_fpn_v2": Entry(f"{_TV}:maskrcnn_resnet50_fpn_v2", gpu=True),
    "yolact_mini": Entry("vcmflow.task.yolact_mini:build"),
    "yolact_plus_base": Entry("vcmflow.task.yolact_plus:base", gpu=True),
    "yolact_plus_resnet50": Entry("vcmflow.task.yolact_plus:resnet50", gpu=True),
}

TASKS: dict[str, dict[str, Entry]] = {"detection": DETECTORS, "segmentation": SEGMENTERS}
