"""Action recognition: torchvision's video networks, TSM, TSN, TimeSformer, a small R(2+1)D."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vcmflow.core.clips import View
from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Count, Natural
from vcmflow.nets.checkpoint import load_state, read_state
from vcmflow.task.recogniser import IMAGENET, Colours, Recogniser, read_classes

_KINETICS = ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
_HALF = ((0.45,) * 3, (0.225,) * 3)


@dataclass(frozen=True)
class Shape:
    """A published network: what it sees, its colours, the clips of its published accuracy.

    Strides are those of videos of 30 frames per second.
    """

    view: View
    colours: Colours
    clips: int


_SMALL = Shape(View(16, 2, 128, 112), _KINETICS, 5)
_MVIT = Shape(View(16, 4, 256, 224), _HALF, 5)
_SWIN = Shape(View(32, 2, 256, 224), IMAGENET, 12)
SHAPES: dict[str, Shape] = {
    "r3d_18": _SMALL,
    "mc3_18": _SMALL,
    "r2plus1d_18": _SMALL,
    "s3d": Shape(View(128, 2, 256, 224), _KINETICS, 1),
    "mvit_v1_b": _MVIT,
    "mvit_v2_s": _MVIT,
    "swin3d_t": _SWIN,
    "swin3d_s": _SWIN,
    "swin3d_b": _SWIN,
    "timesformer": Shape(View(8, 32, 256, 224), _HALF, 1),
    "tsm_resnet50": Shape(View(8, 0, 256, 224), IMAGENET, 1),
    "tsn_resnet50": Shape(View(8, 0, 256, 224), IMAGENET, 1),
}


def build(
    name: str,
    weights: Path | None,
    device: str,
    classes: Path | None = None,
    frames: Count | None = None,
    stride: Natural | None = None,
    clips: Count | None = None,
    short_side: Count | None = None,
    crop: Count | None = None,
) -> Recogniser:
    """Build a published network.

    Args:
        name: a key of ``SHAPES``.
        weights: its checkpoint, of any number of classes; None for fixed random values.
        device: "cpu" or "cuda".
        classes: text file with the name of a class per line, in the network's order; None for
            Kinetics-400's.
        frames: of a clip; None: the network's own, and so on.
        stride: frames from one to the next; 0: they are spread over the whole video.
        clips: of a video, whose scores are averaged.
        short_side: px; frames are resized to it.
        crop: px; side of the square in the middle.

    Raises:
        VcmflowError: weights that cannot be read or do not fit, or as many names as it has not.
    """
    shape = SHAPES[name]
    given = {"frames": frames, "stride": stride, "short_side": short_side, "crop": crop}
    view = replace(shape.view, **{key: value for key, value in given.items() if value is not None})
    labels = kinetics400() if classes is None else read_classes(classes)
    state = None if weights is None else _named(name, read_state(weights))
    if state is not None:
        count = _count(state)
        if count != len(labels):
            raise VcmflowError(
                f"{weights}: {name} of {count or 'unknown'} classes, and there are {len(labels)} "
                f"names ({classes or 'Kinetics-400'}); name its classes with the option classes"
            )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = _network(name, len(labels), view).eval()
    if state is not None:
        load_state(module, state, Path(weights or ""), name)
    module.to(device)
    count = sum(value.numel() for value in module.parameters())
    chosen = shape.clips if clips is None else clips
    scores = partial(run_module, module, device)
    return Recogniser(scores, labels, view, chosen if view.stride else 1, shape.colours, count)


def mini(weights: Path | None, device: str) -> Recogniser:
    """Build the small R(2+1)D; its classes and what it sees are in its weights file.

    Args:
        weights: safetensors file from ``vcmflow stage train``; None for fixed random values.
        device: "cpu" or "cuda".

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    from vcmflow.nets.r2plus1d_mini import NAME, VIEW, MiniR2Plus1d
    from vcmflow.nets.weights import fixed_weights, load_halves, read_weights
    from vcmrender.api import MOTIONS

    labels: tuple[str, ...] = MOTIONS
    if weights is None:
        module = MiniR2Plus1d(len(labels)).eval()
        fixed_weights(module)
    else:
        notes = read_weights(weights)[1].get("notes", {})
        labels = tuple(notes.get("classes", labels))
        module = MiniR2Plus1d(len(labels)).eval()
        load_halves(weights, module, NAME)
    module.to(device)
    count = sum(value.numel() for value in module.parameters())
    return Recogniser(partial(run_module, module, device), labels, VIEW, 1, IMAGENET, count)


@torch.inference_mode()
def run_module(
    module: nn.Module, device: str, clips: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Run a network on normalised clips."""
    scores: Tensor = module(torch.from_numpy(np.ascontiguousarray(clips)).to(device))
    return scores.float().cpu().numpy()


def _network(name: str, classes: int, view: View) -> nn.Module:
    if name in ("tsm_resnet50", "tsn_resnet50"):
        from vcmflow.nets.tsm import Tsm

        return Tsm(classes, view.frames, shifted=name.startswith("tsm"))
    if name == "timesformer":
        from vcmflow.nets.timesformer import PATCH, TimeSformer

        if view.crop % PATCH:
            raise VcmflowError(f"{name}: crop is {view.crop}; allowed: a multiple of {PATCH}")
        return TimeSformer(classes, view.frames, view.crop)
    from torchvision.models import get_model

    own = SHAPES[name].view
    for key in ("frames", "crop") if name.startswith("mvit") else ():
        if getattr(view, key) != getattr(own, key):
            raise VcmflowError(
                f"{name}: {key} is {getattr(view, key)}; allowed: {getattr(own, key)}"
            )
    module: nn.Module = get_model(name, weights=None, num_classes=classes)
    return module


def _named(name: str, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    if name in ("tsm_resnet50", "tsn_resnet50"):
        from vcmflow.nets.tsm import names

        return names(state)
    if name == "timesformer":
        from vcmflow.nets import timesformer

        return timesformer.names(state)
    return state


def _count(state: Mapping[str, Tensor]) -> int:
    """Classes of a network, by the biases of its last layer."""
    heads = ("net.fc.bias", "fc.bias", "head.bias", "head.1.bias", "classifier.1.bias")
    return next((len(state[key]) for key in heads if key in state), 0)


def kinetics400() -> tuple[str, ...]:
    """The classes of Kinetics-400 in the order of torchvision's weights."""
    from torchvision.models.video import R3D_18_Weights

    return tuple(R3D_18_Weights.KINETICS400_V1.meta["categories"])


r3d_18 = partial(build, "r3d_18")
mc3_18 = partial(build, "mc3_18")
r2plus1d_18 = partial(build, "r2plus1d_18")
s3d = partial(build, "s3d")
mvit_v1_b = partial(build, "mvit_v1_b")
mvit_v2_s = partial(build, "mvit_v2_s")
swin3d_t = partial(build, "swin3d_t")
swin3d_s = partial(build, "swin3d_s")
swin3d_b = partial(build, "swin3d_b")
timesformer = partial(build, "timesformer")
tsm_resnet50 = partial(build, "tsm_resnet50")
tsn_resnet50 = partial(build, "tsn_resnet50")
