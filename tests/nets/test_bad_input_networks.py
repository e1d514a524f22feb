"""What a user can hand to the official networks by mistake, on the command line."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vcmflow.__main__ import stage
from vcmflow.core.encoding import Encoding, Shape, write_encoding
from vcmflow.core.errors import VcmflowError
from vcmflow.core.models import load_model
from vcmflow.core.video import Frame, read_video, write_video
from vcmflow.nets.ema_vfi.load import load as load_ema_vfi
from vcmflow.task.registry import DETECTORS

TABLE = Path(__file__).parents[2] / "data" / "weights.csv"

# A row of the table -> its file, and the call that uses it.
NETWORKS: dict[str, tuple[str, list[str]]] = {
    "ema_vfi_full": ("ours_t.pkl", ["reconstruct", "ema_vfi"]),
    "faster_rcnn_x101": ("model_final_68b088.pkl", ["detection", "faster_rcnn_x101"]),
    "yolact_plus_base": (
        "yolact_plus_base_54_800000.pth",
        ["segmentation", "yolact_plus_base"],
    ),
}


def frames(count: int, height: int = 47, width: int = 63) -> list[Frame]:
    coarse = np.random.default_rng(3).integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)
    return list(np.kron(coarse, np.ones((1, 8, 8, 1), np.uint8))[:, :height, :width])


class Harm:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("echo harm > harm",)


def truncated(path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, path)
    if path.name.startswith("model_final"):
        path.write_bytes(pickle.dumps({"model": {"a": np.zeros(1000, np.float32)}}))
    path.write_bytes(path.read_bytes()[:2000])


def of_another_network(path: Path) -> None:
    state = load_ema_vfi("small", None).state_dict()
    torch.save({f"module.{key}": value for key, value in state.items()}, path)


def harmful(path: Path) -> None:
    if path.name.startswith("model_final"):
        path.write_bytes(pickle.dumps({"model": {"a": Harm()}}))
    else:
        torch.save({"a": Harm()}, path)


def missing(path: Path) -> None:
    path.unlink(missing_ok=True)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (truncated, "not a whole"),
        (of_another_network, "not a checkpoint of"),
        (harmful, "refused: it holds"),
        (missing, "no such file"),
    ],
)
def test_a_bad_checkpoint_is_one_line_from_every_command(
    network: str,
    spoil: Callable[[Path], None],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    file, (task, model) = NETWORKS[network]
    spoil(Path(file))
    write_video(Path("v.mkv"), frames(1), 10)
    check = ["weights", "--table", str(TABLE), "--folder", ".", "--name", network]
    if task == "reconstruct":
        Path("one.gaps").write_bytes(b"")
        encoding = Encoding({"codec": "vvenc"}, Shape(63, 47, 1, 10.0), {}, {})
        write_encoding(Path("encode.json"), encoding)
        use = ["reconstruct", "--encoded", "encode.json", "--points", "32", "--gaps", "one.gaps"]
        use += ["--reconstructor", model, "--device", "cpu"]
    else:
        use = ["task", "--kind", task, "--model", model, "--device", "cpu", "--videos", "v.mkv"]
    for command in (check, [*use, "--weights", file, "--out", "out.mkv"]):
        assert stage(command) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1 and said in message
        assert file in message, "the file is named"
        assert "weights.csv" in message or "get ema_vfi" in message or "put it there" in message
    assert not Path("harm").exists() and not Path("out").exists()


@pytest.mark.parametrize(
    ("kept", "gaps"), [([0, 1, 2], [0, 0]), ([0], []), ([0, 2], [1]), ([0, 2, 3], [1, 0])]
)
def test_gaps_of_none_and_single_frames_of_odd_size(
    kept: list[int], gaps: list[int], tmp_path: Path
) -> None:
    video, decision = tmp_path / "v.mkv", tmp_path / "decision.json"
    out = tmp_path / "out.mkv"
    write_video(video, frames(kept[-1] + 1), 10)
    content = {"sequence": "v", "sampler": "hand", "method": "uniform", "options": {}, "fps": 10}
    content |= {
        "n": kept[-1] + 1,
        "m": len(kept),
        "m_requested": len(kept),
        "frames": kept,
        "gaps": gaps,
    }
    decision.write_text(json.dumps(content), "utf-8")
    command = ["encode", "--frames", str(video), "--decision", str(decision), "--points", "32"]
    assert stage([*command, "--out", str(tmp_path)]) == 0
    command = ["reconstruct", "--encoded", str(tmp_path / "encode.json"), "--points", "32"]
    command += ["--decision", str(decision), "--weights", "random", "--device", "cpu"]
    command += ["--reconstructor", "{reconstructor: ema_vfi, size: small}"]
    assert stage([*command, "--out", str(out)]) == 0
    assert [frame.shape for frame in read_video(out)] == [(47, 63, 3)] * (kept[-1] + 1)


@pytest.mark.parametrize(
    ("task", "model"),
    [
        (
            "detection",
            "{model: faster_rcnn_x101, min_size: 64, max_size: 96, score_threshold: 0.9}",
        ),
        ("segmentation", "{model: yolact_plus_resnet50, score_threshold: 0.9}"),
    ],
)
def test_a_video_of_one_frame_without_objects(task: str, model: str, tmp_path: Path) -> None:
    # Fixed random weights are nowhere sure of anything.
    video, out = tmp_path / "v.mkv", tmp_path / "found.json"
    write_video(video, frames(1), 10)
    command = ["task", "--kind", task, "--model", model, "--device", "cpu"]
    assert stage([*command, "--videos", str(video), "--out", str(out)]) == 0
    assert json.loads(out.read_text("utf-8")) == []


def test_frames_too_narrow_for_torchvision() -> None:
    model = "{model: fasterrcnn_mobilenet_v3_large_320_fpn, min_size: 32, max_size: 64}"
    detector = load_model(DETECTORS, "model", model, None, "cpu", 1)
    with pytest.raises(VcmflowError, match=r"65x1 vanish.*64 pixels"):
        detector.detect([np.zeros((1, 65, 3), np.uint8)])
    assert len(detector.detect([np.zeros((1, 64, 3), np.uint8)])) == 1
