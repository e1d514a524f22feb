"""TimeSformer: what its attention sees, and the names of its checkpoints.

With the same weights it gave what transformers 5.23 gives (96 wide, 3 blocks, 4 frames: within 1e-6
of 1.6), and it has as many parameters at full size; that library is not installed here.
"""

from __future__ import annotations

import re

import pytest
import torch

from vcmflow.nets.timesformer import TimeSformer, names

FRAMES, SIDE = 4, 48


@pytest.fixture
def network() -> TimeSformer:
    torch.manual_seed(0)
    made = TimeSformer(5, FRAMES, SIDE, width=32, heads=4, depth=2).eval()
    with torch.no_grad():
        for value in made.parameters():
            value.add_(0.2 * torch.randn_like(value))
    return made


@torch.inference_mode()
def test_clips_of_a_batch_do_not_see_each_other_and_the_order_of_frames_matters(
    network: TimeSformer,
) -> None:
    clips = torch.randn(3, 3, FRAMES, SIDE, SIDE)
    together = network(clips)
    assert together.shape == (3, 5)
    for index in range(3):
        torch.testing.assert_close(network(clips[index : index + 1])[0], together[index])
    assert not torch.allclose(network(clips.flip(2)), together, atol=1e-3)


@torch.inference_mode()
def test_without_time_a_clip_of_equal_frames_is_one_of_its_frames(network: TimeSformer) -> None:
    network.time_embed.zero_()
    for block in network.blocks:
        block.temporal_fc.weight.zero_()
    picture = torch.randn(1, 3, 1, SIDE, SIDE)
    single = TimeSformer(5, 1, SIDE, width=32, heads=4, depth=2).eval()
    single.load_state_dict(network.state_dict() | {"time_embed": torch.zeros(1, 1, 32)})
    equal = network(picture.expand(-1, -1, FRAMES, -1, -1))
    torch.testing.assert_close(equal, single(picture))


@torch.inference_mode()
def test_time_is_attended_to_at_a_place_and_space_within_a_frame(network: TimeSformer) -> None:
    """What one block makes of a patch, without the clip's token, knows its row and its column."""
    block = network.blocks[0]
    whole, x = torch.randn(1, 1, 32), torch.randn(1, 6, FRAMES, 32)
    other = x.clone()
    other[0, 2, 1] += torch.randn(32)
    with torch.no_grad():
        before, after = block(whole, x)[1][0], block(whole, other)[1][0]
    changed = (before - after).abs().amax(dim=2) > 1e-5
    # Place 2 in all frames, by time; then all places of those frames, by space.
    assert changed.all()
    block.attn.proj.weight.zero_()
    before, after = block(whole, x)[1][0], block(whole, other)[1][0]
    changed = (before - after).abs().amax(dim=2) > 1e-5
    assert changed[2].all() and not changed[[0, 1, 3, 4, 5]].any()


def transformers(name: str) -> str:
    """The library's name of one of the authors'."""
    for ours, theirs in (
        (r"^cls_token$", "timesformer.embeddings.cls_token"),
        (r"^pos_embed$", "timesformer.embeddings.position_embeddings"),
        (r"^time_embed$", "timesformer.embeddings.time_embeddings"),
        (r"^patch_embed\.proj", "timesformer.embeddings.patch_embeddings.projection"),
        (r"^head\.", "classifier."),
        (r"^norm\.", "timesformer.layernorm."),
        (r"^blocks\.", "timesformer.encoder.layer."),
        (r"\btemporal_attn\.qkv", "temporal_attention.attention.qkv"),
        (r"\btemporal_attn\.proj", "temporal_attention.output.dense"),
        (r"\battn\.qkv", "attention.attention.qkv"),
        (r"\battn\.proj", "attention.output.dense"),
        (r"\btemporal_norm1", "temporal_layernorm"),
        (r"\btemporal_fc", "temporal_dense"),
        (r"\bnorm1", "layernorm_before"),
        (r"\bnorm2", "layernorm_after"),
        (r"\bmlp\.fc1", "intermediate.dense"),
        (r"\bmlp\.fc2", "output.dense"),
    ):
        name = re.sub(ours, theirs, name)
    return name


@pytest.mark.parametrize("renamed", [transformers, "model.{}".format, str])
def test_checkpoints_are_read_under_all_of_their_names(network: TimeSformer, renamed) -> None:
    state = network.state_dict()
    assert names({renamed(name): value for name, value in state.items()}).keys() == state.keys()
