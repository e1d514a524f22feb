"""Action recognition: networks by name, clips of a video, names of classes, the shipped network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model

from vcmflow.core.clips import View
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.core.video import Frame, write_video
from vcmflow.nets.timesformer import TimeSformer
from vcmflow.nets.tsm import Tsm, shift
from vcmflow.task.action import SHAPES, kinetics400, run_module
from vcmflow.task.recogniser import Recogniser, read_classes
from vcmflow.task.registry import RECOGNISERS
from vcmflow.task.run import run_model
from vcmrender.api import MOTIONS, render_motion

WEIGHTS = Path(__file__).parents[2] / "models" / "r2plus1d_mini.safetensors"
SMALL = {"frames": 16, "stride": 1, "clips": 1, "short_side": 32, "crop": 32}


def model(name: str, weights: Path | None = None, **options: Any) -> Recogniser:
    found: Recogniser = build(
        RECOGNISERS, name, "model", options, offered={"weights": weights, "device": "cpu"}
    )
    return found


def noise(count: int, height: int = 40, width: int = 60) -> list[Frame]:
    rng = np.random.default_rng(count)
    return list(rng.integers(0, 256, (count, height, width, 3)).astype(np.uint8))


def names(path: Path, count: int) -> Path:
    path.write_text("".join(f"class {k}\n" for k in range(count)))
    return path


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "mc3_18" else pytest.mark.slow)
        for name in sorted(SHAPES)
    ],
)
def test_a_published_network_gives_what_it_gives_outside(name: str, tmp_path: Path) -> None:
    """Its weights, by path, with the classes that they have; at a small size of its own kind."""
    count = 7
    fixed = name in ("s3d", "mvit_v1_b", "mvit_v2_s")
    size = SMALL | {"short_side": 224, "crop": 224} if fixed else SMALL
    size = size if not name.startswith(("tsm", "tsn")) else SMALL | {"frames": 8, "stride": 0}
    torch.manual_seed(3)
    if name.startswith(("tsm", "tsn")):
        module: Any = Tsm(count, 8, name.startswith("tsm")).eval()
    elif name == "timesformer":
        module = TimeSformer(count, 16, 32).eval()
    else:
        module = get_model(name, weights=None, num_classes=count).eval()
    torch.save(module.state_dict(), tmp_path / "w.pth")
    frames = noise(16, size["crop"], size["crop"])
    labels = names(tmp_path / "classes.txt", count)
    found = model(name, tmp_path / "w.pth", classes=str(labels), **size).run(frames)
    mean, deviation = (torch.tensor(part) for part in SHAPES[name].colours)
    kept = range(1, 16, 2) if size["frames"] == 8 else range(16)
    clip = torch.tensor(np.stack([frames[k] for k in kept])).float() / 255
    clip = ((clip - mean) / deviation).permute(3, 0, 1, 2)[None]
    with torch.inference_mode():
        expected = module(clip)[0].softmax(0)
    order = expected.argsort(descending=True)
    assert [entry["label"] for entry in found] == [f"class {k}" for k in order.tolist()]
    scores = [entry["score"] for entry in found]
    np.testing.assert_allclose(scores, expected[order].numpy(), atol=2e-5)


def test_scores_are_means_over_clips_that_may_come_in_any_size() -> None:
    """Of a made-up network that looks at the mean of red and green."""

    def scores(clips: Any) -> Any:
        means = clips.mean(axis=(2, 3, 4))
        return np.stack([10 * means[:, 0], 10 * means[:, 1]], axis=1)

    frames = [np.full((20, 30, 3), (255 * (k < 6), 255 * (k >= 6), 0), np.uint8) for k in range(12)]
    plain = ((0.0,) * 3, (1.0,) * 3)
    view = View(frames=3, stride=1, short_side=16, crop=16)
    # One clip, of frames 5, 6, 7: one is red, two are green; several: as many of each.
    for clips, red in ((1, 1 / (1 + np.exp(10 / 3))), (2, 0.5), (4, 0.5)):
        found = Recogniser(scores, ["red", "green"], view, clips, plain, 1).run(frames)
        shares = {entry["label"]: entry["score"] for entry in found}
        assert [shares["red"], shares["green"]] == pytest.approx([red, 1 - red], abs=1e-3)
    with pytest.raises(VcmflowError, match="clips is 2; allowed: 1 where frames are spread"):
        Recogniser(scores, ["a"], replace(view, stride=0), 2, plain, 1)


def test_the_shift_moves_an_eighth_each_way_and_no_clip_into_another() -> None:
    x = torch.arange(2 * 3 * 8.0).reshape(6, 8, 1, 1) + 1
    found = shift(x, 3).reshape(2, 3, 8)
    given = x.reshape(2, 3, 8)
    assert found[:, :2, 0].tolist() == given[:, 1:, 0].tolist()
    assert found[:, 2, 0].tolist() == [0, 0]
    assert found[:, 1:, 1].tolist() == given[:, :2, 1].tolist()
    assert found[:, 0, 1].tolist() == [0, 0]
    assert (found[:, :, 2:] == given[:, :, 2:]).all()


def authors(key: str) -> str:
    return "module.new_fc" + key[6:] if key.startswith("net.fc") else "module.base_model" + key[3:]


def mmaction(key: str) -> str:
    """The names of mmaction2's ResNetTSM: a convolution and its normalisation are one module."""
    key = key.removeprefix("net.")
    if key.startswith("fc."):
        return f"cls_head.fc_cls.{key[3:]}"
    key = key.replace("downsample.0", "downsample.conv").replace("downsample.1", "downsample.bn")
    for k in "123":
        key = key.replace(f"bn{k}.", f"conv{k}.bn.")
        if "bn" not in key and "downsample" not in key:
            key = key.replace(f"conv{k}.", f"conv{k}.conv.")
    return f"backbone.{key}"


@pytest.mark.parametrize("renamed", [authors, mmaction])
def test_checkpoints_of_tsm_are_read_under_both_of_their_names(
    renamed: Callable[[str], str], tmp_path: Path
) -> None:
    torch.manual_seed(1)
    module = Tsm(5, 8).eval()
    state = {renamed(key): value for key, value in module.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    labels = names(tmp_path / "classes.txt", 5)
    loaded = model("tsm_resnet50", tmp_path / "w.pth", classes=str(labels))
    (own,) = (part for part in loaded._scores.args if isinstance(part, torch.nn.Module))
    expected = module.state_dict()
    for key, value in own.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(value, expected[key]), key


def test_classes_are_kinetics_or_a_list_of_names(tmp_path: Path) -> None:
    assert len(kinetics400()) == 400 and kinetics400()[0] == "abseiling"
    path = tmp_path / "classInd.txt"
    path.write_text("1 ApplyEyeMakeup\n2 ApplyLipstick\n\n")
    assert read_classes(path) == ("ApplyEyeMakeup", "ApplyLipstick")
    path.write_text("shooting basketball\nyoga\n")
    assert read_classes(path) == ("shooting basketball", "yoga")
    for text, message in (("", "not a list of different"), ("a\na\n", "not a list of different")):
        path.write_text(text)
        with pytest.raises(VcmflowError, match=message):
            read_classes(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(VcmflowError, match="UTF-8"):
        read_classes(path)
    with pytest.raises(VcmflowError, match="no such list"):
        read_classes(tmp_path / "none.txt")


def test_weights_that_do_not_fit_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match=r"none\.pth: no such file"):
        model("mc3_18", tmp_path / "none.pth")
    save_file({"fc.bias": torch.zeros(7), "x": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(VcmflowError, match=r"of 7 classes, and there are 400 names \(Kinetics-400"):
        model("mc3_18", tmp_path / "w.safetensors")
    labels = names(tmp_path / "classes.txt", 7)
    with pytest.raises(VcmflowError, match="not a checkpoint of mc3_18: it lacks"):
        model("mc3_18", tmp_path / "w.safetensors", classes=str(labels))
    with pytest.raises(VcmflowError, match=r"none\.safetensors: no such weights"):
        model("r2plus1d_mini", tmp_path / "none.safetensors")


def test_a_video_shorter_than_the_window_is_one_clear_line(tmp_path: Path) -> None:
    write_video(tmp_path / "short.mkv", noise(7), 10)
    with pytest.raises(VcmflowError, match=r"short\.mkv: the video has 7 frames, a clip of 8"):
        run_model(model("r2plus1d_mini", WEIGHTS), "clip", tmp_path / "short.mkv", 1)


def test_random_weights_are_the_same_each_time() -> None:
    frames = noise(8, 96, 96)
    assert model("r2plus1d_mini").run(frames) == model("r2plus1d_mini").run(frames)


def test_the_shipped_network_knows_motions_that_no_single_frame_shows() -> None:
    """Of held-out clips, with textures that it was not trained on; of their stills it knows none.

    Chance is 1/10; of 60 stills, 15 right have a probability of 3e-4 by chance.
    """
    network = model("r2plus1d_mini", WEIGHTS)
    moving = still = 0
    for number in range(60):
        motion = MOTIONS[number % len(MOTIONS)]
        rng = np.random.default_rng([7, number])
        frames = list(render_motion(motion, 8, 96, rng, "left"))
        moving += network.run(frames)[0]["label"] == motion
        still += network.run([frames[4]] * 8)[0]["label"] == motion
    assert moving >= 42  # 70 %
    assert still < 15


def test_a_module_is_run_without_gradients() -> None:
    scores = run_module(torch.nn.Flatten(), "cpu", np.ones((1, 3, 1, 1, 1), np.float32))
    assert scores.dtype == np.float32 and scores.shape == (1, 3)


@pytest.mark.parametrize(
    ("name", "crop", "allowed"),
    [("mvit_v2_s", 112, "224"), ("timesformer", 100, "a multiple of 16")],
)
def test_a_crop_that_a_network_cannot_have_is_one_clear_line(
    name: str, crop: int, allowed: str
) -> None:
    with pytest.raises(VcmflowError, match=f"{name}: crop is {crop}; allowed: {allowed}"):
        model(name, crop=crop)
