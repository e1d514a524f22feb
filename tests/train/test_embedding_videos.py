"""Finding, splitting and reading unlabelled videos, and what a training step sees of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from train_clips import moving_texture, write_clip

from vcmflow.core.errors import VcmflowError
from vcmflow.train.embedding.augment import Augmentation, augment
from vcmflow.train.embedding.batches import Steps
from vcmflow.train.embedding.settings import EmbeddingSettings
from vcmflow.train.embedding.videos import (
    Split,
    VideoPool,
    check_kinds,
    find_videos,
    read_clip,
    read_pair,
    split_videos,
)


def test_videos_are_found_at_any_depth_in_a_stable_order(videos):
    found = [path.relative_to(videos).as_posix() for path in find_videos(videos)]
    assert found == sorted(found)
    assert len(found) == 9
    assert "juggling/0.mp4" in found


def test_a_list_of_paths_is_a_source_too(videos, tmp_path):
    (tmp_path / "list.txt").write_text(f"{videos}/juggling/1.mp4\n\n{videos}/juggling/0.mp4\n")
    assert [path.name for path in find_videos(tmp_path / "list.txt")] == ["0.mp4", "1.mp4"]


@pytest.mark.parametrize("name", ["none", "empty", "list.txt", "data.bin"])
def test_no_videos_is_one_clear_line(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "list.txt").write_text("\n")
    (tmp_path / "data.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(VcmflowError, match=name):
        find_videos(tmp_path / name)


def test_the_negatives_are_disjoint_drawn_by_seed_and_as_many_as_asked(tmp_path):
    paths = [tmp_path / f"{number}.mp4" for number in range(50)]
    split = split_videos(paths, 6, seed=3)
    assert len(split.negative) == 6
    assert sorted([*split.positive, *split.negative]) == sorted(paths)
    assert split == split_videos(paths, 6, seed=3)
    assert split != split_videos(paths, 6, seed=4)
    assert len(split_videos(paths, 0.2, seed=3).negative) == 10
    assert len(split_videos(paths, 0.001, seed=3).negative) == 1
    with pytest.raises(VcmflowError, match="at most 49"):
        split_videos(paths, 50, seed=3)


@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("mpeg4", ".avi")])
@pytest.mark.parametrize("place", [0.0, 0.31, 0.5, 0.999, 1.0])
def test_a_pair_is_adjacent_and_the_same_from_memory_and_by_seeking(tmp_path, codec, suffix, place):
    frames = [np.full((48, 64, 3), 12 * t + 5, np.uint8) for t in range(20)]
    path = tmp_path / f"a{suffix}"
    write_clip(path, frames, codec, gop=6)
    first, second = read_pair(path, place)
    assert second.mean() - first.mean() == pytest.approx(12, abs=5)
    assert first.mean() == pytest.approx(12 * min(18, np.ceil(place * 18)) + 5, abs=5)
    kept, read = (VideoPool([path], 48, budget) for budget in (10**9, 0))
    assert kept.preload() == 1
    assert read.preload() == 0
    for one, other in zip(kept.pair(0, place), read.pair(0, place), strict=True):
        assert np.array_equal(one, other)


def test_the_budget_bounds_what_is_kept(videos):
    paths = find_videos(videos / "juggling")
    one = read_clip(paths[0], 48).frames.nbytes
    assert VideoPool(paths, 48, budget=round(2.5 * one)).preload() == 2


@pytest.mark.parametrize("name", ["short.mp4", "corrupt.webm", "missing.mp4"])
def test_unusable_videos_say_so(videos, name):
    with pytest.raises(VcmflowError, match=name):
        read_pair(videos / "reading" / name, 0.5)
    with pytest.raises(VcmflowError, match=name):
        read_clip(videos / "reading" / name, 48)


def test_a_pair_shares_crop_flip_and_rotation():
    """Of two equal frames, augmented without colours, stays two equal pictures."""
    frame = moving_texture(1)[0]
    still = Augmentation(crop=32, grey=0, jitter=0, rotation=True)
    seen = set()
    for seed in range(40):
        pictures, turns = augment((frame, frame), still, np.random.default_rng(seed))
        assert torch.equal(pictures[0], pictures[1])
        upright = np.rot90(pictures[0].permute(1, 2, 0).numpy(), -turns)
        parts = np.lib.stride_tricks.sliding_window_view(frame, (32, 32, 3)).reshape(-1, 32, 32, 3)
        plain = (parts == upright).all(axis=(1, 2, 3)).any()
        flipped = (parts == upright[:, ::-1]).all(axis=(1, 2, 3)).any()
        assert plain or flipped
        seen.add((turns, bool(plain)))
    assert len(seen) == 8


def test_colours_change_frame_by_frame_and_grey_is_grey():
    frame = moving_texture(1)[0]
    pictures, turns = augment((frame, frame), Augmentation(32, 1.0, 0.4, False), _random(0))
    assert turns == 0
    assert not torch.equal(pictures[0], pictures[1])
    assert torch.equal(pictures[:, 0], pictures[:, 1])


def _random(seed):
    return np.random.default_rng(seed)


SETTINGS = EmbeddingSettings(
    seed=2, pairs=4, negatives=6, negative_videos=2, short_side=48, crop=32
)


def steps(videos, settings=SETTINGS, **place):
    split = split_videos(find_videos(videos), settings.negative_videos, settings.seed)
    pools = (VideoPool(paths, settings.short_side) for paths in (split.positive, split.negative))
    return Steps(*pools, settings, **place)


def test_a_step_depends_on_seed_and_step_alone(videos):
    one, again = steps(videos), steps(videos)
    late = again[5]
    for step in (0, 5):
        for name in ("anchors", "positives", "negatives", "turns"):
            assert torch.equal(getattr(one[step], name), getattr(again[step], name))
    assert torch.equal(one[5].anchors, late.anchors)
    assert not torch.equal(one[4].anchors, late.anchors)
    assert late.anchors.shape == (4, 3, 32, 32)
    assert late.negatives.shape == (6, 3, 32, 32)
    assert late.turns[:4].equal(late.turns[4:8])


def test_folders_are_kinds_where_the_settings_say_so(videos):
    """Every drawn video's kind is its folder, also where another had to be drawn in its place."""
    split = split_videos(find_videos(videos), 4, 2)
    pools = [VideoPool(paths, 48) for paths in (split.positive, split.negative)]
    asked = []
    for pool in pools:
        read = pool.pair
        pool.pair = lambda number, place, read=read, pool=pool: (
            read(number, place),
            asked.append(pool.videos[number].parent.name),
        )[0]
    for step in range(4):
        asked.clear()
        batch = Steps(*pools, replace(SETTINGS, kinds="folders"))[step]
        names = ["juggling", "reading"]
        kinds = [*batch.pair_kinds.tolist(), *batch.negative_kinds.tolist()]
        assert [names[kind] for kind in kinds] == asked
    assert len(set(kinds)) == 2
    unknown = steps(videos)[0]
    assert not set(unknown.pair_kinds.tolist()) & set(unknown.negative_kinds.tolist())


def test_negatives_of_one_kind_alone_are_one_clear_line(tmp_path):
    paths = [tmp_path / kind / f"{number}.mp4" for kind in "ab" for number in range(3)]
    check_kinds(Split(tuple(paths[:2] + paths[3:5]), (paths[2], paths[5])))
    check_kinds(Split(tuple(paths[:3]), tuple(paths[3:])))
    with pytest.raises(VcmflowError, match="raise negative_videos"):
        check_kinds(Split(tuple(paths[:5]), tuple(paths[5:])))


def test_processes_share_a_step(videos):
    whole = steps(videos)[3]
    parts = [steps(videos, rank=rank, world=2)[3] for rank in (0, 1)]
    assert torch.equal(torch.stack([p.anchors for p in parts], 1).flatten(0, 1), whole.anchors)
    assert torch.equal(torch.stack([p.negatives for p in parts], 1).flatten(0, 1), whole.negatives)


def test_unusable_videos_are_passed_over_and_counted(videos):
    batches = [steps(videos)[step] for step in range(12)]
    names = {name.rsplit("/", 1)[-1] for batch in batches for name in batch.unusable}
    assert names == {"short.mp4", "corrupt.webm"}


def test_only_unusable_videos_is_one_clear_line(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.mp4").write_bytes(b"junk")
    with pytest.raises(VcmflowError, match="100 draws in a row"):
        steps(tmp_path)[0]


@pytest.fixture(scope="module")
def grey(tmp_path_factory):
    """Seven videos of flat frames that tell who they are: level 30 v + 4 t of video v at time t."""
    folder = tmp_path_factory.mktemp("grey")
    for video in range(7):
        frames = [np.full((32, 32, 3), 30 * video + 4 * t, np.uint8) for t in range(6)]
        write_clip(folder / f"{video}.mp4", frames)
    return sorted(folder.iterdir())


def seen(grey, step, **change):
    """What a step shows, by its level: (videos, times) of anchors, positives and negatives."""
    options = {"pairs": 5, "negatives": 4, "short_side": 32, "crop": 32, "grey": 0.0, "jitter": 0.0}
    settings = EmbeddingSettings(**options | change)
    batch = Steps(VideoPool(grey[:5], 32), VideoPool(grey[5:], 32), settings)[step]
    parts = []
    for pictures in (batch.anchors, batch.positives, batch.negatives):
        levels = pictures.float().mean((1, 2, 3)).add(1).int()
        parts.append(((levels // 30).tolist(), (levels % 30 // 4).tolist()))
    return parts


def test_a_positive_is_the_next_frame_and_negatives_are_of_other_videos(grey):
    anchors, positives, negatives = seen(grey, 0)
    assert positives == (anchors[0], [time + 1 for time in anchors[1]])
    assert set(negatives[0]) <= {5, 6}


def test_every_epoch_shows_every_positive_video_once_in_an_order_of_its_own(grey):
    epochs = {(seed, step): seen(grey, step, seed=seed)[0][0] for seed in (1, 2) for step in (0, 1)}
    assert all(sorted(epoch) == list(range(5)) for epoch in epochs.values())
    assert len({tuple(epoch) for epoch in epochs.values()}) == 4


def test_the_seed_decides_where_in_the_videos_and_which_negatives(grey):
    one, other = (seen(grey, 0, seed=seed) for seed in (1, 2))
    assert dict(zip(*one[0], strict=True)) != dict(zip(*other[0], strict=True))
    assert one[2] != other[2]


def test_settings_of_the_augmentation_reach_the_pictures(videos, grey):
    colourless = steps(videos, replace(SETTINGS, grey=1.0))[0].anchors
    assert torch.equal(colourless[:, 0], colourless[:, 1])
    assert seen(grey, 0, jitter=0.4)[0] != seen(grey, 0)[0]
    assert steps(videos, replace(SETTINGS, rotation=False))[0].turns.count_nonzero() == 0
