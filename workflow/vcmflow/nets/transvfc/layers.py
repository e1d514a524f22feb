"""Building blocks of TransVFC; names of tensors follow the published ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_PEDESTAL = 2.0**-36


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size, or halves it."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)


def deconv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.ConvTranspose2d:
    """A transposed convolution that keeps the size, or doubles it."""
    return nn.ConvTranspose2d(
        inputs, outputs, kernel, stride, padding=kernel // 2, output_padding=stride - 1
    )


class _LowerBound(torch.autograd.Function):
    """max(x, bound), whose gradient also passes where it would lift x back to the bound."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, bound: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bound = bound  # type: ignore[attr-defined]
        return x.clamp(min=bound)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor
    ) -> tuple[Tensor, None]:
        (gradient,) = gradients
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return gradient * ((x >= ctx.bound) | (gradient < 0)), None  # type: ignore[attr-defined]


class Gdn(nn.Module):
    """Generalised divisive normalisation (Ballé et al., ICLR 2016).

    y_i = x_i / sqrt(beta_i + sum_j gamma_ij x_j^2); the inverse multiplies by the root. beta and
    gamma are stored as roots, and kept from zero.
    """

    def __init__(self, channels: int, *, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(torch.full((channels,), (1 + _PEDESTAL) ** 0.5))
        self.gamma = nn.Parameter((0.1 * torch.eye(channels) + _PEDESTAL).sqrt())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        beta = _LowerBound.apply(self.beta, (1e-6 + _PEDESTAL) ** 0.5)
        gamma = _LowerBound.apply(self.gamma, _PEDESTAL**0.5)
        weight = (gamma**2 - _PEDESTAL)[..., None, None]
        norm = F.conv2d(x * x, weight, beta**2 - _PEDESTAL).sqrt()
        return x * norm if self.inverse else x / norm


class Res(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv(channels, channels, 3)
        self.conv2 = conv(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        y: Tensor = self.conv2(F.leaky_relu(self.conv1(x), 0.01))
        return x + y


class GdnRes(nn.Module):
    """The block behind a GDN: both convolutions are followed by a LeakyReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            conv(channels, channels, 3),
            nn.LeakyReLU(0.1),
            conv(channels, channels, 3),
            nn.LeakyReLU(0.1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        y: Tensor = self.conv(x)
        return x + y


class Separable(nn.Module):
    """A depthwise convolution, then a 1x1."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.depth_wise = nn.Conv2d(inputs, inputs, kernel, padding=kernel // 2, groups=inputs)
        self.point_wise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        mixed: Tensor = self.point_wise(self.depth_wise(x))
        return mixed


class SeparableRes(nn.Module):
    """``Res`` of separable 3x3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Separable(channels, channels, 3)
        self.conv2 = Separable(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        y: Tensor = self.conv2(F.leaky_relu(self.conv1(x), 0.01))
        return x + y


class MaskedConv(nn.Conv2d):
    """A 5x5 convolution that sees only what comes before in raster order (type A).

    ``mask`` is a key of the published files; that decoding works is left to no file.
    """

    seen: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 5, padding=2)
        mask = torch.ones_like(self.weight)
        mask[:, :, 2, 2:] = 0
        mask[:, :, 3:] = 0
        self.register_buffer("mask", mask)
        self.register_buffer("seen", mask.clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return F.conv2d(x, self.weight * self.seen, self.bias, padding=2)


class _BitStage(nn.Module):
    """x softplus(h) + b, then u + tanh(u) tanh(a), or a sigmoid in the last stage."""

    def __init__(self, channels: int, *, last: bool) -> None:
        super().__init__()
        shape = (1, channels, 1, 1)
        self.h = nn.Parameter(0.01 * torch.randn(shape))
        self.b = nn.Parameter(0.01 * torch.randn(shape))
        self.a = None if last else nn.Parameter(0.01 * torch.randn(shape))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        u = x * F.softplus(self.h) + self.b
        return torch.sigmoid(u) if self.a is None else u + torch.tanh(u) * torch.tanh(self.a)


class BitEstimator(nn.Module):
    """The cumulative distribution of every channel (Lu et al., "DVC", CVPR 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.f1 = _BitStage(channels, last=False)
        self.f2 = _BitStage(channels, last=False)
        self.f3 = _BitStage(channels, last=False)
        self.f4 = _BitStage(channels, last=True)

    def forward(self, x: Tensor) -> Tensor:
        """Values (B, C, H, W) -> P(X <= value), 0..1."""
        cumulative: Tensor = self.f4(self.f3(self.f2(self.f1(x))))
        return cumulative

    def probability(self, rounded: Tensor) -> Tensor:
        """P(X rounds to this)."""
        rounded = rounded.float()
        return self.forward(rounded + 0.5) - self.forward(rounded - 0.5)


def laplace_probability(rounded: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """P(X rounds to this) of a Laplace distribution; scales are clamped to 1e-5..1e10."""
    scale = scale.float().clamp(1e-5, 1e10)
    centred = rounded.float() - mean.float()

    def cumulative(t: Tensor) -> Tensor:
        return 0.5 - 0.5 * t.sign() * torch.expm1(-t.abs() / scale)

    return cumulative(centred + 0.5) - cumulative(centred - 0.5)


def bits(probability: Tensor) -> Tensor:
    """Bits of every symbol as they are estimated in training: at most 16.6."""
    return (-torch.log2(probability + 1e-5)).clamp(0, 50)


def straight_through(x: Tensor) -> Tensor:
    """Rounded half to even; the gradient passes as if it were not."""
    return x + (x.round() - x).detach() if x.requires_grad else x.round()
