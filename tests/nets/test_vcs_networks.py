"""The networks of VCS: sizes, causality, pieces of clips, and each part against a plain loop."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.vcs.causal import State
from vcmflow.nets.vcs.codec import Vcs, load_codec, padded, save_codec
from vcmflow.nets.vcs.config import KERNELS, Config
from vcmflow.nets.vcs.contrast import DIMENSION, BmNet, Contrast, View
from vcmflow.nets.vcs.dgfm import SIZE, Dgfm, adapted, chosen
from vcmflow.nets.vcs.discriminator import PatchGan
from vcmflow.nets.vcs.lfn import Lfn, Up
from vcmflow.nets.vcs.sem_enc import SemEnc

QUARTER = Config(width=0.25)


def millions(module: nn.Module) -> float:
    return sum(value.numel() for value in module.parameters()) / 1e6


def lively(module: nn.Module, seed: int = 0) -> Any:
    """In evaluation mode, with values that leave no path at zero."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for value in module.parameters():
            if not value.any():
                value.normal_(std=0.05)
    return module.eval()


def clips(frames: int = 7, batch: int = 1, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    clip = torch.rand(batch, 3, frames, 64, 32, generator=generator)
    noise = torch.rand(clip.shape, generator=generator)
    return clip, (clip + 0.3 * noise - 0.15).clamp(0, 1)


def codes(frames: int = 7, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(-3, 4, (batch, 128, frames, 2, 1), generator=generator).float()


class TestSizes:
    """Against the paper's numbers of parameters (Tables XV to XVII)."""

    @pytest.fixture(autouse=True)
    def _without_memory(self):  # type: ignore[no-untyped-def]
        with torch.device("meta"):
            yield

    @pytest.mark.parametrize(
        ("config", "published"),
        [
            (Config(), 12.74),
            (Config(condition="decoded", guidance="residual"), 12.91),
            (Config(guidance="residual", kernels="plain"), 12.63),
        ],
    )
    def test_semantic_encoder(self, config: Config, published: float) -> None:
        assert millions(SemEnc(config)) == pytest.approx(published, rel=0.01)

    @pytest.mark.parametrize(
        ("config", "published"),
        [
            (Config(), 8.65),
            (Config(down=8, up=1), 8.65),
            (Config(down=5, up=5), 9.31),
            (Config(temporal=False), 8.21),
        ],
    )
    def test_fusion_network(self, config: Config, published: float) -> None:
        assert millions(Lfn(config)) == pytest.approx(published, rel=0.04)

    def test_without_the_guide_or_its_kernels_it_is_smaller(self) -> None:
        whole = millions(SemEnc(Config()))
        assert millions(SemEnc(Config(condition="none"))) < whole
        assert millions(SemEnc(Config(kernels="shared"))) < whole

    def test_operations_of_the_fusion_network(self) -> None:
        frames, code = torch.rand(1, 3, 1, 256, 256), torch.rand(1, 512, 1, 8, 8)
        with FlopCounterMode(display=False) as counter:
            Lfn(Config())(frames, code)
        assert counter.get_total_flops() / 2e9 == pytest.approx(5.85, rel=0.04)


@pytest.fixture(scope="module")
def sem_enc() -> SemEnc:
    made: SemEnc = lively(SemEnc(QUARTER))
    return made


@pytest.fixture(scope="module")
def lfn() -> Lfn:
    made: Lfn = lively(Lfn(QUARTER))
    return made


@torch.no_grad()
def outputs(network: nn.Module, clip: Tensor, other: Tensor, state: State | None = None) -> Tensor:
    """Of either network; its second input is the decoded clip, or the code."""
    made: Tensor = network(clip, other, state)
    return made


@pytest.fixture(params=["sem_enc", "lfn"])
def network(request: pytest.FixtureRequest) -> nn.Module:
    made: nn.Module = request.getfixturevalue(request.param)
    return made


def inputs(network: nn.Module, frames: int = 7, batch: int = 1) -> tuple[Tensor, Tensor]:
    clip, decoded = clips(frames, batch)
    return (clip, decoded) if isinstance(network, SemEnc) else (decoded, codes(frames, batch))


@pytest.mark.parametrize(("which", "frame"), list(itertools.product((0, 1), (0, 3, 6))))
def test_no_frame_is_changed_by_a_later_one(network: nn.Module, which: int, frame: int) -> None:
    given = inputs(network)
    before = outputs(network, *given)
    changed = [value.clone() for value in given]
    changed[which][:, :, frame] = 1 - changed[which][:, :, frame]
    after = outputs(network, *changed)
    assert torch.equal(before[:, :, :frame], after[:, :, :frame])
    size = before.abs().mean()
    assert (before[:, :, frame] - after[:, :, frame]).abs().mean() > 3e-4 * size
    if frame < 6:  # and what it says of a frame is not forgotten at once
        assert (before[:, :, frame + 1] - after[:, :, frame + 1]).abs().max() > 1e-5 * size


@pytest.mark.parametrize("cuts", [[1, 1, 1, 1, 1, 1, 1], [4, 3], [2, 5], [6, 1]])
def test_pieces_are_the_whole(network: nn.Module, cuts: list[int]) -> None:
    given = inputs(network)
    state = State()
    parts = zip(*(value.split(cuts, dim=2) for value in given), strict=True)
    made = torch.cat([outputs(network, *part, state) for part in parts], dim=2)
    whole = outputs(network, *given)
    assert torch.allclose(made, whole, atol=1e-4 * float(whole.abs().max()))


def test_clips_of_a_batch_do_not_see_each_other(network: nn.Module) -> None:
    given = inputs(network, batch=3)
    together = outputs(network, *given)
    for number in range(3):
        alone = outputs(network, *(value[number : number + 1] for value in given))
        atol = 1e-4 * float(alone.abs().max())
        assert torch.allclose(together[number : number + 1], alone, atol=atol)


def test_a_code_of_zeros_is_the_fusion_network_alone(lfn: Lfn) -> None:
    decoded, code = inputs(lfn)
    alone = outputs(lfn, decoded, torch.zeros_like(code))
    with torch.no_grad():
        assert torch.equal(alone, lfn(decoded, None))
    assert not torch.allclose(alone, outputs(lfn, decoded, code))


def test_before_training_frames_come_out_as_they_are() -> None:
    decoded = clips()[1]
    with torch.no_grad():
        assert torch.equal(Lfn(QUARTER)(decoded, codes()), decoded)


def test_before_training_the_code_is_about_what_coding_took_away() -> None:
    """A difference of 3 levels; a code that hardly depends on it does not learn to."""
    torch.manual_seed(0)
    sem_enc = SemEnc(QUARTER).eval()
    frames = clips()[0]
    decoded = frames + torch.randn(frames.shape) * 3 / 255
    with torch.no_grad():
        code, unharmed = sem_enc(frames, decoded), sem_enc(frames, frames)
    assert float((code - unharmed).square().mean().sqrt()) > 0.1 * float(code.std())


def test_layers_in_training_cannot_shrink_the_code_to_zeros() -> None:
    torch.manual_seed(0)
    sem_enc = SemEnc(QUARTER).train()
    coarse = torch.rand(2, 3, 3, 8, 8)
    frames = nn.functional.interpolate(coarse, scale_factor=(1, 16, 16))
    with torch.no_grad():
        before = sem_enc(frames, 0.9 * frames)
        for value in sem_enc.times[1].parameters():
            value *= 0.1
        after = sem_enc(frames, 0.9 * frames)
    assert float(before.std()) == pytest.approx(1, rel=0.1)
    assert float((after - before).abs().mean()) < 0.1


def test_before_training_the_code_is_not_heard_and_yet_learned_from() -> None:
    """Else the first lesson is that it disturbs."""
    torch.manual_seed(0)
    lfn = Lfn(QUARTER)
    nn.init.normal_(lfn.decoder[-1].weight, std=0.05)
    decoded, code = inputs(lfn)
    assert torch.equal(lfn(decoded, code), lfn(decoded, None))
    lfn(decoded, code).square().sum().backward()
    assert float(lfn.lift.weight.grad.abs().max()) > 0  # type: ignore[union-attr]


def test_a_step_of_the_latent_features_becomes_four_different_ones() -> None:
    made = Up(8)(torch.ones(1, 8, 2, 2)).detach()
    assert made.shape == (1, 8, 4, 4)
    assert torch.equal(made[..., :2, :2], made[..., 2:, 2:])
    assert len(made[0, 0, :2, :2].unique()) == 4


def test_adaptive_kernels_are_a_loop_over_pixels() -> None:
    generator = torch.Generator().manual_seed(0)
    block, rows, columns = 2, 3, 2
    features = torch.rand(2, 3, rows * block, columns * block, generator=generator)
    table = torch.rand(2, 3, KERNELS, SIZE * SIZE, generator=generator)
    number = torch.randint(KERNELS, (2, rows, columns), generator=generator)
    choice = nn.functional.one_hot(number, KERNELS).permute(0, 3, 1, 2).float()
    made = adapted(features, chosen(table, choice), block)
    for n, c, y, x in itertools.product(*map(range, features.shape)):
        kernel = table[n, c, number[n, y // block, x // block]].view(SIZE, SIZE)
        total = 0.0
        for i, j in itertools.product(range(-2, 3), range(-2, 3)):
            if 0 <= y + i < features.shape[2] and 0 <= x + j < features.shape[3]:
                total += float(kernel[i + 2, j + 2] * features[n, c, y + i, x + j])
        assert float(made[n, c, y, x]) == pytest.approx(total, abs=1e-5)


def test_the_soft_choice_of_kernels_becomes_the_hard_one() -> None:
    module: Dgfm = lively(Dgfm(16, 4, 4, Config()), seed=1)
    with torch.no_grad():
        module.table[2].weight.normal_()  # type: ignore[union-attr, operator]
        module.index.weight.normal_()
    features, guide = torch.rand(2, 16, 16, 8), torch.rand(2, 4, 16, 8)
    with torch.no_grad():
        hard = module(features, guide)[0]
        module.train()
        distances = []
        for temperature in (1.0, 1e-1, 1e-2, 1e-3):
            module.temperature = temperature
            distances.append(float((module(features, guide)[0] - hard).abs().max()))
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 1e-3 > 1e-5 > distances[-1]


def test_before_training_features_pass_where_the_guide_says_nothing() -> None:
    module = Dgfm(16, 4, 4, Config()).eval()
    features, guide = torch.rand(1, 16, 16, 8), torch.rand(1, 4, 16, 8)
    with torch.no_grad():
        module.table[2].weight.zero_()  # type: ignore[union-attr, operator]
        mask = torch.sigmoid(module.attention(guide))  # type: ignore[misc]
        assert torch.allclose(module(features, guide)[0], 2 * features * mask, atol=1e-6)
        assert torch.allclose(module(features, 0 * guide)[0], features, atol=1e-6)


@pytest.mark.parametrize(
    "config",
    [
        Config(width=0.25, condition="none"),
        Config(width=0.25, condition="decoded", guidance="residual"),
        Config(width=0.25, kernels="shared"),
        Config(width=0.25, kernels="plain", temporal=False, down=2, up=1),
    ],
)
def test_variants_run_and_learn(config: Config) -> None:
    network = Vcs(config)
    frames, bits = network(*clips(3, batch=2))
    assert frames.shape == (2, 3, 3, 64, 32)
    (frames.square().mean() + bits.mean()).backward()
    assert all(value.grad is not None for value in network.sem_enc.parameters())


def test_every_value_takes_part_in_training() -> None:
    network = lively(Vcs(QUARTER)).train()
    frames, bits = network(*clips(3))
    (frames.square().mean() + bits.mean()).backward()
    idle = [
        name
        for name, v in network.named_parameters()
        if v.grad is None or not v.grad.isfinite().all()
    ]
    assert idle == []


def test_frames_of_any_size_are_padded_with_what_lies_at_their_edges() -> None:
    frames = torch.rand(1, 3, 2, 33, 30)
    wide = padded(frames)
    assert wide.shape == (1, 3, 2, 64, 32)
    assert torch.equal(wide[..., :33, :30], frames)
    assert torch.equal(wide[..., 40, :30], frames[..., 32, :])
    assert torch.equal(padded(wide), wide)


class TestContrast:
    def test_maps_are_zeros_and_ones_with_a_gradient(self) -> None:
        maps = BmNet().train()
        clip = clips(2)[0].requires_grad_()
        made = maps(clip)
        assert made.shape == (1, 1, 2, 64, 32)
        assert torch.allclose(made, made.round(), atol=1e-6)
        made.square().mean().backward()
        assert clip.grad is not None
        assert float(clip.grad.abs().sum()) > 0
        with torch.no_grad():
            assert set(maps.eval()(clip).unique().tolist()) <= {0.0, 1.0}

    def test_the_loss_is_a_loop_over_negatives(self) -> None:
        torch.manual_seed(0)
        contrast = Contrast(length=6, temperature=0.2).eval()
        coded, originals = clips(2, batch=2)[1], clips(2, batch=2)[0]
        with torch.no_grad():
            loss, keys = contrast(coded, originals)
            queries = contrast.query(coded)
        losses = []
        for query, key in zip(queries, keys, strict=True):
            right = np.exp(float(query @ key) / 0.2)
            wrong = sum(np.exp(float(query @ old) / 0.2) for old in contrast.queue)
            losses.append(-np.log(right / (right + wrong)))
        assert float(loss) == pytest.approx(np.mean(losses), rel=1e-5)

    def test_the_queue_keeps_the_latest_and_the_key_network_follows(self) -> None:
        contrast = Contrast(length=4, momentum=0.9)
        with torch.no_grad():
            for value in contrast.query.parameters():
                value += 1
        before = [value.clone() for value in contrast.key.parameters()]
        keys = nn.functional.normalize(torch.randn(3, DIMENSION), dim=1)
        contrast.follow(keys)
        contrast.follow(keys + 1)
        assert torch.equal(
            contrast.queue, torch.stack([keys[1] + 1, keys[2] + 1, keys[2], keys[0] + 1])
        )
        for old, own, other in zip(
            before, contrast.key.parameters(), contrast.query.parameters(), strict=True
        ):
            assert torch.allclose(own, 0.81 * old + 0.19 * other, atol=1e-6)

    def test_views_are_unit_vectors(self) -> None:
        with torch.no_grad():
            views = View()(clips(3, batch=2)[0])
        assert torch.allclose(views.norm(dim=1), torch.ones(2), atol=1e-5)


def test_the_discriminator_sees_patches() -> None:
    frames = torch.rand(1, 3, 96, 96, requires_grad=True)
    scores = PatchGan()(frames)
    assert scores.shape == (1, 1, 10, 10)
    # Without the normalisation, which sees whole frames, a score is of 70 pixels.
    plain = PatchGan()
    plain.body = nn.Sequential(*(m for m in plain.body if not isinstance(m, nn.InstanceNorm2d)))
    plain(frames)[0, 0, 5, 5].backward()
    assert frames.grad is not None
    seen = frames.grad.abs().sum(dim=(0, 1)).nonzero()
    assert (seen.max(dim=0).values - seen.min(dim=0).values + 1).tolist() == [70, 70]


class TestWeights:
    def test_round_trip(self, tmp_path) -> None:  # type: ignore[no-untyped-def]
        torch.manual_seed(0)
        network = Vcs(QUARTER)
        save_codec(tmp_path / "a.safetensors", network, {"steps": 1})
        loaded, tables = load_codec(tmp_path / "a.safetensors")
        assert loaded.config == QUARTER
        assert len(tables.counts) == 128
        save_codec(tmp_path / "b.safetensors", loaded, {"steps": 1})
        paths = [tmp_path / f"{name}.safetensors" for name in "ab"]
        assert paths[0].read_bytes() == paths[1].read_bytes()

    def test_what_is_no_codec_is_one_line(self, tmp_path) -> None:  # type: ignore[no-untyped-def]
        from vcmflow.nets.weights import read_weights, write_weights

        path = tmp_path / "w.safetensors"
        save_codec(path, Vcs(QUARTER), {})
        state, header = read_weights(path)
        state["lfn.lift.weight"][0] = float("nan")
        write_weights(path, state, header)
        with pytest.raises(
            VcmflowError, match=r"damaged weights of vcs \(values that are not finit"
        ):
            load_codec(path)
        state.pop("lfn.lift.weight")
        write_weights(path, state, header)
        with pytest.raises(VcmflowError, match="damaged weights of vcs"):
            load_codec(path)
        write_weights(path, state, {**header, "model": "proxy_mini"})
        with pytest.raises(VcmflowError, match="weights of proxy_mini, not vcs"):
            load_codec(path)
        with pytest.raises(VcmflowError, match="no such weights file"):
            load_codec(tmp_path / "gone.safetensors")
