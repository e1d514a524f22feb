"""The configuration of a small YOLACT (Bolya et al., 2019), on the classes of the official network.

It takes some ten to twenty milliseconds for a frame of 416x240 on one CPU core.
"""

from __future__ import annotations

from vcmflow.nets.yolact.config import LightSpec, YolactConfig

NAME = "yolact_mini"
SPACE = f"{NAME}.res2"  # what the features of stride 4 are called

# Channels after the stem and the stages of strides 4, 8, 16, 32.
WIDTHS = (16, 32, 64, 96, 128)

# Foreground class k of the network, from 0, is this COCO id.
CATEGORIES = (1, 2, 3)

CONFIG = YolactConfig(
    backbone=LightSpec(widths=WIDTHS, blocks=(1, 2, 2, 1)),
    classes=len(CATEGORIES) + 1,
    input_size=(240, 416),
    fpn_width=64,
    prototypes=16,
    proto_convs=1,
    anchor_scales=((16.0, 24.0), (32.0, 45.0), (64.0, 90.0), (128.0, 180.0)),
    anchor_ratios=(0.4, 1.0, 2.0),
    mask_iou=False,
    semantic_head=True,
    mean=(115.0, 115.0, 115.0),
    std=(64.0, 64.0, 64.0),
)
