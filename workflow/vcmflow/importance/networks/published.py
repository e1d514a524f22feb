"""torchvision's published networks by their names there, for users who have their weights.

Nothing is downloaded: the file, of ImageNet's or COCO's classes, is given by its path. torchvision
and its weights are under the BSD-3-Clause licence.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import get_model

from vcmflow.importance.gradient import Network
from vcmflow.nets.checkpoint import load_state, read_state
from vcmflow.nets.embedding import normalise

_STAGES = ("layer1", "layer2", "layer3", "layer4")
# name -> the layers whose outputs are features
LAYERS: dict[str, tuple[str, ...]] = {
    "resnet18": _STAGES,
    "resnet50": _STAGES,
    "mobilenet_v3_large": ("features.3", "features.6", "features.12", "features.15"),
    "deeplabv3_resnet50": tuple(f"backbone.{stage}" for stage in _STAGES),
}
DENSE = {"deeplabv3_resnet50": {"weights_backbone": None, "num_classes": 21, "aux_loss": True}}


def network(name: str) -> nn.Module:
    """Make torchvision's network of this name, as its published weights need it."""
    module: nn.Module = get_model(name, weights=None, **DENSE.get(name, {}))
    return module


def build(name: str, weights: Path | None, seed: int) -> Network:
    """Features: the stages. Confidences: of every class, or of the best object at every pixel.

    Args:
        name: torchvision's name of it.
        weights: torchvision's ``.pth``; None for an untrained network.
        seed: of an untrained one.

    Raises:
        VcmflowError: weights that cannot be read or do not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network(name).eval()
    if weights is not None:
        load_state(model, read_state(weights), weights, f"torchvision's {name}")
    model = model.to(memory_format=torch.channels_last)

    def features(picture: Tensor) -> list[Tensor]:
        found: list[Tensor] = []

        def keep(module: nn.Module, given: Any, output: Tensor) -> None:  # noqa: ARG001
            found.append(output)

        hooks = [model.get_submodule(layer).register_forward_hook(keep) for layer in LAYERS[name]]
        try:
            model(normalise(picture))
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def confidences(picture: Tensor) -> Tensor:
        if name not in DENSE:
            scores: Tensor = model(normalise(picture))[0]
            return scores.softmax(dim=0)
        classes: Tensor = model(normalise(picture))["out"]
        return (1 - classes.softmax(dim=1)[:, 0]).flatten()

    return Network(model, features, confidences)


resnet18 = partial(build, "resnet18")
resnet50 = partial(build, "resnet50")
mobilenet_v3_large = partial(build, "mobilenet_v3_large")
deeplabv3_resnet50 = partial(build, "deeplabv3_resnet50")
