"""``python -m vcmflow stage importance``: what it writes, and what it refuses."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from vcmflow.__main__ import stage
from vcmflow.core.arrays import Frame, read_importance
from vcmflow.core.video import write_video
from vcmflow.importance import command
from vcmflow.importance.registry import MAPS
from vcmflow.importance.texture import gradient_energy
from vcmflow.nets.proxy_mini import NAME, ProxyNetwork
from vcmflow.nets.weights import save_halves


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A video of 4 frames of 50 x 37, the second one black, its ground truth, a proxy's weights."""
    frames = np.random.default_rng(0).integers(0, 256, (4, 37, 50, 3)).astype(np.uint8)
    frames[1] = 0
    write_video(tmp_path / "v.mkv", frames, 10.0)
    truth = {
        "images": [{"id": index} for index in range(4)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"image_id": 0, "category_id": 1, "bbox": [0, 0, 16, 16]}],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth), "utf-8")
    torch.manual_seed(0)
    save_halves(tmp_path / "w.safetensors", ProxyNetwork(), NAME, {})
    return tmp_path


def run(folder: Path, instance: str, *extra: str, out: str = "i.npy") -> int:
    files = ["--videos", f"{folder}/v.mkv", "--out", f"{folder}/{out}"]
    return stage(["importance", "--map", instance, *files, *extra])


def words(folder: Path, name: str) -> list[str]:
    given = ["--weights", f"{folder}/w.safetensors"] if name in ("plis", "confidence") else []
    return given + (["--truth", f"{folder}/truth.json"] if MAPS[name].truth else [])


@pytest.mark.parametrize("name", sorted(MAPS))
def test_every_map_is_read_as_importance_and_comes_out_the_same_again(
    folder: Path, name: str
) -> None:
    sheet = ["--sheets-out", f"{folder}/i.png", "--pixels-out", f"{folder}/p.npy"]
    assert run(folder, name, *words(folder, name), *sheet) == 0
    maps = read_importance(folder / "i.npy")
    assert maps.shape == (4, 3, 4)
    assert (maps[0] != 1).any()
    if name in ("texture", "boxes"):
        np.testing.assert_array_equal(maps[1], 1)
    assert run(folder, name, *words(folder, name), out="again.npy") == 0
    assert (folder / "again.npy").read_bytes() == (folder / "i.npy").read_bytes()
    pixels = np.load(folder / "p.npy")
    assert pixels.shape == (37, 50) and pixels.mean(dtype=np.float64) == pytest.approx(1, abs=1e-4)
    # First, middle and last frame; each as picture, pixels and blocks.
    height, width = cv2.imread(f"{folder}/i.png").shape[:2]
    assert height == 3 * (240 + 20) and width == 3 * (round(50 * 240 / 37) + 4)


def test_frames_of_other_videos_do_not_count(folder: Path) -> None:
    both = ["--videos", f"{folder}/v.mkv", f"{folder}/v.mkv"]
    outs = ["--out", f"{folder}/a.npy", f"{folder}/b.npy"]
    assert stage(["importance", "--map", "random", *both, *outs]) == 0
    assert (folder / "a.npy").read_bytes() == (folder / "b.npy").read_bytes()


def test_frames_are_let_go_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: dict[int, int] = {}
    most = 0

    def many(_: Path) -> Iterator[Frame]:
        nonlocal most
        for number in range(40):
            frame = np.full((32, 32, 3), number, np.uint8)
            alive[number] = number
            weakref.finalize(frame, alive.pop, number)
            yield frame
            del frame
            most = max(most, len(alive))

    monkeypatch.setattr(command, "open_source", many)
    blocks, rows = command._map(Path("v.mkv"), gradient_energy)
    assert len(blocks) == 40
    assert [row[0] for row in rows] == [0, 19, 39]
    assert most <= 5  # those on the sheet, and the one at hand


@pytest.mark.parametrize(
    ("instance", "extra", "said"),
    [
        ("saliency", (), "unknown map 'saliency'; allowed: boxes, confidence, plis"),
        ("boxes", (), "map 'boxes' needs --truth"),
        ("plis", (), "map 'plis' needs --weights"),
        ("texture", ("--weights", "w.pth"), "map 'texture' takes no weights"),
        ("texture", ("--truth", "t.json"), "map 'texture' takes no --truth"),
        ("texture", ("--threads", "0"), "--threads is 0"),
        ("texture", ("--sheets-out", "a.png", "b.png"), "--sheets-out has 2 entries for 1 videos"),
        ("{map: random, probes: 0}", (), "option probes is 0"),
        ("{map: random, network: resnet}", (), "unknown network 'resnet'"),
    ],
)
def test_what_is_wrong_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], instance: str, extra: list[str], said: str
) -> None:
    assert run(folder, instance, *extra) == 2
    message = capsys.readouterr().err
    assert said in message and message.count("\n") == 1
    assert not (folder / "i.npy").exists()
