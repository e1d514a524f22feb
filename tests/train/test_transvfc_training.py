"""Training of the feature codec: clips of any folder, first values, and a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from vcmflow.__main__ import stage
from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import read_csv
from vcmflow.core.video import read_video
from vcmflow.nets.transvfc.mini import NAME, MiniTransVfc
from vcmflow.nets.weights import load_halves
from vcmflow.train.trainee import Files, Place
from vcmflow.train.transvfc.clips import Clips, count_frames, find_clips
from vcmflow.train.transvfc.fst import FstTrainee
from vcmflow.train.transvfc.runs import Runs
from vcmflow.train.transvfc.settings import FstSettings, TransVfcSettings
from vcmflow.train.transvfc.trainee import TransVfcTrainee
from vcmrender.api import write_clip

MODELS = Path(__file__).parents[2] / "models"
DETECTOR = MODELS / "faster_rcnn_mini.safetensors"


def pictures(count: int, seed: int) -> list[Any]:
    """A texture that moves by two pixels per frame."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 255, (18, 40, 3)).astype(np.uint8)
    texture = cv2.resize(coarse, (320, 144), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(texture[:, 2 * k : 2 * k + 192]) for k in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One video of 40 frames, and one as pictures, as YouTube-VIS has them."""
    root = tmp_path_factory.mktemp("videos")
    write_clip(root / "a.mp4", iter(pictures(40, 1)), 24.0)
    (root / "JPEGImages" / "b").mkdir(parents=True)
    for number, picture in enumerate(pictures(5, 2)):
        cv2.imwrite(str(root / "JPEGImages" / "b" / f"{5 * number:05d}.jpg"), picture[..., ::-1])
    return root


def test_clips_are_videos_and_folders_of_pictures(folder: Path, tmp_path: Path) -> None:
    assert [path.name for path in find_clips(folder)] == ["a.mp4", "b"]
    with pytest.raises(VcmflowError, match="no videos"):
        find_clips(tmp_path)


@pytest.mark.parametrize("budget", [0, 10**9])
def test_runs_are_the_frames_of_the_video(folder: Path, budget: int) -> None:
    """Across the blocks that are kept, too, and however little is kept."""
    video = folder / "a.mp4"
    frames = list(read_video(video))
    assert count_frames(video) == len(frames) == 40
    clips = Clips(find_clips(folder), 144, budget)
    for place, first in ((0.0, 0), (0.99999, 34), (0.8, 28)):
        run = clips.run(0, place, 6)
        np.testing.assert_array_equal(run, np.stack(frames[first : first + 6]))
    assert clips.run(1, 0.5, 3).shape == (3, 144, 192, 3)
    with pytest.raises(VcmflowError, match="has 5 frames, 6 are needed"):
        clips.run(1, 0.5, 6)


def test_a_step_depends_on_seed_and_number_alone(folder: Path) -> None:
    settings = TransVfcSettings(steps=10, frames=3, crop=64)
    place = Place(0, 1, torch.device("cpu"))
    runs = [Runs(Clips(find_clips(folder), 144, 10**9), settings, place) for _ in "ab"]
    assert torch.equal(runs[0][7], runs[1][7])
    assert not torch.equal(runs[0][7], runs[0][8])
    # The coarse first frame and the frames; 2 in the first stage, 3 later.
    assert [runs[0][step].shape[1] for step in (0, 2, 7)] == [3, 4, 4]
    whole = TransVfcSettings(steps=10, frames=3, stages=0)
    assert [whole.frames_at(step) for step in (0, 2, 7)] == [3, 3, 3]
    assert [whole.stage(0), settings.stage(0), settings.stage(9)] == [2, 0, 2]
    half = [Runs(Clips(find_clips(folder), 144, 10**9), settings, Place(r, 2, place.device))[7]
            for r in range(2)]  # fmt: skip
    assert torch.equal(torch.stack(half, 1).flatten(0, 1), runs[0][7])


def test_the_network_starts_as_a_copy_of_the_reference() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MiniTransVfc()
        network.take_detector(DETECTOR)
        network.start()
        current, reference = torch.rand(2, 1, 32, 32, 32).unbind()
    network.eval()
    with torch.inference_mode():
        step = network(current, reference, torch.tensor([0]))
    power = float(reference.square().mean())
    assert float((step.feature - reference).square().mean()) < 0.2 * power
    assert float((step.warped - reference).square().mean()) < 0.2 * power


def test_a_few_steps(folder: Path, tmp_path: Path) -> None:
    words = "{trainee: transvfc_mini, steps: 2, batch: 2, frames: 2, crop: 64, held_out: 2, "
    words += "log_every: 1}"
    for name in "ab":
        given = [
            *("train", "--trainee", words, "--videos", str(folder)),
            *("--initial-weights", str(DETECTOR)),
            *("--weights-out", f"{tmp_path}/{name}.safetensors", "--log-out", f"{tmp_path}/l.csv"),
        ]
        assert stage(given) == 0
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    network, start = MiniTransVfc(), MiniTransVfc()
    load_halves(tmp_path / "a.safetensors", network, NAME)
    start.take_detector(DETECTOR)
    # The detector's part is as it was, up to half precision, in which it came.
    for name, value in start.front.state_dict().items():
        assert torch.equal(network.front.state_dict()[name], value), name
    rows = read_csv(tmp_path / "l.csv", ("step", "loss", "bpp_y", "mse_feature"))
    assert [float(row["step"]) for row in rows] == [1, 2]
    last = rows[-1]
    assert {"validation_mse_copied", "validation_bpp_16", "validation_mse_256"} <= set(last)


def fst(folder: Path, **changes: Any) -> FstTrainee:
    given = {"steps": 2, "batch": 2, "frames": 3, "crop": 64, "held_out": 2, "inner": 4}
    files = Files(videos=folder, initial_weights=MODELS / "transvfc_mini.safetensors")
    segmenter = str(MODELS / "yolact_mini.safetensors")
    return FstTrainee(FstSettings(**{**given, "segmenter": segmenter, **changes}), files)


def test_a_transfer_learns_from_what_the_codec_decodes(folder: Path, tmp_path: Path) -> None:
    """Codec and segmenter stay as they are; a batch is all frames of its runs."""
    trainee = fst(folder)
    place = Place(0, 1, torch.device("cpu"))
    batch = trainee.data(place)[0]
    assert batch.shape == (2, 4, 64, 64, 3)
    optimiser = trainee.optimiser(trainee.network)
    losses = []
    for _ in range(6):
        measured = trainee.loss(trainee.network.train(), batch, 0, place)
        optimiser.zero_grad()
        measured.loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(measured.loss.detach()))
    assert losses[-1] < losses[0]
    assert {"mse_feature", "mse_levels", "mse_image"} == set(measured.means)
    trainee.save(tmp_path / "w.safetensors", trainee.network, {})
    found = trainee.validate(tmp_path / "w.safetensors")
    assert found["mse_feature_16"] > 0 < found["feature_power"]
    assert len(found) == 2 + 2 * 5
    with pytest.raises(VcmflowError, match="weights of faster_rcnn_mini, not yolact_mini"):
        fst(folder, segmenter=str(DETECTOR))


def test_what_is_missing_is_said(folder: Path) -> None:
    settings = TransVfcSettings(held_out=2)
    with pytest.raises(VcmflowError, match="needs --videos"):
        TransVfcTrainee(settings, Files(initial_weights=DETECTOR))
    with pytest.raises(VcmflowError, match="needs --initial-weights"):
        TransVfcTrainee(settings, Files(videos=folder))
    files = Files(videos=folder, initial_weights=DETECTOR)
    with pytest.raises(VcmflowError, match="2 clips; every 20th is held out"):
        TransVfcTrainee(TransVfcSettings(), files)
