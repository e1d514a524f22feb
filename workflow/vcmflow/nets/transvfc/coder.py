"""P-frames of TransVFC as bytes, and back: the same computations in the same order at both ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.fuse import fold_batch_norms
from vcmflow.nets.transvfc.entropy import LARGEST, Factorised, IntArray, Reader, Writer
from vcmflow.nets.transvfc.layers import bits, laplace_probability
from vcmflow.nets.transvfc.network import STEP, Conditions, FeatureCodec, Latents

T = TypeVar("T")


def fingerprint(network: nn.Module) -> bytes:
    """32 bytes that tell networks apart by names, shapes and values of their tensors."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.digest()


def padded(feature: Tensor) -> Tensor:
    """(B, C, h, w) with h and w up to multiples of 16, by repeating the last row and column."""
    height, width = feature.shape[-2:]
    grown = F.pad(feature, (0, -width % STEP, 0, -height % STEP), mode="replicate")
    return grown.contiguous(memory_format=torch.channels_last)


class Coded(NamedTuple):
    """A P-frame.

    Attributes:
        streams: the four sub-streams.
        estimates: bits of each, as the training counts them.
        feature: what the decoder will have, (1, raw, h, w), padded.
    """

    streams: tuple[bytes, ...]
    estimates: Latents
    feature: Tensor


class FrameCoder:
    """Codes features one after the other, each given the decoded one before it.

    Args:
        network: on the CPU; a copy is used.
        point: of its operating points, None where it has none.
        threads: 2, or 1 where all has to be seen from the thread that calls. Every operation has
            one, so that both ends round alike: their number changes no bit.
    """

    def __init__(self, network: FeatureCodec, point: int | None, threads: int = 2) -> None:
        self._net = fold_batch_norms(network).to(memory_format=torch.channels_last)
        self._point = None if point is None else torch.tensor([point])
        self._z = Factorised(self._net.bitEstimator_z)
        self._mv_z = Factorised(self._net.bitEstimator_z_mv)
        self._aside = None
        if threads > 1:
            self._aside = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))

    def _beside(self, call: Callable[..., T], *given: Any) -> Future[T]:
        """Compute something on the second thread, if there is one."""

        def run() -> T:
            with torch.inference_mode():
                return call(*given)

        if self._aside is not None:
            return self._aside.submit(run)
        done: Future[T] = Future()
        done.set_result(run())
        return done

    def _seen(self, warped: Tensor) -> Conditions:
        """The conditions from the prediction."""
        return self._net.conditions(self._net.featureRecon(warped), "warped")

    @torch.inference_mode()
    def encode(self, current: Tensor, reference: Tensor) -> Coded:
        """Code a feature.

        Args:
            current, reference: (1, raw, h, w), padded.

        Raises:
            VcmflowError: a value that is not finite.
        """
        net, point = self._net, self._point
        feature = self._beside(net.featureExtract, current)
        given = self._beside(net.conditions, current, "input")
        r, f = net.featureExtract(reference), feature.result()
        motion = net.scaled(net.mvEncoder(net.motionEstimation(f, r)), "mv", point)
        mv_y, mv_z = _rounded(motion), _rounded(net.mvPriorEncoder(motion))
        warped = net.warp(r, _tensor(mv_y), point)
        seen = self._beside(self._seen, warped)
        context = net.contextualEncoder(f, warped, given.result())
        context = net.scaled(context, "y", point)
        y, z = _rounded(context), _rounded(net.priorEncoder(context))

        out = [Writer() for _ in Latents._fields]
        out[0].factorised(mv_z, self._mv_z)
        means, scales = net.motion_parameters(_tensor(mv_z))
        out[1].laplace(mv_y, means.numpy(), scales.numpy())
        rate_mv = _bits(laplace_probability(_tensor(mv_y), means, scales))
        out[2].factorised(z, self._z)
        prior = net.context_prior(_tensor(z), warped)
        rate_y = self._write_context(out[3], prior, y)
        rates = Latents(
            _bits(net.bitEstimator_z_mv.probability(_tensor(mv_z))),
            rate_mv,
            _bits(net.bitEstimator_z.probability(_tensor(z))),
            rate_y,
        )
        decoded = net.decode(_tensor(y), warped, seen.result(), point)
        return Coded(tuple(writer.finish() for writer in out), rates, decoded)

    @torch.inference_mode()
    def decode(self, streams: tuple[bytes, ...], reference: Tensor) -> Tensor:
        """The feature of a P-frame, as ``encode`` gave it.

        Raises:
            VcmflowError: the streams are damaged, as far as that shows here.
        """
        net, point = self._net, self._point
        height, width = (side // 4 for side in reference.shape[-2:])
        positions = (height // 4) * (width // 4)
        hyper = (1, net.config.hyper, height // 4, width // 4)
        readers = [Reader(stream) for stream in streams]
        r = self._beside(net.featureExtract, reference)
        mv_z = readers[0].factorised(positions, self._mv_z).reshape(hyper)
        means, scales = net.motion_parameters(_tensor(mv_z))
        mv_y = readers[1].laplace(means.numpy(), scales.numpy())
        warped = net.warp(r.result(), _tensor(mv_y), point)
        seen = self._beside(self._seen, warped)
        z = readers[2].factorised(positions, self._z).reshape(hyper)
        y = self._read_context(readers[3], net.context_prior(_tensor(z), warped))
        return net.decode(_tensor(y), warped, seen.result(), point)

    def _write_context(self, out: Writer, prior: Tensor, y: IntArray) -> Tensor:
        if self._net.auto_regressive is None:
            means, scales = self._net.context_parameters(prior, _tensor(y))
            out.laplace(y, means.numpy(), scales.numpy())
            return _bits(laplace_probability(_tensor(y), means, scales))
        rate = torch.zeros(1)
        seen = np.pad(np.zeros_like(y), ((0, 0), (0, 0), (2, 2), (2, 2)))
        for row, column in np.ndindex(*y.shape[-2:]):
            means, scales = self._one(prior, seen, row, column)
            here = y[0, :, row, column]
            out.laplace(here, means.numpy(), scales.numpy())
            rate += _bits(laplace_probability(torch.from_numpy(here), means, scales)[None])
            seen[0, :, row + 2, column + 2] = here
        return rate

    def _read_context(self, data: Reader, prior: Tensor) -> IntArray:
        if self._net.auto_regressive is None:
            means, scales = self._net.context_parameters(prior, prior)
            return data.laplace(means.numpy(), scales.numpy())
        shape = (1, self._net.config.context, *prior.shape[-2:])
        seen = np.pad(np.zeros(shape, np.int32), ((0, 0), (0, 0), (2, 2), (2, 2)))
        for row, column in np.ndindex(*shape[-2:]):
            means, scales = self._one(prior, seen, row, column)
            seen[0, :, row + 2, column + 2] = data.laplace(means.numpy(), scales.numpy())
        return np.ascontiguousarray(seen[..., 2:-2, 2:-2])

    def _one(self, prior: Tensor, seen: IntArray, row: int, column: int) -> tuple[Tensor, Tensor]:
        """Means and scales of one position, from what comes before it in raster order."""
        context = self._net.auto_regressive
        assert context is not None  # noqa: S101  (for the type checker)
        near = torch.from_numpy(seen[:, :, row : row + 5, column : column + 5].astype(np.float32))
        told = F.conv2d(near, context.weight * context.seen, context.bias)
        own = prior[:, :, row : row + 1, column : column + 1]
        means, scales = self._net.entropy_parameters(torch.cat([own, told], 1)).chunk(2, 1)
        return means.flatten(), scales.flatten()


def _rounded(latent: Tensor) -> IntArray:
    if not bool(torch.isfinite(latent).all()):
        raise VcmflowError("the codec's network gives values that are not finite")
    return latent.round().clamp(-LARGEST, LARGEST).contiguous().numpy().astype(np.int32)


def _tensor(latent: IntArray) -> Tensor:
    """In one layout, whether it was computed or read: layouts decide the order of sums."""
    values = torch.from_numpy(np.ascontiguousarray(latent, np.float32))
    return values.contiguous(memory_format=torch.channels_last)


def _bits(probability: Tensor) -> Tensor:
    return bits(probability).double().flatten(1).sum(1)
