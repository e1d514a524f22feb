"""Training of the proxy network: the class of every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.embedding import normalise
from vcmflow.nets.proxy_mini import CATEGORIES, NAME, ProxyNetwork
from vcmflow.nets.weights import load_halves
from vcmflow.train.models.samples import Sample
from vcmflow.train.models.trainee import ModelTrainee
from vcmflow.train.models.validate import NAMES

# Objects cover a few per cent of the pixels; a pixel of one counts as much as this many others.
OBJECT_WEIGHT = 4.0


def labels(samples: Sequence[Sample]) -> Tensor:
    """Classes of all pixels of samples of one size: int64 (B, H, W), 0 for the background."""
    found = []
    for sample in samples:
        classes = [0, *(1 + CATEGORIES.index(int(category)) for category in sample.categories)]
        found.append(np.array(classes, np.int64)[sample.owner])
    return torch.from_numpy(np.stack(found))


def pictures(samples: Sequence[Sample], device: torch.device) -> Tensor:
    """Normalised frames of samples of one size: (B, 3, H, W)."""
    frames = torch.from_numpy(np.stack([sample.frame for sample in samples])).to(device)
    return normalise(frames.permute(0, 3, 1, 2)).contiguous(memory_format=torch.channels_last)


class ProxyTrainee(ModelTrainee):
    """The network with the cross-entropy of its pixels."""

    kind = "detection"  # which family of scenes prevails
    name = NAME

    def untrained(self) -> nn.Module:
        """Make the network."""
        return ProxyNetwork()

    def losses(
        self, model: nn.Module, samples: Sequence[Sample], device: torch.device
    ) -> dict[str, Tensor]:
        """Weighted mean cross-entropy over all pixels."""
        logits: Tensor = model(pictures(samples, device)).float()
        weights = logits.new_tensor([1.0] + [OBJECT_WEIGHT] * len(CATEGORIES))
        return {"semantic": F.cross_entropy(logits, labels(samples).to(device), weights)}

    @torch.inference_mode()
    def validate(self, weights: Path) -> dict[str, float]:
        """IoU over the pixels of all held-out pictures, of the classes there are, and its mean."""
        model = ProxyNetwork().eval()
        load_halves(weights, model, NAME)
        device = torch.device(self._device)
        model.to(device)
        confusion = torch.zeros(len(CATEGORIES) + 1, len(CATEGORIES) + 1, dtype=torch.int64)
        for sample in self._held_out:
            found = model(pictures([sample], device)).argmax(dim=1).cpu()
            truth = labels([sample])
            pairs = truth.flatten() * len(confusion) + found.flatten()
            confusion += torch.bincount(pairs, minlength=confusion.numel()).view_as(confusion)
        both = confusion.diagonal()
        either = confusion.sum(0) + confusion.sum(1) - both
        names = ["background", *(NAMES[category] for category in CATEGORIES)]
        counts = zip(names, both.tolist(), either.tolist(), strict=True)
        scores = {name: right / there for name, right, there in counts if there}
        return {**scores, "miou": sum(scores.values()) / len(scores)}
