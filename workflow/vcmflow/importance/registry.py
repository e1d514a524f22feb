"""The importance maps, and the networks whose gradients some of them are made of. Light."""

from __future__ import annotations

from dataclasses import dataclass

from vcmflow.core.registry import Entry


@dataclass(frozen=True)
class MapEntry(Entry):
    """An importance map.

    Attributes:
        truth: it is made of the ground truth: a bound, and no method.
    """

    truth: bool = False


_GRADIENT = "vcmflow.importance.gradient"

# name -> builder(**options) -> vcmflow.importance.maps.Score, with the parameters weights, device
# and truth where it has them
MAPS: dict[str, MapEntry] = {
    "plis": MapEntry(f"{_GRADIENT}:plis", gpu=True),
    "confidence": MapEntry(f"{_GRADIENT}:confidence", gpu=True),
    "random": MapEntry(f"{_GRADIENT}:untrained", gpu=True),
    "texture": MapEntry("vcmflow.importance.texture:build"),
    "boxes": MapEntry("vcmflow.importance.boxes:build", truth=True),
}

_NETWORKS = "vcmflow.importance.networks"

# name -> builder(weights, seed) -> vcmflow.importance.gradient.Network
NETWORKS: dict[str, Entry] = {
    "proxy_mini": Entry(f"{_NETWORKS}.proxy_mini:build"),
    "faster_rcnn_mini": Entry(f"{_NETWORKS}.faster_rcnn_mini:build"),
    "yolact_mini": Entry(f"{_NETWORKS}.yolact_mini:build"),
    "resnet18": Entry(f"{_NETWORKS}.published:resnet18"),
    "resnet50": Entry(f"{_NETWORKS}.published:resnet50"),
    "mobilenet_v3_large": Entry(f"{_NETWORKS}.published:mobilenet_v3_large"),
    "deeplabv3_resnet50": Entry(f"{_NETWORKS}.published:deeplabv3_resnet50"),
}
PROXY = "proxy_mini"  # where an instance names none
