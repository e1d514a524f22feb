"""The codec of TransVFC: one P-frame step, in parts that an encoder and a decoder share.

Feature F (raw), 64-channel form f of it, reference r, prediction f~ (``warped``). Structure and
names of tensors as published (github.com/Ws-Syx/TransVFC at 899e991, without a licence: written
anew from the shapes; "motinoCompensation" and the unused ``mvDecoder.igdn3`` are theirs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.transvfc.layers import (
    BitEstimator,
    Gdn,
    GdnRes,
    MaskedConv,
    Res,
    Separable,
    SeparableRes,
    bits,
    conv,
    deconv,
    laplace_probability,
    straight_through,
)

# Height and width of a feature are multiples of this.
STEP = 16


@dataclass(frozen=True)
class Config:
    """Widths (defaults: as published).

    Attributes:
        raw: channels of the feature that is coded.
        pyramid: channels of the levels p2..p6 of the perception network.
        inner: channels between ``raw`` and ``feature``.
        feature: channels of the reduced feature, and of motion.
        condition, condition_inner: of the conditions from p2..p6, and on the way there.
        context: of the contextual codec and its latent y.
        fused: between the two convolutions that fuse p4..p6.
        hyper: of the hyper latents.
        parameters: of the layer before means and scales.
        kernel: side of the wide convolutions of motion estimation and compensation.
        factor: the schemes of compensation are factor^2 times ``feature``.
        ar: the autoregressive part of y's entropy model (decoding is then sequential).
        gains: operating points of one network, each with its own steps of quantisation per channel
            (Cui et al., "Asymmetric gained deep image compression", CVPR 2021); 0: none, as
            published.
    """

    raw: int = 256
    pyramid: int = 256
    inner: tuple[int, int] = (192, 128)
    feature: int = 64
    condition: int = 32
    condition_inner: int = 144
    context: int = 96
    fused: int = 64
    hyper: int = 64
    parameters: int = 288
    kernel: int = 7
    factor: int = 4
    ar: bool = True
    gains: int = 0


class Conditions(NamedTuple):
    """From p2 (h x w), p3 (h/2), and p4, p5, p6 side by side (h/4)."""

    p2: Tensor
    p3: Tensor
    p4to6: Tensor


class Latents(NamedTuple):
    """The four that are coded, rounded: (B, C, h/4, w/4) and, for z, (B, C, h/16, w/16)."""

    mv_z: Tensor
    mv_y: Tensor
    z: Tensor
    y: Tensor


class Step(NamedTuple):
    """What a P-frame step gives.

    Attributes:
        feature: decoded, (B, raw, h, w).
        warped: the prediction as a raw feature.
        latents: rounded.
        probabilities: of every symbol of the latents, in their order.
    """

    feature: Tensor
    warped: Tensor
    latents: Latents
    probabilities: Latents

    def bits(self) -> Latents:
        """Estimated bits of every picture, (B,), by latent."""
        return Latents(*(bits(one).flatten(1).sum(1) for one in self.probabilities))


class FeatureExtract(nn.Module):
    """raw -> feature channels."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.conv1, self.res1 = conv(c.raw, c.inner[0], 3), Res(c.inner[0])
        self.conv2, self.res2 = conv(c.inner[0], c.inner[1], 3), Res(c.inner[1])
        self.conv3, self.res3 = conv(c.inner[1], c.feature, 3), Res(c.feature)

    def forward(self, x: Tensor) -> Tensor:
        """(B, raw, h, w) -> (B, feature, h, w)."""
        x = self.res2(self.conv2(self.res1(self.conv1(x))))
        reduced: Tensor = self.res3(self.conv3(x))
        return reduced


class FeatureRecon(nn.Module):
    """feature -> raw channels. Convolutions are ``conv1.0``: a shuffle of factor 1 followed."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.conv1, self.res1 = nn.Sequential(conv(c.feature, c.inner[1], 3)), Res(c.inner[1])
        self.conv2, self.res2 = nn.Sequential(conv(c.inner[1], c.inner[0], 3)), Res(c.inner[0])
        self.conv3, self.res3 = nn.Sequential(conv(c.inner[0], c.raw, 3)), Res(c.raw)

    def forward(self, x: Tensor) -> Tensor:
        """(B, feature, h, w) -> (B, raw, h, w)."""
        x = self.res2(self.conv2(self.res1(self.conv1(x))))
        raw: Tensor = self.res3(self.conv3(x))
        return raw


class Condition(nn.Module):
    """A level of the pyramid -> condition."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.conv1 = conv(c.pyramid, c.condition_inner, 3)
        self.conv2 = conv(c.condition_inner, c.condition, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, pyramid, h, w) -> (B, condition, h, w)."""
        found: Tensor = self.conv2(self.conv1(x))
        return found


def _condition(c: Config, level: int) -> nn.Module:
    """Of p5 and p6 up to h/4, too."""
    ups = [deconv(c.condition, c.condition, 3, 2) for _ in range(level - 4)]
    return nn.Sequential(Condition(c), *ups) if ups else Condition(c)


class MotionEstimation(nn.Module):
    """What moved between two features, in a small U-net."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n, k = c.feature, c.kernel
        self.res1 = Res(2 * n)
        self.conv2, self.res2 = conv(2 * n, n, k, 2), Res(n)
        self.conv3, self.res3 = conv(n, n, k, 2), Res(n)
        self.deconv1, self.deconv2 = deconv(n, n, k, 2), deconv(n, n, k, 2)
        self.trans1, self.trans2, self.trans3 = conv(2 * n, n, 1), conv(n, n, 1), conv(n, n, 1)

    def forward(self, current: Tensor, reference: Tensor) -> Tensor:
        """Twice (B, feature, h, w) -> (B, feature, h, w)."""
        t1 = self.res1(torch.cat([current, reference], 1))
        t2 = self.res2(self.conv2(t1))
        t3 = self.res3(self.conv3(t2))
        x = self.deconv1(self.trans3(t3)) + self.trans2(t2)
        motion: Tensor = self.deconv2(x) + self.trans1(t1)
        return motion


class MotionEncoder(nn.Module):
    """Motion -> latent mv_y."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n = c.feature
        self.conv1, self.gdn1, self.res1 = conv(n, n, 3), Gdn(n), GdnRes(n)
        self.conv2, self.gdn2, self.res2 = conv(n, n, 5, 2), Gdn(n), GdnRes(n)
        self.conv3, self.gdn3, self.res3 = conv(n, n, 5, 2), Gdn(n), GdnRes(n)

    def forward(self, x: Tensor) -> Tensor:
        """(B, feature, h, w) -> (B, feature, h/4, w/4)."""
        x = self.res1(self.gdn1(self.conv1(x)))
        x = self.res2(self.gdn2(self.conv2(x)))
        latent: Tensor = self.res3(self.gdn3(self.conv3(x)))
        return latent


class MotionDecoder(nn.Module):
    """Latent mv_y -> motion. ``igdn3`` is in the published files, and never used there either."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n = c.feature
        self.deconv1, self.igdn1, self.res1 = deconv(n, n, 5, 2), Gdn(n, inverse=True), GdnRes(n)
        self.deconv2, self.igdn2, self.res2 = deconv(n, n, 5, 2), Gdn(n, inverse=True), GdnRes(n)
        self.deconv3, self.igdn3, self.res3 = deconv(n, n, 3), Gdn(n, inverse=True), GdnRes(n)

    def forward(self, x: Tensor) -> Tensor:
        """(B, feature, h/4, w/4) -> (B, feature, h, w)."""
        x = self.res1(self.igdn1(self.deconv1(x)))
        x = self.res2(self.igdn2(self.deconv2(x)))
        motion: Tensor = self.res3(self.igdn2(self.deconv3(x)))
        return motion


class Compensation(nn.Module):
    """Schemes of what the reference could become, weighted by motion."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n, some, many = c.feature, c.factor * c.feature, c.factor**2 * c.feature
        self.conv1, self.res1 = conv(n, n, c.kernel), Res(n)
        self.conv2, self.res2 = Separable(n, some, 5), SeparableRes(some)
        self.conv3, self.res3 = Separable(some, many, 5), SeparableRes(many)
        self.pixelConv = conv(n, many, 1)
        self.warpConv = conv(many, n, c.kernel)

    def forward(self, reference: Tensor, motion: Tensor) -> Tensor:
        """Twice (B, feature, h, w) -> (B, feature, h, w)."""
        x = self.res2(self.conv2(self.res1(self.conv1(reference))))
        schemes = self.res3(self.conv3(x))
        warped: Tensor = self.warpConv(schemes * self.pixelConv(motion))
        return warped


def _fusion(c: Config) -> nn.Sequential:
    return nn.Sequential(conv(3 * c.condition, c.fused, 5), conv(c.fused, c.condition, 5))


class ContextualEncoder(nn.Module):
    """Feature, prediction and conditions -> latent y."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n, m = c.context, c.condition
        self.conv1, self.gdn1, self.res1 = conv(2 * c.feature, n, 3), Gdn(n), GdnRes(n)
        self.conv2, self.gdn2, self.res2 = conv(n + m, n, 5, 2), Gdn(n), GdnRes(n)
        self.conv3, self.gdn3, self.res3 = conv(n + m, n, 5, 2), Gdn(n), GdnRes(n)
        self.conv_fuse_p4_to_p6 = _fusion(c)
        self.conv4, self.gdn4, self.res4 = conv(n + m, n, 5), Gdn(n), GdnRes(n)

    def forward(self, feature: Tensor, warped: Tensor, given: Conditions) -> Tensor:
        """Twice (B, feature, h, w), and conditions -> (B, context, h/4, w/4)."""
        x = self.res1(self.gdn1(self.conv1(torch.cat([feature, warped], 1))))
        x = self.res2(self.gdn2(self.conv2(torch.cat([x, given.p2], 1))))
        x = self.res3(self.gdn3(self.conv3(torch.cat([x, given.p3], 1))))
        fused = self.conv_fuse_p4_to_p6(given.p4to6)
        latent: Tensor = self.res4(self.gdn4(self.conv4(torch.cat([x, fused], 1))))
        return latent


class ContextualDecoder(nn.Module):
    """Latent y, prediction and conditions -> feature."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n, m = c.context, c.condition
        self.conv_fuse_p4_to_p6 = _fusion(c)
        self.deconv1, self.deconv2 = deconv(n + m, n, 5, 2), deconv(n + m, n, 5, 2)
        self.deconv3, self.deconv4 = deconv(n + m, n, 5), deconv(n + c.feature, c.feature, 3)
        self.igdn1, self.res1 = Gdn(n, inverse=True), GdnRes(n)
        self.igdn2, self.res2 = Gdn(n, inverse=True), GdnRes(n)
        self.igdn3, self.res3 = Gdn(n, inverse=True), GdnRes(n)
        self.igdn4, self.res4 = Gdn(c.feature, inverse=True), GdnRes(c.feature)

    def forward(self, y: Tensor, warped: Tensor, given: Conditions) -> Tensor:
        """(B, context, h/4, w/4), (B, feature, h, w), conditions -> (B, feature, h, w)."""
        fused = self.conv_fuse_p4_to_p6(given.p4to6)
        x = self.res1(self.igdn1(self.deconv1(torch.cat([y, fused], 1))))
        x = self.res2(self.igdn2(self.deconv2(torch.cat([x, given.p3], 1))))
        x = self.res3(self.igdn3(self.deconv3(torch.cat([x, given.p2], 1))))
        feature: Tensor = self.res4(self.igdn4(self.deconv4(torch.cat([x, warped], 1))))
        return feature


class PriorEncoder(nn.Module):
    """Latent, not rounded -> hyper latent."""

    def __init__(self, latent: int, hyper: int) -> None:
        super().__init__()
        self.l1, self.l2 = conv(latent, hyper, 3), conv(hyper, hyper, 5, 2)
        self.l3 = conv(hyper, hyper, 5, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, latent, h/4, w/4) -> (B, hyper, h/16, w/16)."""
        hyper: Tensor = self.l3(F.leaky_relu(self.l2(F.leaky_relu(self.l1(x), 0.01)), 0.01))
        return hyper


class PriorDecoder(nn.Module):
    """Hyper latent -> what it says of the latent's distribution."""

    def __init__(self, latent: int, hyper: int) -> None:
        super().__init__()
        self.l1, self.l2 = deconv(hyper, hyper, 5, 2), deconv(hyper, hyper, 5, 2)
        self.l3 = deconv(hyper, 2 * latent, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, hyper, h/16, w/16) -> (B, 2 latent, h/4, w/4)."""
        prior: Tensor = self.l3(F.leaky_relu(self.l2(F.leaky_relu(self.l1(x), 0.01)), 0.01))
        return prior


class TemporalPrior(nn.Module):
    """What the prediction says of y's distribution."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.l1, self.r1 = conv(c.feature, c.feature, 5, 2), Gdn(c.feature)
        self.l2, self.r2 = conv(c.feature, c.context, 5, 2), Gdn(c.context)

    def forward(self, x: Tensor) -> Tensor:
        """(B, feature, h, w) -> (B, context, h/4, w/4)."""
        prior: Tensor = self.r2(self.l2(self.r1(self.l1(x))))
        return prior


class FeatureCodec(nn.Module):
    """The codec; 22,476,320 parameters as published, 22,218,176 without its autoregressive part.

    Args:
        config: widths.
        task_head: the perception network: raw feature -> five levels p2..p6. Its values are part
            of the state dict where it has any (``task_head.*``).
    """

    def __init__(self, config: Config, task_head: nn.Module) -> None:
        super().__init__()
        c = self.config = config
        self.task_head = task_head
        self.featureExtract, self.featureRecon = FeatureExtract(c), FeatureRecon(c)
        for level in range(2, 7):
            self.add_module(f"inputHighFeatureExtract_p{level}", _condition(c, level))
            self.add_module(f"warpedHighFeatureExtract_p{level}", _condition(c, level))
        self.bitEstimator_z, self.bitEstimator_z_mv = BitEstimator(c.hyper), BitEstimator(c.hyper)
        self.contextualEncoder, self.contextualDecoder = ContextualEncoder(c), ContextualDecoder(c)
        self.motionEstimation, self.motinoCompensation = MotionEstimation(c), Compensation(c)
        self.mvEncoder, self.mvDecoder = MotionEncoder(c), MotionDecoder(c)
        self.priorEncoder = PriorEncoder(c.context, c.hyper)
        self.priorDecoder = PriorDecoder(c.context, c.hyper)
        self.mvPriorEncoder = PriorEncoder(c.feature, c.hyper)
        self.mvPriorDecoder = PriorDecoder(c.feature, c.hyper)
        self.temporalPriorEncoder = TemporalPrior(c)
        sources = 3 + c.ar
        self.entropy_parameters = nn.Sequential(
            conv(sources * c.context, c.parameters, 1),
            nn.LeakyReLU(0.01),
            conv(c.parameters, 2 * c.context, 1),
        )
        self.auto_regressive = MaskedConv(c.context) if c.ar else None
        if c.gains:
            # Logarithms of steps: gain before rounding, and its own inverse after.
            self.gain_y = nn.Parameter(torch.zeros(2, c.gains, c.context))
            self.gain_mv = nn.Parameter(torch.zeros(2, c.gains, c.feature))

    def conditions(self, feature: Tensor, side: str) -> Conditions:
        """Conditions from a raw feature.

        Args:
            feature: (B, raw, h, w).
            side: "input": the encoder's, from the feature itself; "warped": from the prediction.
        """
        p2, p3, *rest = (
            self.get_submodule(f"{side}HighFeatureExtract_p{level}")(one)
            for level, one in enumerate(self.task_head(feature), start=2)
        )
        return Conditions(p2, p3, torch.cat(rest, 1))

    def scaled(self, latent: Tensor, gain: str, point: Tensor | None) -> Tensor:
        """A latent in the steps of its operating points, (B,); as it is where there are none."""
        return latent if point is None else latent * self._gain(gain, 0, point).exp()

    def unscaled(self, latent: Tensor, gain: str, point: Tensor | None) -> Tensor:
        """The other way round."""
        return latent if point is None else latent * self._gain(gain, 1, point).neg().exp()

    def _gain(self, gain: str, side: int, point: Tensor) -> Tensor:
        gains: Tensor = self.get_parameter(f"gain_{gain}")
        return gains[side, point][..., None, None]

    def predict(
        self, reference: Tensor, mv_y: Tensor, point: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The prediction, and as a raw feature; see ``warp``."""
        warped = self.warp(reference, mv_y, point)
        return warped, self.featureRecon(warped)

    def warp(self, reference: Tensor, mv_y: Tensor, point: Tensor | None) -> Tensor:
        """The prediction.

        Args:
            reference: reduced, (B, feature, h, w).
            mv_y: rounded.
            point: operating points (B,) of a network with gains.
        """
        motion = self.mvDecoder(self.unscaled(mv_y, "mv", point))
        warped: Tensor = self.motinoCompensation(reference, motion)
        return warped

    def motion_parameters(self, mv_z: Tensor) -> tuple[Tensor, Tensor]:
        """Means and scales of mv_y."""
        means, scales = self.mvPriorDecoder(mv_z).chunk(2, 1)
        return means, scales

    def context_prior(self, z: Tensor, warped: Tensor) -> Tensor:
        """All that is known of y's distribution before any of it is decoded."""
        return torch.cat([self.temporalPriorEncoder(warped), self.priorDecoder(z)], 1)

    def context_parameters(self, prior: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Means and scales of y; at each position they use what comes before it in raster order."""
        if self.auto_regressive is not None:
            prior = torch.cat([prior, self.auto_regressive(y)], 1)
        means, scales = self.entropy_parameters(prior).chunk(2, 1)
        return means, scales

    def reconstruct(
        self, y: Tensor, warped: Tensor, raw_warped: Tensor, point: Tensor | None
    ) -> Tensor:
        """Rounded y and the prediction -> decoded raw feature."""
        return self.decode(y, warped, self.conditions(raw_warped, "warped"), point)

    def decode(self, y: Tensor, warped: Tensor, given: Conditions, point: Tensor | None) -> Tensor:
        """The same with the conditions from the prediction."""
        feature = self.contextualDecoder(self.unscaled(y, "y", point), warped, given)
        raw: Tensor = self.featureRecon(feature)
        return raw

    def forward(self, current: Tensor, reference: Tensor, point: Tensor | None = None) -> Step:
        """Code a feature given the decoded one before it.

        Args:
            current, reference: (B, raw, h, w); h and w multiples of 16.
            point: operating points (B,) of a network with gains.
        """
        f, r = self.featureExtract(current), self.featureExtract(reference)
        mv = self.scaled(self.mvEncoder(self.motionEstimation(f, r)), "mv", point)
        mv_y = straight_through(mv)
        warped, raw_warped = self.predict(r, mv_y, point)
        given = self.conditions(current, "input")
        context = self.scaled(self.contextualEncoder(f, warped, given), "y", point)
        y = straight_through(context)
        mv_z = straight_through(self.mvPriorEncoder(mv))
        z = straight_through(self.priorEncoder(context))
        probabilities = Latents(
            self.bitEstimator_z_mv.probability(mv_z),
            laplace_probability(mv_y, *self.motion_parameters(mv_z)),
            self.bitEstimator_z.probability(z),
            laplace_probability(y, *self.context_parameters(self.context_prior(z, warped), y)),
        )
        feature = self.reconstruct(y, warped, raw_warped, point)
        return Step(feature, raw_warped, Latents(mv_z, mv_y, z, y), probabilities)
