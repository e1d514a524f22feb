"""Faster R-CNN X101-32x8d-FPN and R50-FPN with detectron2's weights (Apache-2.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vcmflow.nets.checkpoint import build
from vcmflow.nets.faster_rcnn.network import FasterRcnn, FasterRcnnConfig

NAME = "faster_rcnn_X_101_32x8d_FPN_3x"
R50_NAME = "faster_rcnn_R_50_FPN"
SPACE = "faster_rcnn_r50.res2"  # what the features of stride 4 of the second are called
SIDES = (800, 1333)  # px: of the shorter side after resizing, and at most of the longer one

# Constants that older files carry beside the weights.
IGNORED = re.compile(r"pixel_(mean|std)|.*anchor_generator\.cell_anchors\.\d+")

# detectron2's names -> ours, in this order.
RENAMES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"backbone\.bottom_up\.stem\.conv1\.norm\.", "backbone.body.bn1."),
        (r"backbone\.bottom_up\.stem\.conv1\.", "backbone.body.conv1."),
        (r"backbone\.bottom_up\.res2\.", "backbone.body.layer1."),
        (r"backbone\.bottom_up\.res3\.", "backbone.body.layer2."),
        (r"backbone\.bottom_up\.res4\.", "backbone.body.layer3."),
        (r"backbone\.bottom_up\.res5\.", "backbone.body.layer4."),
        (r"(\.layer\d\.\d+\.)conv(\d)\.norm\.", r"\1bn\2."),
        (r"(\.layer\d\.\d+\.)shortcut\.norm\.", r"\1downsample.1."),
        (r"(\.layer\d\.\d+\.)shortcut\.", r"\1downsample.0."),
        (r"backbone\.fpn_lateral2\.", "backbone.fpn.inner_blocks.0.0."),
        (r"backbone\.fpn_lateral3\.", "backbone.fpn.inner_blocks.1.0."),
        (r"backbone\.fpn_lateral4\.", "backbone.fpn.inner_blocks.2.0."),
        (r"backbone\.fpn_lateral5\.", "backbone.fpn.inner_blocks.3.0."),
        (r"backbone\.fpn_output2\.", "backbone.fpn.layer_blocks.0.0."),
        (r"backbone\.fpn_output3\.", "backbone.fpn.layer_blocks.1.0."),
        (r"backbone\.fpn_output4\.", "backbone.fpn.layer_blocks.2.0."),
        (r"backbone\.fpn_output5\.", "backbone.fpn.layer_blocks.3.0."),
        (r"proposal_generator\.rpn_head\.", "rpn_head."),
        (r"roi_heads\.box_head\.", "box_head."),
        (r"roi_heads\.box_predictor\.", "box_head."),
    )
)


def own_name(name: str) -> str:
    """Translate a tensor's name from detectron2's to ours; unknown names stay."""
    for pattern, replacement in RENAMES:
        name = pattern.sub(replacement, name)
    return name


def _own_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {own_name(key): value for key, value in state.items() if not IGNORED.fullmatch(key)}


def load(
    weights: Path | None, config: FasterRcnnConfig | None = None, name: str = NAME
) -> FasterRcnn:
    """Build the network in evaluation mode on the CPU.

    Args:
        weights: detectron2's ``model_final_68b088.pkl``, or None for fixed random weights.
        config: thresholds; shapes must stay the default ones, or those of ``R50``, for the official
            weights.
        name: for error messages.

    Raises:
        VcmflowError: the file cannot be read or is not one of this network.
    """
    return build(lambda: FasterRcnn(config), weights, name, _own_names)
