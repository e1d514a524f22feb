"""PatchGAN (Isola et al., 2017) with the losses of LSGAN (Mao et al., 2017), frame by frame."""

from __future__ import annotations

from torch import Tensor, nn

_WIDTH = 64


class PatchGan(nn.Module):
    """How real every patch of about 70 pixels looks: (N, 3, H, W) to (N, 1, H / 8 - 2, W / 8 - 2).

    Args:
        depth: layers that halve the size.
    """

    def __init__(self, depth: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for number in range(depth + 1):
            after = _WIDTH * min(8, 2**number)
            layers.append(nn.Conv2d(before, after, 4, stride=2 if number < depth else 1, padding=1))
            if number:
                layers.append(nn.InstanceNorm2d(after))
            layers.append(nn.LeakyReLU(0.2))
            before = after
        layers.append(nn.Conv2d(before, 1, 4, padding=1))
        self.body = nn.Sequential(*layers)

    def forward(self, frames: Tensor) -> Tensor:
        """Sides of 32 pixels or more."""
        scores: Tensor = self.body(frames * 2 - 1)
        return scores


def look_real(scores: Tensor) -> Tensor:
    """What the maker of frames minimises."""
    return (scores - 1).square().mean()


def tell_apart(real: Tensor, made: Tensor) -> Tensor:
    """What the discriminator minimises."""
    return ((real - 1).square().mean() + made.square().mean()) / 2
