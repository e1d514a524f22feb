"""TransVFC against outputs of the official code."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from golden import Golden
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.transvfc.fst import FeatureSpaceTransfer
from vcmflow.nets.transvfc.layers import BitEstimator, Gdn, bits, laplace_probability
from vcmflow.nets.transvfc.network import Config, FeatureCodec, Step

LATENTS = ("mv_z", "mv_y", "z", "y")


class Pooling(nn.Module):
    """The reference's stand-in for the perception network: p2 = x, the others means of it."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, *(F.avg_pool2d(x, 2**level) for level in range(1, 5))]


def feature(golden: Golden, name: str) -> Tensor:
    """An input, made by the reference's rule."""
    known = golden.manifest["input"]["checks"][name]
    x = np.random.default_rng(known["seed"]).standard_normal(known["shape"])
    x = np.maximum(x, 0).astype(np.float32)
    assert float(x.astype(np.float64).sum()) == pytest.approx(known["abs_sum"])
    return torch.from_numpy(x)


def codec(golden: Golden) -> FeatureCodec:
    network = FeatureCodec(Config(), Pooling()).eval()
    network.load_state_dict({**golden.state("_codec"), "auto_regressive.mask": _mask()})
    return network


def _mask() -> Tensor:
    mask = torch.ones(96, 96, 25)
    mask[..., 12:] = 0
    return mask.view(96, 96, 5, 5)


def record(network: nn.Module, names: dict[str, str]) -> dict[str, list[Tensor]]:
    """Keep what modules give."""
    found: dict[str, list[Tensor]] = {name: [] for name in names}

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _given, output: found[name].append(output.detach()[0])

    for name, path in names.items():
        network.get_submodule(path).register_forward_hook(keep(name))
    return found


MODULES = {
    "fe": "featureExtract",
    "me": "motionEstimation",
    "mv_y": "mvEncoder",
    "mv_dec": "mvDecoder",
    "mc_schemes": "motinoCompensation.res3",
    "mc_weights": "motinoCompensation.pixelConv",
    "warped": "motinoCompensation",
    "recon": "featureRecon",
    "cenc_p4p6": "contextualEncoder.conv_fuse_p4_to_p6",
    "cdec_p4p6": "contextualDecoder.conv_fuse_p4_to_p6",
    "y": "contextualEncoder",
    "ctx_dec": "contextualDecoder",
    "mv_z": "mvPriorEncoder",
    "z": "priorEncoder",
    "mv_parameters": "mvPriorDecoder",
    "hyper": "priorDecoder",
    "temporal": "temporalPriorEncoder",
    "ar": "auto_regressive",
    "y_parameters": "entropy_parameters",
    **{f"cenc_p{k}": f"inputHighFeatureExtract_p{k}" for k in range(2, 7)},
    **{f"cdec_p{k}": f"warpedHighFeatureExtract_p{k}" for k in range(2, 7)},
}


def run(
    golden: Golden, network: FeatureCodec, case: str
) -> tuple[Step, dict[str, Tensor], dict[str, Tensor]]:
    """A P-frame step, what its parts gave, and its distortions."""
    found = record(network, MODULES)
    current, reference = (feature(golden, f"{case}_{which}") for which in ("current", "reference"))
    step = network(current, reference)
    given = {name: one[0] for name, one in found.items()}
    given["fe_cur"], given["fe_ref"] = found["fe"]
    given["rec_warped"], given["rec"] = found["recon"]
    for latent in ("mv", "y"):
        given[f"{latent}_means"], given[f"{latent}_scales"] = given[f"{latent}_parameters"].chunk(2)
    for name, rounded, probability in zip(LATENTS, step.latents, step.probabilities, strict=True):
        given[f"{name}_hat"] = rounded[0].detach()
        given[f"prob_{name}"] = probability[0].detach()
    levels = zip(network.task_head(step.feature), network.task_head(current), strict=True)
    mse = {f"mse_p{k}": F.mse_loss(*pair) for k, pair in enumerate(levels, start=2)}
    mse["mse_high"] = torch.stack(list(mse.values())).mean()
    mse["mse_mid"] = F.mse_loss(step.feature, current)
    mse["mse_warp"] = F.mse_loss(step.warped, current)
    return step, given, mse


def check_case(golden: Golden, case: str, step: Step, given: dict[str, Tensor]) -> None:
    """Compare all recorded arrays, statistics and sums of a case."""
    known = golden.manifest["cases"][case]
    for name in [name for name in golden.arrays if name.startswith(f"{case}_")]:
        key = name.removeprefix(f"{case}_").removesuffix("_slice")
        if key not in given:
            continue
        value = given[key]
        if name.endswith("_slice"):
            value = value[_strides(golden.manifest["outputs"][name]["what"])]
        if key.endswith("_hat"):
            golden.check(name, value.to(torch.int16))
        elif key.startswith("prob"):  # they jump where a scale is clamped
            expected, atol = golden.array(name), golden.manifest["outputs"][name]["suggested_atol"]
            assert np.mean(np.abs(value.numpy() - expected) <= atol) >= 0.999, name
        else:
            golden.check(name, value)
    for name, value in given.items():
        if f"{case}_{name}" in golden.manifest["stats"]:
            golden.check_stats(f"{case}_{name}", value[None])
    for name, value in zip(LATENTS, step.bits(), strict=True):
        assert float(value) == pytest.approx(known["bits"][name], rel=1e-4), name


def _strides(what: str) -> tuple[slice, ...]:
    """The steps that a description of an array ends with."""
    steps = re.findall(r"\[(::[^]]*)\]", what)[-1].split(",")
    return tuple(slice(None, None, int(step.strip().removeprefix("::"))) for step in steps)


@pytest.mark.slow
def test_codec() -> None:
    golden = Golden("transvfc")
    network = codec(golden)
    for case in "AS":
        with torch.inference_mode():
            step, given, mse = run(golden, network, case)
        check_case(golden, case, step, given)
        for name, value in mse.items():
            expected = golden.manifest["cases"][case]["mse"][name]
            assert float(value) == pytest.approx(expected, rel=1e-4), name
    assert not {name for name in golden.left if name[:2] in ("A_", "S_") and "fst" not in name}


@pytest.mark.slow
def test_gradients() -> None:
    golden = Golden("transvfc")
    network = codec(golden).train()
    step, _, mse = run(golden, network, "A")
    height, width = golden.manifest["cases"]["A"]["feature_hw"]
    bpp = torch.stack(list(step.bits())).sum() / (16 * height * width)
    loss = bpp + mse["mse_mid"] + mse["mse_warp"] + mse["mse_high"]
    known = golden.manifest["cases"]["A"]["gradients"]
    assert float(loss.detach()) == pytest.approx(known["loss_value"], rel=1e-4)
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = dict(network.named_parameters())
    for name, single, double in known["table"]:
        gradient = parameters[name].grad
        if single is None or name == "auto_regressive.weight":
            continue  # the masked taps of the official one get a gradient, which goes nowhere
        assert gradient is not None, name
        tolerance = max(1e-3, 4 * abs(single - double) / max(double, 1e-30))
        assert float(gradient.norm()) == pytest.approx(single, rel=tolerance, abs=1e-9), name
    assert parameters["mvDecoder.igdn3.beta"].grad is None
    masked = parameters["auto_regressive.weight"].grad
    assert masked is not None
    assert float(masked.norm()) == pytest.approx(
        known["auto_regressive_weight_unmasked_taps_only"], rel=1e-3
    )


@pytest.mark.slow
def test_transfer() -> None:
    golden = Golden("transvfc")
    network = FeatureSpaceTransfer().eval()
    network.load_state_dict(golden.state("_fst"))
    parts = record(
        network, {f"fst_{name}": name for name in ("branch1_down", "branch2_down", "branch2_up",
                                                   "branch3")}
    )  # fmt: skip
    current = feature(golden, "A_current")
    with torch.inference_mode():
        given, image = network(current)
        values = {name: one[0] for name, one in parts.items()}
        values |= {"fst_out": given[0], "fst_image": image[0]}
        train, train_image = network.train()(current)
    values |= {"fst_train_out": train[0], "fst_train_image": train_image[0]}
    state = network.state_dict()
    for name in [name for name in golden.arrays if name.startswith("A_fst_")]:
        key = name.removeprefix("A_").removesuffix("_slice")
        if key.startswith("fst_bn_"):
            golden.check(name, state[key.removeprefix("fst_bn_")])
        elif name.endswith("_slice"):
            what = golden.manifest["outputs"][name]["what"]
            same = golden.manifest["outputs"]["A_fst_out_slice"]["what"]
            golden.check(name, values[key][_strides(what if "::" in what else same)])
        else:
            golden.check(name, values[key])
    for name, value in values.items():
        golden.check_stats(f"A_{name}", value[None])


def test_parts() -> None:
    golden = Golden("transvfc")
    for inverse, prefix in ((False, "gdn"), (True, "igdn")):
        layer = Gdn(16, inverse=inverse)
        layer.beta.data = torch.from_numpy(golden.array("gdn_beta"))
        layer.gamma.data = torch.from_numpy(golden.array("gdn_gamma"))
        x = torch.from_numpy(golden.array("gdn_x")).requires_grad_()
        out = layer(x)
        out.backward(torch.from_numpy(golden.array("gdn_gradient_out")))
        golden.check(f"{prefix}_out", out.detach())
        values: dict[str, Any] = {"x": x.grad, "beta": layer.beta.grad, "gamma": layer.gamma.grad}
        for name, value in values.items():
            golden.check(f"{prefix}_grad_{name}", value)
    value, mean, scale = (
        torch.from_numpy(golden.array(f"laplace_{name}")) for name in ("value", "mean", "scale")
    )
    probability = laplace_probability(value, mean, scale)
    golden.check("laplace_prob", probability)
    golden.check("laplace_bits", bits(probability))
    state, grid = golden.state("_codec"), torch.from_numpy(golden.array("bitest_grid"))
    for name in ("z", "z_mv"):
        estimator = BitEstimator(64)
        prefix = f"bitEstimator_{name}."
        estimator.load_state_dict(
            {key.removeprefix(prefix): one for key, one in state.items() if key.startswith(prefix)}
        )
        with torch.inference_mode():
            x = grid.view(1, 1, -1, 1).expand(1, 64, -1, 1)
            golden.check(f"bitest_{name}_cdf", estimator(x)[0, ..., 0])
            golden.check(f"bitest_{name}_prob", estimator.probability(x)[0, ..., 0])
