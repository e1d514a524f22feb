"""The kinds of tasks and their models.

Those without ``gpu`` are so small that a CPU is done before a GPU has started, with the same result
on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vcmflow.core.registry import Entry


@dataclass(frozen=True)
class ModelEntry(Entry):
    """A model: builder(weights: Path | None, device: str, **options) -> model.

    Attributes:
        reads: what its method ``run`` takes, which gives a list of results: an iterator of
            ``frames`` (uint8 H x W x 3, RGB), the list of all frames of a ``clip``, or an iterator
            of ``features`` (name -> array). A detector (``vcmflow.core.detections``) has a method
            ``detect`` instead, for a few frames at a time.
        spaces: of features that it can go on from: one with ``detect`` has ``run``, too, for these.
        first_masks: ``run`` takes the masks of the first frame's objects besides, as a mapping from
            their numbers to bool H x W.
    """

    reads: Literal["frames", "clip", "features"] = "frames"
    spaces: tuple[str, ...] = ()
    first_masks: bool = False


_TV = "vcmflow.task.torchvision_detectors"

DETECTORS: dict[str, ModelEntry] = {
    "detectron2": ModelEntry("vcmflow.task.detectron2_backend:build", gpu=True),
    "faster_rcnn_mini": ModelEntry(
        "vcmflow.task.faster_rcnn_mini:build", spaces=("faster_rcnn_mini.res2",)
    ),
    "faster_rcnn_r50": ModelEntry(
        "vcmflow.task.faster_rcnn_x101:r50", gpu=True, spaces=("faster_rcnn_r50.res2",)
    ),
    "faster_rcnn_x101": ModelEntry("vcmflow.task.faster_rcnn_x101:build", gpu=True),
    # The boxes around what it segments.
    "yolact_mini": ModelEntry("vcmflow.task.yolact_mini:build", spaces=("yolact_mini.res2",)),
    "fasterrcnn_mobilenet_v3_large_320_fpn": ModelEntry(
        f"{_TV}:fasterrcnn_mobilenet_v3_large_320_fpn", gpu=True
    ),
    "fasterrcnn_mobilenet_v3_large_fpn": ModelEntry(
        f"{_TV}:fasterrcnn_mobilenet_v3_large_fpn", gpu=True
    ),
    "fasterrcnn_resnet50_fpn": ModelEntry(f"{_TV}:fasterrcnn_resnet50_fpn", gpu=True),
    "fasterrcnn_resnet50_fpn_v2": ModelEntry(f"{_TV}:fasterrcnn_resnet50_fpn_v2", gpu=True),
    "fcos_resnet50_fpn": ModelEntry(f"{_TV}:fcos_resnet50_fpn", gpu=True),
    "onnx": ModelEntry("vcmflow.task.onnx_detector:build"),
    "retinanet_resnet50_fpn": ModelEntry(f"{_TV}:retinanet_resnet50_fpn", gpu=True),
    "retinanet_resnet50_fpn_v2": ModelEntry(f"{_TV}:retinanet_resnet50_fpn_v2", gpu=True),
    "ssd300_vgg16": ModelEntry(f"{_TV}:ssd300_vgg16", gpu=True),
    "ssdlite320_mobilenet_v3_large": ModelEntry(f"{_TV}:ssdlite320_mobilenet_v3_large", gpu=True),
}

SEGMENTERS: dict[str, ModelEntry] = {
    "maskrcnn_resnet50_fpn": ModelEntry(f"{_TV}:maskrcnn_resnet50_fpn", gpu=True),
    "maskrcnn_resnet50_fpn_v2": ModelEntry(f"{_TV}:maskrcnn_resnet50_fpn_v2", gpu=True),
    "yolact_mini": ModelEntry("vcmflow.task.yolact_mini:build", spaces=("yolact_mini.res2",)),
    "yolact_plus_base": ModelEntry("vcmflow.task.yolact_plus:base", gpu=True),
    "yolact_plus_resnet50": ModelEntry("vcmflow.task.yolact_plus:resnet50", gpu=True),
}

# What gives every box the number of its object; a detector is one of its options.
FOLLOWERS: dict[str, ModelEntry] = {
    "tracked": ModelEntry("vcmflow.task.tracked:build", gpu=True),
}

# What takes features to a space that a model can go on from: (weights, device) -> Transfer.
TRANSFER = Entry("vcmflow.nets.transvfc.transfer:load")

_ACTION = "vcmflow.task.action"

# What names the action of a whole clip.
RECOGNISERS: dict[str, ModelEntry] = {
    "mc3_18": ModelEntry(f"{_ACTION}:mc3_18", reads="clip", gpu=True),
    "mvit_v1_b": ModelEntry(f"{_ACTION}:mvit_v1_b", reads="clip", gpu=True),
    "mvit_v2_s": ModelEntry(f"{_ACTION}:mvit_v2_s", reads="clip", gpu=True),
    "onnx": ModelEntry("vcmflow.task.onnx_action:build", reads="clip"),
    "r2plus1d_18": ModelEntry(f"{_ACTION}:r2plus1d_18", reads="clip", gpu=True),
    "r2plus1d_mini": ModelEntry(f"{_ACTION}:mini", reads="clip"),
    "r3d_18": ModelEntry(f"{_ACTION}:r3d_18", reads="clip", gpu=True),
    "s3d": ModelEntry(f"{_ACTION}:s3d", reads="clip", gpu=True),
    "swin3d_b": ModelEntry(f"{_ACTION}:swin3d_b", reads="clip", gpu=True),
    "swin3d_s": ModelEntry(f"{_ACTION}:swin3d_s", reads="clip", gpu=True),
    "swin3d_t": ModelEntry(f"{_ACTION}:swin3d_t", reads="clip", gpu=True),
    "timesformer": ModelEntry(f"{_ACTION}:timesformer", reads="clip", gpu=True),
    "tsm_resnet50": ModelEntry(f"{_ACTION}:tsm_resnet50", reads="clip", gpu=True),
    "tsn_resnet50": ModelEntry(f"{_ACTION}:tsn_resnet50", reads="clip", gpu=True),
}

# What follows the masks of the first frame.
PROPAGATORS: dict[str, ModelEntry] = {
    "flow": ModelEntry("vcmflow.task.vos_flow:build", reads="clip", first_masks=True),
    "xmem": ModelEntry("vcmflow.task.vos_xmem:build", reads="clip", first_masks=True, gpu=True),
}

# kind of task -> its models; vcmflow.score.registry has what evaluates the kind.
TASKS: dict[str, dict[str, ModelEntry]] = {
    "action": RECOGNISERS,
    "detection": DETECTORS,
    "segmentation": SEGMENTERS,
    "tracking": FOLLOWERS,
    "vos": PROPAGATORS,
}
