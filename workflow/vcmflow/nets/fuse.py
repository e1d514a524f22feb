"""Batch normalisation folded into the convolutions before it: the same result, less work."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Module = TypeVar("Module", bound=nn.Module)


def fold_batch_norms(module: Module) -> Module:
    """Return a copy of a module in evaluation mode whose batch normalisations are folded away.

    Pairs are found by name, as residual networks name them: ``convN`` with ``bnN`` or ``normN``, or
    neighbours in an ``nn.Sequential``. Others stay as they are.
    """
    folded = copy.deepcopy(module).eval()
    for parent in list(folded.modules()):
        children = dict(parent.named_children())
        names = list(children)
        for place, name in enumerate(names):
            conv = children[name]
            follower = name.replace("conv", "bn")
            if follower not in children:
                follower = name.replace("conv", "norm")
            if isinstance(parent, nn.Sequential) and place + 1 < len(names):
                follower = names[place + 1]
            norm = children.get(follower)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(conv, norm))
                setattr(parent, follower, nn.Identity())
    return folded
