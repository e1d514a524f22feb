"""detectron2 itself as a detector, where it is installed (envs/detectron2.yaml).

The same interface and results as ``faster_rcnn_x101``, for any detector of detectron2's model zoo.
detectron2 is under the Apache-2.0 licence.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vcmflow.core.detections import Detections
from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Share
from vcmflow.core.video import Frame
from vcmflow.nets.checkpoint import load_state, read_state
from vcmflow.nets.faster_rcnn.load import IGNORED
from vcmflow.task.coco_ids import COCO_IDS
from vcmflow.task.found import AtMost, ranked

NAME = "detectron2"


def _part(name: str) -> Any:
    """Import a module of detectron2.

    Raises:
        VcmflowError: it is not installed.
    """
    try:
        return importlib.import_module(f"detectron2.{name}" if name else "detectron2")
    except ImportError as error:
        raise VcmflowError(
            f"detectron2 cannot be imported ({error}); make the environment of envs/detectron2.yaml"
            ", or take the detector faster_rcnn_x101, which gives the same results without it"
        ) from None


class Detectron2Detector:
    """A model of detectron2's as a ``Detector`` of COCO's 80 classes."""

    def __init__(self, model: nn.Module, transform: Any, colours: str) -> None:
        self._model = model
        self._transform = transform
        self._step = 1 if colours == "RGB" else -1
        self.parameters = sum(value.numel() for value in model.parameters())

    @torch.inference_mode()
    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect in frames (uint8 H x W x 3, RGB); see ``vcmflow.core.detections.Detector``."""
        results: list[Detections] = []
        for frame in frames:
            height, width = frame.shape[:2]
            picture = np.ascontiguousarray(frame[..., :: self._step])
            resized = self._transform.get_transform(picture).apply_image(picture)
            image = torch.from_numpy(resized.astype(np.float32).transpose(2, 0, 1).copy())
            found = self._model([{"image": image, "height": height, "width": width}])[0]
            instances = found["instances"].to("cpu")
            results.append(
                ranked(
                    instances.pred_boxes.tensor.numpy(),
                    instances.scores.numpy(),
                    COCO_IDS[instances.pred_classes.numpy()],
                )
            )
        return results


def build(
    weights: Path | None,
    device: str,
    config: str = "COCO-Detection/faster_rcnn_X_101_32x8d_FPN_3x.yaml",
    score_threshold: Share = 0.05,
    detections: AtMost = 100,
) -> Detectron2Detector:
    """Build a detector of detectron2's model zoo.

    Args:
        weights: the zoo's ``.pkl`` of that configuration; None for random values.
        device: "cpu" or "cuda".
        config: the configuration's name in the zoo, of a detector of COCO's classes.
        score_threshold: detections not above this score are dropped, 0..1.
        detections: at most this many per frame.

    Raises:
        VcmflowError: detectron2 is not installed, knows no such configuration, or the weights
            cannot be read or do not fit.
    """
    settings = _part("config").get_cfg()
    try:
        settings.merge_from_file(_part("model_zoo").get_config_file(config))
    except RuntimeError as error:
        raise VcmflowError(f"{NAME}: config {config!r}: {error}") from None
    settings.MODEL.DEVICE = device
    settings.MODEL.WEIGHTS = ""
    settings.MODEL.ROI_HEADS.SCORE_THRESH_TEST = score_threshold
    settings.MODEL.RETINANET.SCORE_THRESH_TEST = score_threshold
    settings.TEST.DETECTIONS_PER_IMAGE = int(detections)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: nn.Module = _part("modeling").build_model(settings).eval()
    if weights is not None:
        # Not detectron2's own reader: that one would run whatever the pickle names.
        state = {k: v for k, v in read_state(weights).items() if not IGNORED.fullmatch(k)}
        load_state(model, state, Path(weights), config)
        model.to(device)
    side = settings.INPUT.MIN_SIZE_TEST
    transforms = _part("data.transforms")
    resize = transforms.ResizeShortestEdge([side, side], settings.INPUT.MAX_SIZE_TEST)
    return Detectron2Detector(model, resize, settings.INPUT.FORMAT)
