"""What keeps the semantics: contrastive learning on one-bit maps of the frames (3.4 of the paper).

BM-Net turns a frame into a map of zeros and ones, so that texture cannot pass; the space-time
network makes one vector of a clip's maps. That of the coded clip has to be nearer to that of its
original than to those of other videos, which wait in a queue (MoCo, He et al., 2020).
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.vcs.causal import fold, unfold

DIMENSION = 128  # of the vectors that are compared
_HIDDEN = 512  # of the heads
_PATCH = 16  # pixels per side


class Residual(nn.Module):
    """Two convolutions beside a shortcut.

    Args:
        inputs: channels.
        outputs: channels.
        stride: of the first convolution, and of the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride)

    def forward(self, frames: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        return F.leaky_relu(self.body(frames) + self.shortcut(frames), 0.2)


class BmNet(nn.Module):
    """Frames to bottleneck maps.

    Args:
        width: channels at half the size; twice as many at a quarter.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Residual(3, width, 2),
            Residual(width, 2 * width, 2),
            nn.Upsample(scale_factor=2),
            Residual(2 * width, width),
            nn.Upsample(scale_factor=2),
            Residual(width, width),
            nn.Conv2d(width, 1, 1),
        )
        self.temperature = 1.0

    def forward(self, clip: Tensor) -> Tensor:
        """(B, 3, T, H, W), sides multiples of 4, to (B, 1, T, H, W) of zeros and ones.

        In training a map is drawn from its probabilities (Jang et al., "Categorical
        reparameterization with Gumbel-softmax", 2017); its gradient is that of the soft draw.
        """
        logits = unfold(self.body(fold(clip)), len(clip))
        if not self.training:
            return (logits > 0).to(logits.dtype)
        uniform = torch.rand_like(logits).clamp(1e-6, 1 - 1e-6)
        noise = torch.log(uniform) - torch.log1p(-uniform)  # the difference of two Gumbels
        soft = torch.sigmoid((logits + noise) / self.temperature)
        hard = (soft > 0.5).to(soft.dtype)
        return hard + soft - soft.detach()


class StAgg(nn.Module):
    """Maps of a clip to one vector, (B, 1, T, H, W) to (B, 256)."""

    FEATURES = 256

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Sequential(
            nn.Conv2d(1, 128, _PATCH, stride=_PATCH), nn.ReLU(), nn.Conv2d(128, 128, 1)
        )
        self.frames = nn.Sequential(Residual(128, 128), Residual(128, self.FEATURES))
        self.times = nn.Conv1d(self.FEATURES, self.FEATURES, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Sides at least 16."""
        features = self.frames(self.patches(fold(maps))).mean(dim=(2, 3))
        series = features.reshape(len(maps), -1, self.FEATURES).transpose(1, 2)
        vector: Tensor = self.times(series).mean(dim=2)
        return vector


class View(nn.Module):
    """A clip (B, 3, T, H, W) to the unit vector that is compared, (B, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = BmNet()
        self.aggregate = StAgg()
        self.head = nn.Sequential(
            nn.Linear(StAgg.FEATURES, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, DIMENSION)
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Unit vectors."""
        return F.normalize(self.head(self.aggregate(self.maps(clip))), dim=1)


class Contrast(nn.Module):
    """The loss of Eq. (3), with a queue of originals seen before.

    Args:
        length: of the queue, a multiple of all clips of a step.
        temperature: similarities are divided by it.
        momentum: share that the network of the originals keeps at a step.
    """

    queue: Tensor
    place: Tensor

    def __init__(
        self, length: int = 65536, temperature: float = 0.2, momentum: float = 0.999
    ) -> None:
        super().__init__()
        self.query = View()
        self.key = copy.deepcopy(self.query).requires_grad_(False)
        self.temperature = temperature
        self.momentum = momentum
        self.register_buffer("queue", F.normalize(torch.randn(length, DIMENSION), dim=1))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    def forward(self, coded: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss of clips, both (B, 3, T, H, W), and the originals' vectors for ``follow``."""
        queries = self.query(coded)
        with torch.no_grad():
            keys = self.key(originals)
        right = (queries * keys).sum(dim=1, keepdim=True)
        logits = torch.cat([right, queries @ self.queue.clone().T], dim=1) / self.temperature
        target = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
        return F.cross_entropy(logits, target), keys

    @torch.no_grad()
    def follow(self, keys: Tensor) -> None:
        """After a step: move the originals' network, and put their vectors into the queue."""
        for own, other in zip(self.key.parameters(), self.query.parameters(), strict=True):
            own.lerp_(other, 1 - self.momentum)
        length = len(self.queue)
        places = (int(self.place) + torch.arange(len(keys), device=keys.device)) % length
        self.queue[places] = keys.to(self.queue.dtype)
        self.place.copy_((self.place + len(keys)) % length)

    def soften(self, temperature: float) -> None:
        """Set the temperature of the maps' draws."""
        self.query.maps.temperature = temperature
        self.key.maps.temperature = temperature
